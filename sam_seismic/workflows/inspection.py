"""A volume, a configuration or a checkpoint comes in; facts that tell whether it was understood go out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import Config, ReadOptions, load_config
from sam_seismic.data.amplitude import VOXELS_A_SECTION
from sam_seismic.errors import SurveyError
from sam_seismic.report import volume_picture
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.parts import open_survey
from sam_seismic.survey.result import check_output
from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.volume import Orientation, Volume, describe_lines
from sam_seismic.workflows.listener import Listener
from sam_seismic.workflows.scoring import check_whole

SAMPLED_LINES = 64
"""Lines that amplitudes are measured on; labels are counted on all."""
LABEL_VALUES = 64
"""Integers with at most so many different values are taken for labels."""

Rows = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class InspectRequest:
    """What to look at.

    Args:
        path: a volume, a configuration (.yaml) or a checkpoint (.ckpt).
        read: how to open a volume.
        labels: the volume holds label values, however many.
        picture: PNG to draw a volume into; None for none.
        overwrite: replace an existing picture.
    """

    path: Path
    read: ReadOptions = field(default_factory=ReadOptions)
    labels: bool = False
    picture: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Inspection:
    """What was found.

    Args:
        facts: plain data for programs.
        tables: rows of name and value by title, for people.
        warnings: what was assumed or looks odd.
        files: what was written.
    """

    facts: dict[str, Any]
    tables: Mapping[str, Rows]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def inspect(request: InspectRequest, listener: Listener) -> Inspection:
    """Tell what a file is.

    Raises:
        UserError: it cannot be read, or an option does not apply to it.
    """
    kind = request.path.suffix.lower()
    if kind not in (".yaml", ".yml", ".ckpt"):
        return _inspect_volume(request, listener)
    refused = [
        name
        for name, given in (
            ("--picture", request.picture is not None),
            ("--labels", request.labels),
            ("the reading options", request.read != ReadOptions()),
        )
        if given
    ]
    if refused:
        raise SurveyError(
            problem=f"{request.path}: {' and '.join(refused)} apply to volumes only", fix="leave them out"
        )
    return _inspect_checkpoint(request.path) if kind == ".ckpt" else inspect_config(load_config(request.path))


def inspect_config(config: Config) -> Inspection:
    """What an experiment would read, and how it splits."""
    survey = open_survey(config.data)
    parts = {name: str(part).partition(": ")[2] for name, part in survey.parts.items()}
    model, train = config.model, config.train
    steps = -(-len(survey.parts["train"].sections) // train.batch_size) * train.epochs
    canvas = f"{config.input.side} x {config.input.side}, fit: {config.input.fit}"
    experiment = {
        "model": f"{model.size}, encoder {model.encoder}, decoder {model.decoder}",
        "canvas": canvas,
        "classes": ", ".join(survey.facies.names),
        "steps": f"{steps:,} ({train.epochs} epochs, batch {train.batch_size})",
    }
    facts = {"parts": parts, "classes": list(survey.facies.names), "steps": steps, "warnings": list(survey.notes)}
    return Inspection(facts, {"Split": list(parts.items()), "Experiment": list(experiment.items())}, survey.notes)


def _inspect_checkpoint(path: Path) -> Inspection:
    # Torch takes seconds to import, and no volume needs it.
    from sam_seismic.tasks.checkpoint import read_checkpoint  # noqa: PLC0415

    card, checkpoint = read_checkpoint(path)
    rows = {
        "model": f"{card.model.size}, encoder {card.model.encoder}, decoder {card.model.decoder}",
        "started from": "random weights: not SAM's" if card.weights_hash is None else card.weights_hash,
        "classes": ", ".join(f"{v} {n}" for n, v in zip(card.facies.names, card.facies.values, strict=True)),
        "amplitudes": f"{card.scale.center:g} +- {card.scale.clip:g} becomes [-1, 1]",
        "canvas": f"{card.inputs.side} x {card.inputs.side}, fit: {card.inputs.fit}",
        "orientation": card.data.orientation,
        "written by": f"sam-seismic {card.version}",
    }
    # The counters are Lightning's, not the card's: a checkpoint without them still predicts.
    epoch, step = checkpoint.get("epoch"), checkpoint.get("global_step")
    counters = {"epoch": epoch + 1 if isinstance(epoch, int) else None, "step": step if isinstance(step, int) else None}
    rows |= {name: str(count) for name, count in counters.items() if count is not None}
    facts = card.as_plain() | counters
    split = [(line.partition(": ")[0], line.partition(": ")[2]) for line in card.split]
    return Inspection(facts, {str(path): list(rows.items()), "Split": split})


def _inspect_volume(request: InspectRequest, listener: Listener) -> Inspection:
    if request.picture is not None:
        if request.picture.suffix.lower() != ".png":
            raise SurveyError(problem=f"{request.picture}: pictures are drawn as PNG", fix="end the name in .png")
        check_output(request.picture, overwrite=request.overwrite)
    volume = open_volume(request.path, request.read)
    values = _measure(volume, labels=request.labels, listener=listener)
    facts = {**_grid_facts(volume), **_file_facts(volume), **values}
    warnings = (*volume.notes, *_odd_values(values))
    facts["warnings"] = list(warnings)
    files: tuple[Path, ...] = ()
    if request.picture is not None:
        volume_picture(request.picture, volume, facies=None, labels="classes" in values)
        files = (request.picture,)
    return Inspection(facts, {str(request.path): _volume_rows(volume, facts)}, warnings, files)


def _grid_facts(volume: Volume) -> dict[str, Any]:
    if not volume.has_grid:
        lines = {f"{o}s": _span(volume.lines(o)) for o in Orientation}
        return {"shape": None, **lines, "sample_interval_ms": None, "start_ms": None, "live_traces": None}
    geometry = volume.geometry
    return {
        "shape": list(geometry.shape),
        **{f"{o}s": _span(geometry.lines(o)) for o in Orientation},
        "sample_interval_ms": geometry.sample_interval_ms,
        "start_ms": geometry.start_ms,
        "live_traces": int(geometry.live.sum()),
    }


def _span(lines: NDArray[np.int32]) -> dict[str, int | None] | None:
    if len(lines) == 0:
        return None
    steps = np.unique(np.diff(lines))
    step = int(steps[0]) if len(steps) == 1 else (1 if len(lines) == 1 else None)
    return {"first": int(lines[0]), "last": int(lines[-1]), "step": step}


def _file_facts(volume: Volume) -> dict[str, Any]:
    segy = volume if isinstance(volume, SegyVolume) else None
    return {
        "format": volume.encoding,
        "byte_order": segy.byte_order if segy else None,
        "inline_byte": segy.inline_byte if segy else None,
        "crossline_byte": segy.crossline_byte if segy else None,
    }


def _measure(volume: Volume, *, labels: bool, listener: Listener) -> dict[str, Any]:
    """`classes` {value: count} of a label volume, `amplitude` {min, max, p1, p99} of any other."""
    orientation = next(o for o in Orientation if len(volume.lines(o)))
    lines = volume.lines(orientation)
    chosen = lines[np.unique(np.linspace(0, len(lines) - 1, min(len(lines), SAMPLED_LINES)).round().astype(int))]
    if labels or _looks_like_labels(volume, orientation, chosen):
        return {"classes": _count_labels(volume, orientation, lines, listener)}
    drawn, ends, odd = [np.empty(0, np.float32)], list[float](), 0
    for done, line in enumerate(chosen.tolist(), start=1):
        section = volume.section(orientation, line)
        alive = section.values[:, section.live].ravel()
        finite = alive[np.isfinite(alive)]
        odd += alive.size - finite.size
        if finite.size:
            ends += [float(finite.min()), float(finite.max())]
            # Whole lines of a large survey do not fit into memory together; odd as in data.amplitude.fit_scale.
            step = max(1, finite.size // VOXELS_A_SECTION)
            drawn.append(finite[:: step + 1 - step % 2].astype(np.float32))
        listener.progress("measure amplitudes", done, len(chosen))
    p1, p99 = np.percentile(np.concatenate(drawn), [1, 99]).tolist() if ends else (None, None)
    spread = {"min": min(ends, default=None), "max": max(ends, default=None), "p1": p1, "p99": p99, "not_finite": odd}
    return {"amplitude": spread, "measured_lines": len(chosen)}


def _looks_like_labels(volume: Volume, orientation: Orientation, lines: NDArray[np.int32]) -> bool:
    """Whether a volume of integers holds so few values on some of its lines that they are labels."""
    if not np.issubdtype(volume.dtype, np.integer):
        return False
    values: set[int] = set()
    # The middle line of amplitudes tells nearly always; where it is dead, one of the others does.
    for line in sorted(lines.tolist(), key=lambda line: abs(line - int(lines[len(lines) // 2]))):
        section = volume.section(orientation, line)
        values.update(np.unique(section.values[:, section.live]).tolist())
        if len(values) > LABEL_VALUES:
            return False
    return True


def _count_labels(
    volume: Volume, orientation: Orientation, lines: NDArray[np.int32], listener: Listener
) -> dict[str, int]:
    counts: dict[int, int] = {}
    for done, line in enumerate(lines.tolist(), start=1):
        section = volume.section(orientation, line)
        check_whole(section.values[:, section.live], f"{volume.path}: {section.name}")
        for value, count in zip(*np.unique(section.values[:, section.live], return_counts=True), strict=True):
            counts[int(value)] = counts.get(int(value), 0) + int(count)
        listener.progress("count labels", done, len(lines))
    return {str(value): counts[value] for value in sorted(counts)}


def _odd_values(values: Mapping[str, Any]) -> list[str]:
    if "amplitude" not in values:
        return []
    amplitude, warnings = values["amplitude"], []
    if amplitude["not_finite"]:
        warnings.append(f"{amplitude['not_finite']} samples of the measured lines are not finite")
    if amplitude["min"] is not None and amplitude["min"] == amplitude["max"]:
        warnings.append(f"all measured amplitudes are {amplitude['min']:g}")
    if amplitude["min"] is not None and amplitude["min"] >= 0:
        warnings.append("no amplitude is negative: this looks like a picture or an attribute, not like reflections")
    return warnings


def _volume_rows(volume: Volume, facts: Mapping[str, Any]) -> Rows:
    rows = [(f"{o}s", f"{len(volume.lines(o))}: {describe_lines(volume.lines(o))}") for o in Orientation]
    if volume.has_grid:
        geometry = volume.geometry
        traces = geometry.shape[0] * geometry.shape[1]
        end = geometry.start_ms + (geometry.samples - 1) * geometry.sample_interval_ms
        rows += [
            (
                "samples",
                f"{geometry.samples} every {geometry.sample_interval_ms:g} ms, {geometry.start_ms:g}-{end:g} ms",
            ),
            ("live traces", f"{facts['live_traces']:,} of {traces:,}"),
        ]
    rows.append(("format", str(facts["format"])))
    if isinstance(volume, SegyVolume):
        rows.append(("byte order", f"{volume.byte_order} endian"))
        rows.append(("line numbers", f"inline at byte {volume.inline_byte}, crossline at byte {volume.crossline_byte}"))
    if "amplitude" in facts:
        spread = facts["amplitude"]
        shown = {key: "-" if spread[key] is None else f"{spread[key]:g}" for key in ("min", "p1", "p99", "max")}
        rows.append((f"amplitude ({facts['measured_lines']} lines)", ", ".join(f"{k} {v}" for k, v in shown.items())))
        return rows
    total = max(1, sum(facts["classes"].values()))
    return rows + [
        (f"label {value}", f"{count:,} voxels, {100 * count / total:.1f} %")
        for value, count in facts["classes"].items()
    ]
