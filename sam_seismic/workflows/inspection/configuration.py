"""A configuration comes in; what it would read, how it splits, how long it trains and in what memory go out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sam_seismic.config import Config
from sam_seismic.errors import UserError
from sam_seismic.sam.weights import official_path
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.parts import Part, Survey, open_survey
from sam_seismic.survey.splits import SectionRef, describe_sections
from sam_seismic.survey.volume import Orientation
from sam_seismic.tuning.methods import count_parameters
from sam_seismic.workflows.inspection.found import Block, Columns, Facts, Inspection
from sam_seismic.workflows.inspection.machine import Room, rooms
from sam_seismic.workflows.inspection.memory import Peak, blank_task, predicting_peak, training_peak
from sam_seismic.workflows.inspection.words import percent, size
from sam_seismic.workflows.listener import Listener
from sam_seismic.workflows.training import check_canvas

SAMPLED = 12
"""Sections of each part and orientation whose labels are read."""

Shares = Mapping[str, Sequence[float]]
"""By part: the share of each class, of all labelled voxels that were read."""


def inspect_config(path: Path, config: Config, listener: Listener) -> Inspection:
    """What an experiment would read, how it splits, how long it trains, and in what memory.

    Raises:
        UserError: the survey cannot be opened or split, a section cannot be read, or does not fit the canvas.
    """
    survey = open_survey(config.data)
    check_canvas(survey, config.input)
    shares, read = _class_shares(survey, listener)
    steps = steps_an_epoch(config, len(survey.parts["train"].sections))
    trainable, frozen = count_parameters(blank_task(config, survey.facies))
    shape = _largest_section(survey)
    listener.say("walk the network without its content")
    peaks = {room: _peaks(config, survey, shape, room) for room in rooms(config.trainer.accelerator)}
    weights, missing = _weights(config)
    warnings = (*survey.notes, *missing, *_absent(survey, shares), *_too_little(peaks))
    facts = {
        "parts": {name: str(part).partition(": ")[2] for name, part in survey.parts.items()},
        "sections": {name: len(part.sections) for name, part in survey.parts.items()},
        "files": {str(file): _bytes(file) for file in _files(survey)},
        "classes": list(survey.facies.names),
        "class_shares": {name: [round(share, 6) for share in each] for name, each in shares.items()},
        "sections_read": read,
        "steps_an_epoch": steps,
        "steps": steps * config.train.epochs,
        "parameters": {"trainable": trainable, "frozen": frozen},
        "memory": {room.name: _memory_facts(room, peak) for room, peak in peaks.items()},
        "warnings": list(warnings),
    }
    blocks: list[Block] = [
        Facts(str(path), _file_rows(survey)),
        Facts("Split", [(name, describe_sections(part.sections)) for name, part in survey.parts.items()]),
        _share_table(survey, shares, read),
        Facts("Training", _training_rows(config, weights, (trainable, frozen), steps)),
        _memory_table(peaks, shape, config),
    ]
    return Inspection(facts, blocks, warnings)


def steps_an_epoch(config: Config, sections: int) -> int:
    """Steps of the optimiser, on one device."""
    batches = -(-sections // config.train.batch_size)
    return -(-batches // config.trainer.accumulate_grad_batches)


def _class_shares(survey: Survey, listener: Listener) -> tuple[Shares, dict[str, int]]:
    """The share of each class in each part that has labels, and how many sections were read for it."""
    shares, read = {}, {}
    for name, part in survey.parts.items():
        if part.volume.labels is None:
            continue
        chosen = _spread(part)
        counts = np.zeros(len(survey.facies), np.int64)
        for done, ref in enumerate(chosen, start=1):
            labels = part.read(ref)[1]
            counts += np.bincount(labels[labels != IGNORE], minlength=len(counts))[: len(counts)]
            listener.progress(f"read labels of {name}", done, len(chosen))
        shares[name] = (counts / max(1, counts.sum())).tolist()
        read[name] = len(chosen)
    return shares, read


def _spread(part: Part) -> list[SectionRef]:
    """Some sections of each orientation, spread evenly."""
    found = []
    for orientation in Orientation:
        refs = [ref for ref in part.sections if ref.orientation is orientation]
        positions = np.unique(np.linspace(0, len(refs) - 1, min(SAMPLED, len(refs))).round().astype(int))
        found += [refs[at] for at in positions.tolist()]
    return found


def _largest_section(survey: Survey) -> tuple[int, int]:
    """(samples, traces) of the largest section among one of each kind."""
    shapes = []
    for part in survey.parts.values():
        kinds = {(ref.orientation, ref.traces): ref for ref in part.sections}
        for ref in kinds.values():
            whole = part.volume.amplitude.section(ref.orientation, ref.line)
            shapes.append((whole.shape[0], whole.shape[1] if ref.traces is None else ref.traces[1] - ref.traces[0]))
    return max(shapes, key=lambda shape: shape[0] * shape[1])


def _files(survey: Survey) -> list[Path]:
    volumes = [part.volume for part in survey.parts.values()]
    paths = [each.path for both in volumes for each in (both.amplitude, both.labels) if each is not None]
    return [path for path in dict.fromkeys(paths) if path.exists()]


def _bytes(path: Path) -> int:
    if path.is_dir():
        return sum(each.stat().st_size for each in path.iterdir() if each.is_file())
    return path.stat().st_size


def _file_rows(survey: Survey) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for path in _files(survey):
        rows.append(("reads" if not rows else "", f"{path}, {size(_bytes(path))}"))
    grids = [part.volume.amplitude for part in survey.parts.values()]
    known = dict.fromkeys(str(each.geometry) if each.has_grid else "sections without a common grid" for each in grids)
    return [*(rows or [("reads", "nothing: the survey is modelled")]), *(("grid", grid) for grid in known)]


def _share_table(survey: Survey, shares: Shares, read: Mapping[str, int]) -> Columns:
    rows = [
        (name, *(percent(each[index]) if each[index] else "-" for each in shares.values()))
        for index, name in enumerate(survey.facies.names)
    ]
    counts = ", ".join(f"{count} of {len(survey.parts[name].sections)} of {name}" for name, count in read.items())
    return Columns("Share of each class", ("class", *shares), rows, note=f"Labels of a sample of sections: {counts}.")


def _weights(config: Config) -> tuple[str, list[str]]:
    """What training starts from, and what is wrong with it."""
    model = config.model
    if model.weights == "random":
        return "random: not SAM's", []
    if isinstance(model.weights, Path):
        gone = [] if model.weights.is_file() else [f"model.weights: {model.weights}: there is no such file"]
        return str(model.weights), gone
    fetch = f"the official weights of {model.size} are not there: sam-seismic weights fetch {model.size}"
    try:
        return str(official_path(model.size)), []
    except UserError:
        return "not there yet", [fetch]


def _training_rows(config: Config, weights: str, parameters: tuple[int, int], steps: int) -> list[tuple[str, str]]:
    model, train = config.model, config.train
    gathered = config.trainer.accumulate_grad_batches
    batch = f"batch {train.batch_size}" + (f" x {gathered} accumulated" if gathered > 1 else "")
    return [
        ("model", f"{model.size}, encoder {model.encoder}, decoder {model.decoder}"),
        ("weights", weights),
        ("parameters", f"{parameters[0]:,} trainable, {parameters[1]:,} frozen"),
        ("canvas", f"{config.input.side} x {config.input.side}, fit: {config.input.fit}"),
        ("steps", f"{steps:,} an epoch, {steps * train.epochs:,} in {train.epochs} epochs ({batch}, one device)"),
        ("precision", config.trainer.precision),
    ]


def _peaks(config: Config, survey: Survey, shape: tuple[int, int], room: Room) -> tuple[Peak, Peak]:
    """Of training, and of predicting."""
    return (
        training_peak(config, survey.facies, shape, gpu=room.gpu),
        predicting_peak(config, survey.facies, shape, gpu=room.gpu),
    )


def _memory_facts(room: Room, peaks: tuple[Peak, Peak]) -> dict[str, Any]:
    train, predict = peaks
    return {
        "weights": train.weights,
        "gradients_and_moments": train.training,
        "activations": train.activations,
        "training": train.peak,
        "prediction": predict.peak,
        "there_is": room.total,
    }


def _memory_table(peaks: Mapping[Room, tuple[Peak, Peak]], shape: tuple[int, int], config: Config) -> Columns:
    rows = [
        ("weights", *(size(train.weights) for train, _ in peaks.values())),
        ("gradients, optimiser", *(size(train.training) for train, _ in peaks.values())),
        ("activations", *(size(train.activations) for train, _ in peaks.values())),
        ("training, at its peak", *(size(train.peak) for train, _ in peaks.values())),
        ("prediction, two sections at a time", *(size(predict.peak) for _, predict in peaks.values())),
    ]
    rows.append(("this machine has", *("no GPU" if room.total is None else size(room.total) for room in peaks)))
    note = (
        f"Estimated for sections of {shape[0]} samples x {shape[1]} traces, batch {config.train.batch_size}; the peak "
        "holds the program too."
    )
    return Columns("Memory", ("", *(room.name for room in peaks)), rows, note=note)


def _absent(survey: Survey, shares: Shares) -> list[str]:
    """Classes that were not seen in a part."""
    found = []
    for name, each in shares.items():
        gone = [facies for facies, share in zip(survey.facies.names, each, strict=True) if not share]
        if gone:
            found.append(f"not seen in the sections of {name} that were read: {', '.join(gone)}")
    return found


def _too_little(peaks: Mapping[Room, tuple[Peak, Peak]]) -> list[str]:
    """What to do where the memory there is will not do."""
    fix = "lower train.batch_size or input.side, take a smaller model.size, keep the encoder frozen"
    found = []
    for room, (train, predict) in peaks.items():
        more = f"{fix}, or set trainer.precision: 16-mixed" if room.gpu else fix
        if room.total is not None and train.peak > room.total:
            found.append(
                f"training needs about {size(train.peak)} of {room.where}, which has {size(room.total)}: {more}"
            )
        if room.total is not None and predict.peak > room.total:
            found.append(
                f"prediction needs about {size(predict.peak)} of {room.where}, which has {size(room.total)}: "
                "predict with --batch-size 1"
            )
    return found
