"""What a file says of how it was written, as plain data for `inspect` and for copies."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SourceFacts:
    """How a file was written; None for what its format does not say.

    Args:
        standard: the standard that its headers follow: `SEG-Y`.
        revision: of the standard: `1.0`.
        byte_order: of headers and samples.
        inline_byte: position of the inline number in the trace headers, from 1.
        crossline_byte: position of the crossline number.
        line_numbers: how these positions were found, in words.
        length_unit: of coordinates.
        text_header: its lines, as they stand there.
    """

    standard: str | None = None
    revision: str | None = None
    byte_order: Literal["big", "little"] | None = None
    inline_byte: int | None = None
    crossline_byte: int | None = None
    line_numbers: str | None = None
    length_unit: Literal["m", "ft"] | None = None
    text_header: str | None = None


@dataclass(frozen=True)
class SecondReading:
    """What another reader of the same format makes of a file.

    Args:
        opens: whether it opens it strictly, as a cube.
        why: why it does not, in words.
    """

    opens: bool
    why: str | None = None
