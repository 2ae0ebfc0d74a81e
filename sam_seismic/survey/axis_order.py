"""A 3D array stored in any axis order, of any numeric type, goes in; sections [sample, trace] come out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation

NATURAL = "inline,crossline,sample"
"""The axis order of this program's own volumes."""

NAME_IT = (
    "name it with --axes (YAML: data.read.axes): inline, crossline and sample in the order of the axes, such as "
    "inline,sample,crossline for a stack of pictures"
)
"""How a user names the axis order."""
ASSUMED_INTERVAL_MS = 4.0
"""Arrays and pictures hold no sample interval; this is the most common one."""
ASSUMED_TIMES = f"it holds no times: {ASSUMED_INTERVAL_MS:g} ms a sample from 0 ms on assumed"


@dataclass(frozen=True)
class AxisOrder:
    """The axis order of a stored array.

    Args:
        order: names of its axes, slowest first.
    """

    order: tuple[str, ...]

    @classmethod
    def named(cls, axes: str | None) -> "AxisOrder":
        """`sample,crossline,inline` -> AxisOrder; None is the natural order."""
        return cls(tuple((axes or NATURAL).split(",")))

    def grid_shape(self, stored: tuple[int, ...]) -> tuple[int, int, int]:
        """Shape of the stored array -> (inlines, crosslines, samples)."""
        sizes = dict(zip(self.order, stored, strict=True))
        return sizes["inline"], sizes["crossline"], sizes["sample"]

    def cut(
        self, stored: NDArray[np.generic], orientation: Orientation, position: int, *, single: tuple[int, ...] = ()
    ) -> NDArray[np.generic]:
        """The section at a position along its axis: [sample, trace]. Only that section is read.

        Args:
            stored: the array.
            orientation: of the section.
            position: along the axis of its lines.
            single: further axes of the array, ascending, each of length 1.
        """
        pick: list[int | slice] = [slice(None)] * 3
        pick[self.order.index(orientation)] = position
        for axis in single:
            pick.insert(axis, 0)
        section = stored[tuple(pick)]  # two axes, in the stored order
        left = [axis for axis in self.order if axis != orientation]
        return section if left[0] == "sample" else section.T  # [sample, trace]


def check_shape(path: Path, shape: tuple[int, ...]) -> None:
    """Refuse an array that is no volume.

    Raises:
        SurveyError: it has not three axes, or one of them is empty.
    """
    if len(shape) == 4 and 0 not in shape:
        raise SurveyError(
            problem=f"{path}: the array has four axes, {shape}: several volumes or channels; a volume has three",
            fix="save one of them a file: array[0], or array[..., 0] where the channels come last",
        )
    if len(shape) != 3 or 0 in shape:
        raise SurveyError(
            problem=f"{path}: the array has shape {shape}; a volume has three axes, none of them empty",
            fix="save one array [inline, crossline, sample] a file",
        )


def single_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Axes of length 1 that an array has beyond its three, ascending: the first of them; its volume is without them."""
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    return tuple(ones[: max(0, len(shape) - 3)])


def without_axes(sizes: tuple[int, ...], single: tuple[int, ...]) -> tuple[int, ...]:
    """Sizes of the other axes."""
    return tuple(size for axis, size in enumerate(sizes) if axis not in single)


def counted_geometry(
    shape: tuple[int, int, int],
    *,
    first_inline: int = 0,
    first_crossline: int = 0,
    sample_interval_ms: float = ASSUMED_INTERVAL_MS,
) -> Geometry:
    """The grid of an array without line numbers: they count up from the first ones. Every trace is live."""
    inlines, crosslines, samples = shape
    return Geometry.complete(
        range(first_inline, first_inline + inlines),
        range(first_crossline, first_crossline + crosslines),
        samples,
        sample_interval_ms=sample_interval_ms,
    )


def read_type(path: Path, stored: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """The type in which stored samples are read: floats as float32, integers as they are, booleans as uint8.

    Raises:
        SurveyError: the samples are no numbers, or complex.
    """
    if stored.kind == "f":
        return np.dtype(np.float32)
    if stored.kind in "iu":
        return stored.newbyteorder("=")
    if stored.kind == "b":
        return np.dtype(np.uint8)
    raise SurveyError(
        problem=f"{path}: samples of type {stored} are neither real numbers nor integers",
        fix="save amplitudes as float32, labels as uint8",
    )


def type_notes(stored: np.dtype[np.generic]) -> tuple[str, ...]:
    """A note where floats lose precision as they are read."""
    return (f"stored as {stored.name}, read as float32",) if stored.kind == "f" and stored.itemsize > 4 else ()


def convert(values: NDArray[np.generic], dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """A contiguous copy of another type."""
    with np.errstate(over="ignore"):  # too large for float32 becomes infinite, and is refused as such
        return values.astype(dtype, order="C", copy=True)


def name_key(names: list[str]) -> str:
    """The fix where a file holds several arrays: which option names one of them."""
    return f"name that of the volume: --key {names[0] if names else 'NAME'} (YAML: data.read.key)"
