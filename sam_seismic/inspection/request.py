"""What `inspect` is asked, and what it found: plain facts for programs, blocks to draw in turn for people."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sam_seismic.config import ReadOptions
from sam_seismic.report.blocks import ReportBlock


@dataclass(frozen=True)
class InspectRequest:
    """What to look at.

    Args:
        path: a volume, a configuration (.yaml) or a checkpoint (.ckpt).
        read: how to open a volume.
        labels: the volume holds label values, however many.
        config: a configuration that names the classes of a label volume; None where nobody does.
        picture: PNG to draw a volume into; None for none.
        overwrite: replace an existing picture.
    """

    path: Path
    read: ReadOptions = field(default_factory=ReadOptions)
    labels: bool = False
    config: Path | None = None
    picture: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Args:
        facts: plain data for programs.
        blocks: for people, from top to bottom.
        warnings: what was assumed or looks odd.
        files: what was written.
    """

    facts: dict[str, Any]
    blocks: Sequence[ReportBlock]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
