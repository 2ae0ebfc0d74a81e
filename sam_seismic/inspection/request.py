"""Request and result of `inspect`: the result has plain data for programs, and blocks to display for people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam_seismic.config import ReadOptions
from sam_seismic.config.choices import ColumnRole, HorizonFormatName
from sam_seismic.files.several_paths import VolumePath
from sam_seismic.report.blocks import ReportBlock


@dataclass(frozen=True)
class InspectRequest:
    """What to inspect.

    Args:
        path: a volume, a configuration (.yaml), a checkpoint (.ckpt) or a horizon file.
        read: how to open a volume.
        labels: treat the volume as labels, whatever its values are.
        config: a configuration that names the classes of a label volume; None for no names.
        picture: PNG file for a picture of the volume; None for none.
        overwrite: replace an existing picture.
        columns: what each column of a horizon file holds; empty: as its header says.
        horizon_format: of a horizon file; None: found out.
        others: further SEG-Y files of the same survey.
    """

    path: Path
    read: ReadOptions = field(default_factory=ReadOptions)
    labels: bool = False
    config: Path | None = None
    picture: Path | None = None
    overwrite: bool = False
    columns: tuple[ColumnRole, ...] = ()
    horizon_format: HorizonFormatName | None = None
    others: tuple[Path, ...] = ()

    @property
    def paths(self) -> VolumePath:
        """The volume, or all files of it."""
        return (self.path, *self.others) if self.others else self.path


@dataclass(frozen=True)
class Inspection:
    """Result of `inspect`.

    Args:
        facts: plain data for programs.
        blocks: blocks to display, from top to bottom.
        warnings: assumptions, and suspicious properties.
        files: files that were written.
    """

    facts: dict[str, Any]
    blocks: Sequence[ReportBlock]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
