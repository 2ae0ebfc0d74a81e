"""A volume, horizons and bodies come in; a label volume on the grid of the volume goes out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic import __version__
from sam_seismic.config import InterpretationConfig, ReadOptions
from sam_seismic.errors import SurveyError, UserError
from sam_seismic.files.several_paths import VolumePath
from sam_seismic.files.unfinished import check_output
from sam_seismic.listener import Listener
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.formats import open_result, open_volume
from sam_seismic.survey.geometry import Geometry, Orientation, describe_lines
from sam_seismic.survey.labels.interpretation import Interpretation, interpret
from sam_seismic.survey.labels.volume import InterpretedVolume
from sam_seismic.survey.result import ResultRequest

STORED = np.dtype(np.int16)
"""Type of a label volume: it holds 255, not interpreted, and most programs read it."""
_LINES = re.compile(r"(?:(IL|XL):)?(\d+)(?:-(\d+))?", re.IGNORECASE)


@dataclass(frozen=True)
class LabelsRequest:
    """What to make labels from.

    Args:
        volume: the amplitudes that they are labels of; or the SEG-Y files of one survey.
        output: label volume to write; its ending names the format.
        interpretation: horizons and bodies.
        lines: the lines that get labels: `100`, `100-120`, `IL:100`, `XL:300-310`; empty: all lines.
        read: how to open the volume.
        overwrite: replace an existing output.
    """

    volume: VolumePath
    output: Path
    interpretation: InterpretationConfig
    lines: tuple[str, ...] = ()
    read: ReadOptions = field(default_factory=ReadOptions)
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class LabelsOutcome:
    """The label volume that was written.

    Args:
        path: of it.
        made: what it is made from.
        voxels: int64[class], voxels of each class.
        inlines: numbers of the inlines with a label.
        live: voxels of the volume on live traces.
    """

    path: Path
    made: Interpretation
    voxels: NDArray[np.int64]
    inlines: tuple[int, ...]
    live: int

    @property
    def facts(self) -> dict[str, Any]:
        """The outcome as plain data."""
        names = self.made.labels.class_names
        return {
            "output": str(self.path),
            "classes": [
                {"value": value, "name": name, "voxels": int(count)}
                for value, (name, count) in enumerate(zip(names, self.voxels, strict=True))
            ],
            "not_interpreted": IGNORE,
            "labelled_share": round(int(self.voxels.sum()) / max(1, self.live), 6),
            "labelled_inlines": list(self.inlines),
            "horizons": [
                {"name": each.name, "traces": int(each.picked.sum()), "interpolated": each.interpolated}
                for each in self.made.surfaces
            ],
            "bodies": [
                {"name": each.name, "lines": [f"{orientation.short} {line}" for orientation, line in each.lines]}
                for each in self.made.bodies
            ],
            "warnings": list(self.made.labels.notes),
        }


def make_labels(request: LabelsRequest, listener: Listener) -> LabelsOutcome:
    """Write labels between horizons and inside bodies; all else is 255, not interpreted.

    Raises:
        UserError: the volume, a horizon or a body cannot be used as it is, or the output cannot be written.
    """
    check_output(request.output, overwrite=request.overwrite)
    volume = open_volume(request.volume, request.read)
    made = interpret(volume, request.interpretation)
    for note in (*volume.notes, *made.labels.notes):
        listener.say(f"note: {note}")
    labels = made.labels
    if request.lines:
        labels = labels.only(chosen_traces(request.lines, volume.geometry))
    result = ResultRequest(
        path=request.output,
        source=volume,
        dtype=STORED,
        overwrite=request.overwrite,
        note=f"LABELS FROM HORIZONS BY SAM-SEISMIC {__version__}; {IGNORE} IS NOT INTERPRETED",
        null=IGNORE,
    )
    voxels, inlines = _write(labels, result, listener)
    if not voxels.any():
        listener.say("note: NO VOXEL IS LABELLED: no two horizons are picked on the same trace")
    live = int(volume.geometry.live.sum()) * volume.geometry.samples
    return LabelsOutcome(request.output, made, voxels, inlines, live)


def _write(
    labels: InterpretedVolume, request: ResultRequest, listener: Listener
) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """Write all inlines; voxels of each label value 0 to 254, cut to the classes, and the inlines with a label."""
    counts, inlines = np.zeros(IGNORE + 1, np.int64), []
    lines = labels.geometry.inlines.tolist()
    with open_result(request) as result:
        for done, line in enumerate(lines, start=1):
            section = labels.section(Orientation.INLINE, line)
            result.write(section)
            found = np.bincount(section.values[:, section.live].ravel(), minlength=IGNORE + 1)
            counts += found
            if found[:IGNORE].any():
                inlines.append(line)
            listener.progress("labels", done, len(lines))
    return counts[: len(labels.class_names)], tuple(inlines)


def chosen_traces(lines: Sequence[str], grid: Geometry) -> NDArray[np.bool_]:
    """The traces on some lines: `100`, `100-120` and `IL:100` are inlines, `XL:300` is a crossline.

    Returns:
        bool[inline, crossline].

    Raises:
        UserError: a text is none of these, or names no line of the survey.
    """
    kept = np.zeros(grid.live.shape, np.bool_)
    for text in (part for each in lines for part in each.split(",") if part):
        match = _LINES.fullmatch(text)
        if match is None:
            raise UserError(
                problem=f"--lines {text}: is no line number or range", fix="write --lines 100 120-140 XL:300-310"
            )
        orientation = Orientation.CROSSLINE if (match[1] or "").upper() == "XL" else Orientation.INLINE
        first, last = int(match[2]), int(match[3] or match[2])
        numbers = grid.lines(orientation)
        chosen = (numbers >= first) & (numbers <= last)
        if not chosen.any():
            raise SurveyError(
                problem=f"--lines {text}: there is no such {orientation}, they run from {describe_lines(numbers)}",
                fix="choose lines of the survey; XL: before a number names a crossline",
            )
        kept |= chosen[:, None] if orientation is Orientation.INLINE else chosen
    return kept
