"""Blocks that only a page can show, as plain values: drawings, sections under a slider, texts to copy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sam_seismic.report.blocks import Columns, Facts


@dataclass(frozen=True)
class Notes:
    """Sentences that the reader should not miss."""

    kind: ClassVar[str] = "notes"
    title: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Drawing:
    """A drawing.

    Args:
        title: title above it.
        svg: an SVG element, from `svg_of`.
        note: a sentence below it.
    """

    kind: ClassVar[str] = "drawing"
    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture file.

    Args:
        title: title above it.
        content: of a PNG or GIF file.
        note: a sentence below it.
    """

    kind: ClassVar[str] = "picture"
    title: str
    content: bytes
    note: str = ""


@dataclass(frozen=True)
class SectionComparison:
    """A section with two interpretations of it, which a slider separates.

    Args:
        title: title above it.
        names: of the interpretations to the left and to the right of the slider.
        background: the amplitudes, a PNG.
        left, right: the interpretations, a PNG each, transparent where nothing is interpreted.
        aspect: height over width on the page.
        legend: name and colour `#rrggbb` of each class.
        note: a sentence below it.
    """

    kind: ClassVar[str] = "section_comparison"
    title: str
    names: tuple[str, str]
    background: bytes
    left: bytes
    right: bytes
    aspect: float
    legend: Sequence[tuple[str, str]]
    note: str = ""


@dataclass(frozen=True)
class HeatTable:
    """A square table of shares, shaded.

    Args:
        title: title above it.
        names: of the rows and of the columns.
        cells: by row, a share from 0 to 1, and the text that stands there; None for a row without voxels.
        rows, columns: what rows and columns are.
    """

    kind: ClassVar[str] = "heat_table"
    title: str
    names: Sequence[str]
    cells: Sequence[Sequence[tuple[float, str] | None]]
    rows: str
    columns: str


@dataclass(frozen=True)
class Text:
    """A text to read or copy as it stands, folded away."""

    kind: ClassVar[str] = "text"
    title: str
    content: str


PageBlock = Facts | Columns | Notes | Drawing | Picture | SectionComparison | HeatTable | Text
