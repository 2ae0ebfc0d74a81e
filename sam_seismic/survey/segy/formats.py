"""The sample formats of SEG-Y: their codes, their names and how many bytes a sample takes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sam_seismic.config.choices import FormatName
from sam_seismic.errors import SurveyError

Order = Literal[">", "<"]
"""Byte order in numpy's signs: big- or little-endian."""


@dataclass(frozen=True)
class SampleFormat:
    """One way of storing samples.

    Args:
        code: as it stands in bytes 3225-3226.
        name: as users write it.
        words: as the field calls it.
        stored: numpy type of a stored sample, without its byte order; IBM floats are words of 32 bits.
        given: type of the samples that a section holds.
    """

    code: int
    name: FormatName
    words: str
    stored: str
    given: np.dtype[np.generic]

    @property
    def size(self) -> int:
        """Bytes a sample."""
        return np.dtype(self.stored).itemsize

    def __str__(self) -> str:
        return f"{self.words} ({self.code})"


FORMATS = {
    form.code: form
    for form in (
        SampleFormat(1, "ibm", "IBM float", "u4", np.dtype(np.float32)),
        SampleFormat(2, "int32", "32-bit integer", "i4", np.dtype(np.int32)),
        SampleFormat(3, "int16", "16-bit integer", "i2", np.dtype(np.int16)),
        SampleFormat(5, "ieee", "IEEE float", "f4", np.dtype(np.float32)),
        SampleFormat(6, "float64", "IEEE double", "f8", np.dtype(np.float32)),
        SampleFormat(8, "int8", "8-bit integer", "i1", np.dtype(np.int8)),
        SampleFormat(10, "uint32", "32-bit unsigned integer", "u4", np.dtype(np.uint32)),
        SampleFormat(11, "uint16", "16-bit unsigned integer", "u2", np.dtype(np.uint16)),
        SampleFormat(16, "uint8", "8-bit unsigned integer", "u1", np.dtype(np.uint8)),
    )
}

UNREAD = {
    4: "32-bit fixed point with gain",
    7: "24-bit integer",
    9: "64-bit integer",
    12: "64-bit unsigned integer",
    15: "24-bit unsigned integer",
}
"""Formats that the standard knows and this program does not read."""


def format_named(name: str) -> SampleFormat:
    """The format of a name.

    Raises:
        SurveyError: there is no such format.
    """
    for form in FORMATS.values():
        if form.name == name:
            return form
    known = ", ".join(form.name for form in FORMATS.values())
    raise SurveyError(problem=f"{name} is no SEG-Y sample format", fix=f"choose one of {known}")


def format_holding(dtype: np.dtype[np.generic]) -> SampleFormat:
    """The format that keeps samples of a type exactly: int8 -> 8, int16 -> 3, float32 -> IEEE 5, ...

    Raises:
        SurveyError: SEG-Y has no such format.
    """
    for form in FORMATS.values():
        if form.code != 1 and np.dtype(form.stored) == dtype:
            return form
    raise SurveyError(problem=f"SEG-Y has no sample format for {dtype}", fix="write int8, int16 or float32 samples")
