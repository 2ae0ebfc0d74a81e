"""A configuration comes in; its files, split, class shares, memory, run time and embedding store go out."""

from pathlib import Path

from sam_seismic.config import Config
from sam_seismic.data.canvas import check_sections_fit, describe_canvas
from sam_seismic.errors import UserError
from sam_seismic.files.units import counted, format_bytes
from sam_seismic.inspection.class_shares import class_shares, missing_classes, share_table
from sam_seismic.inspection.dry_run import meta_task
from sam_seismic.inspection.embedding_estimate import estimate_embeddings
from sam_seismic.inspection.label_check import check_training_labels
from sam_seismic.inspection.leak_guard import leak_notes
from sam_seismic.inspection.request import Inspection
from sam_seismic.inspection.run_costs import largest_of, memory_table, run_costs, section_shapes, time_table
from sam_seismic.listener import Listener
from sam_seismic.networks import weights_notes
from sam_seismic.report.blocks import Facts, ReportBlock
from sam_seismic.survey.amplitudes import null_notes
from sam_seismic.survey.parts import Survey, open_survey
from sam_seismic.survey.splits import describe_sections
from sam_seismic.tasks.initial_weights import find_initial_weights
from sam_seismic.tuning.parameters import count_parameters


def inspect_config(path: Path, config: Config, listener: Listener) -> Inspection:
    """Report what an experiment reads, how it is split, how long it trains, and how much memory it needs.

    Raises:
        UserError: the survey cannot be opened or split, a section cannot be read, or does not fit the canvas.
    """
    survey = open_survey(config.data)
    check_sections_fit(survey, config.input)
    shares, read = class_shares(survey, listener)
    steps = steps_an_epoch(config, len(survey.parts["train"].sections))
    task = meta_task(config, survey.facies)
    trainable, frozen = count_parameters(task)
    shapes = section_shapes(survey)
    store = estimate_embeddings(config, survey, task)
    listener.say("run the network on fake tensors")
    costs = run_costs(config, survey, shapes, store, task)
    weights, missing = _weights(config)
    warnings = (
        *survey.notes,
        *missing,
        *check_training_labels(survey, config.data, listener, refuse=False),
        *null_notes([part.volume.amplitude for part in survey.parts.values()]),
        *leak_notes(survey, list(survey.parts.values())),
        *missing_classes(survey, shares),
        *(() if store is None else store.warnings),
        *(warning for cost in costs for warning in cost.warnings(config.model)),
    )
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
        "memory": {cost.device.name: cost.memory_facts() for cost in costs},
        "time": {cost.device.name: cost.time_facts() for cost in costs},
        "store": None if store is None else store.facts(),
        "warnings": list(warnings),
    }
    blocks: list[ReportBlock] = [
        Facts(str(path), _file_rows(survey)),
        Facts("Split", [(name, describe_sections(part.sections)) for name, part in survey.parts.items()]),
        share_table(survey, shares, read),
        Facts("Training", _training_rows(config, weights, (trainable, frozen), steps)),
        *([] if store is None else [store.block()]),
        memory_table(costs, largest_of(shapes), config),
        *([] if (times := time_table(costs, config)) is None else [times]),
    ]
    return Inspection(facts, blocks, warnings)


def steps_an_epoch(config: Config, sections: int) -> int:
    """Number of optimiser steps in an epoch, on one device."""
    batches = -(-sections // config.train.batch_size)
    return -(-batches // config.trainer.accumulate_grad_batches)


def _files(survey: Survey) -> list[Path]:
    volumes = [part.volume for part in survey.parts.values()]
    each = [volume for both in volumes for volume in (both.amplitude, both.labels) if volume is not None]
    paths = [path for volume in each for path in volume.files]
    return [path for path in dict.fromkeys(paths) if path.exists()]


def _bytes(path: Path) -> int:
    if path.is_dir():
        return sum(each.stat().st_size for each in path.iterdir() if each.is_file())
    return path.stat().st_size


def _file_rows(survey: Survey) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for path in _files(survey):
        rows.append(("reads" if not rows else "", f"{path}, {format_bytes(_bytes(path))}"))
    grids = [part.volume.amplitude for part in survey.parts.values()]
    known = dict.fromkeys(str(each.geometry) if each.has_grid else "sections without a common grid" for each in grids)
    return [*(rows or [("reads", "nothing: the survey is modelled")]), *(("grid", grid) for grid in known)]


def _weights(config: Config) -> tuple[str, list[str]]:
    """The initial weights as text, and warnings about them."""
    try:
        path = find_initial_weights(config.model).file
    except UserError as error:
        return "not there yet", [f"{error.problem}: {error.fix}"]
    if path is None:
        return config.model.weights_words, []
    try:
        return str(path), weights_notes(config.model, values=False)
    except UserError as error:
        return str(path), [f"model.weights: {error.problem}: {error.fix}"]


def _training_rows(config: Config, weights: str, parameters: tuple[int, int], steps: int) -> list[tuple[str, str]]:
    model, train = config.model, config.train
    gathered = config.trainer.accumulate_grad_batches
    batch = f"batch {train.batch_size}" + (f" x {gathered} accumulated" if gathered > 1 else "")
    return [
        ("model", f"{model.name}, {model.trained_words}"),
        ("weights", weights),
        ("parameters", f"{parameters[0]:,} trainable, {parameters[1]:,} frozen"),
        ("canvas", describe_canvas(config.input)),
        (
            "steps",
            f"{steps:,} an epoch, {steps * train.epochs:,} in {counted(train.epochs, 'epoch')} ({batch}, one device)",
        ),
        ("precision", config.trainer.precision),
    ]
