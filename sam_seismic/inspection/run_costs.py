"""A configuration and its survey come in; the memory and time that its run needs on each kind of device go out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from sam_seismic.config import Config
from sam_seismic.config.model import NetworkKind
from sam_seismic.data.canvas import frame_of
from sam_seismic.files.units import format_bytes
from sam_seismic.inspection.device_memory import DeviceMemory, device_memories
from sam_seismic.inspection.dry_run import dry_run, frozen_cut
from sam_seismic.inspection.embedding_estimate import EmbeddingEstimate
from sam_seismic.inspection.memory_estimate import MemoryEstimate, prediction_memory, training_memory
from sam_seismic.inspection.number_format import format_duration
from sam_seismic.inspection.time_estimate import SectionCounts, TimeEstimate, estimate_time, measure_rates
from sam_seismic.report.blocks import Columns
from sam_seismic.survey.parts import Survey
from sam_seismic.tasks.facies import FaciesSegmentation

Shape = tuple[int, int]


@dataclass(frozen=True)
class RunCost:
    """Memory and time of a run on one kind of device.

    Args:
        device: the device and its memory.
        training, prediction: estimated memory.
        time: estimated time of the training; None if this machine has no such device.
    """

    device: DeviceMemory
    training: MemoryEstimate
    prediction: MemoryEstimate
    time: TimeEstimate | None

    def memory_facts(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "weights": self.training.weights,
            "gradients_and_moments": self.training.gradients_and_moments,
            "activations": self.training.activations,
            "filling": self.training.filling,
            "training": self.training.peak,
            "prediction": self.prediction.peak,
            "there_is": self.device.total,
        }

    def time_facts(self) -> dict[str, Any] | None:
        """Plain data for programs: seconds."""
        if self.time is None:
            return None
        return {name: None if value is None else float(f"{value:.3g}") for name, value in asdict(self.time).items()}

    def warnings(self, model: NetworkKind) -> list[str]:
        """A warning with a fix for each estimate that is larger than the memory of the device.

        Args:
            model: the network's section of the configuration.
        """
        changes = ["input.canvas=tight", *model.lighter, *model.smaller]
        changes += ["trainer.precision=bf16-mixed"] if self.device.gpu else []
        fix = "lower train.batch_size or input.side, or set " + ", ".join(each.replace("=", ": ") for each in changes)
        fix += "" if model.freezes else f", or {model.to_freeze}"
        total, found = self.device.total, []
        if total is not None:
            where = f"of {self.device.where}, which has {format_bytes(total)}"
            if self.training.peak > total:
                found.append(f"training needs about {format_bytes(self.training.peak)} {where}: {fix}")
            if self.prediction.peak > total:
                needed = format_bytes(self.prediction.peak)
                found.append(f"prediction needs about {needed} {where}: predict with --batch-size 1")
        return found


def run_costs(
    config: Config,
    survey: Survey,
    shapes: Mapping[str, Sequence[Shape]],
    store: EmbeddingEstimate | None,
    task: FaciesSegmentation,
) -> list[RunCost]:
    """Estimate memory and time of a run on each kind of device that `trainer.accelerator` may select.

    Args:
        config: the experiment.
        survey: survey of the experiment.
        shapes: shapes of the sections of each part, from `section_shapes`.
        store: estimate of its embedding store; None without a store.
        task: task of the experiment, possibly on the `meta` device.
    """
    largest = largest_of(shapes)
    counts = _section_counts(config, shapes, store, task)
    found = []
    for device in device_memories(config.trainer.accelerator):
        counted = dry_run(config, survey.facies, largest, gpu=device.gpu)
        time = None
        if device.total is not None:
            rates = measure_rates(torch.device("cuda" if device.gpu else "cpu"), config.trainer.precision)
            time = estimate_time(counted, config, rates, counts)
        peaks = training_memory(counted, config, gpu=device.gpu), prediction_memory(counted, gpu=device.gpu)
        found.append(RunCost(device, *peaks, time))
    return found


def section_shapes(survey: Survey) -> dict[str, list[Shape]]:
    """(samples, traces) of each section of each part, by the name of the part."""
    return {name: [part.section_shape(ref) for ref in part.sections] for name, part in survey.parts.items()}


def largest_of(shapes: Mapping[str, Sequence[Shape]]) -> Shape:
    """Shape of the section with the largest area."""
    return max((shape for each in shapes.values() for shape in each), key=lambda shape: shape[0] * shape[1])


def _section_counts(
    config: Config,
    shapes: Mapping[str, Sequence[Shape]],
    store: EmbeddingEstimate | None,
    task: FaciesSegmentation,
) -> SectionCounts:
    """Numbers of sections, each weighted by the area of its canvas relative to the largest section's."""

    def area(shape: Shape) -> int:
        return int(np.prod(frame_of(shape, config.input).canvas_shape))

    largest = largest_of(shapes)
    train, val = (sum(area(shape) for shape in shapes.get(name, ())) / area(largest) for name in ("train", "val"))
    if store is None:
        return SectionCounts(train, val)
    canvas = frame_of(largest, config.input).canvas_shape
    cut = frozen_cut(task)
    assert cut is not None, "there is a store, so a part is frozen"
    one = np.prod(cut.feature_shape(canvas))
    return SectionCounts(train, val, encoded=store.numbers / float(one))


def memory_table(costs: Sequence[RunCost], shape: Shape, config: Config) -> Columns:
    """The memory estimates as a table."""
    trainings = [cost.training for cost in costs]
    rows = [
        ("weights", *(format_bytes(each.weights) for each in trainings)),
        ("gradients, optimiser", *(format_bytes(each.gradients_and_moments) for each in trainings)),
        ("activations", *(format_bytes(each.activations) for each in trainings)),
        *(
            [("filling the store, at its peak", *(format_bytes(each.filling or 0) for each in trainings))]
            if config.caches
            else []
        ),
        ("training, at its peak", *(format_bytes(each.peak) for each in trainings)),
        ("prediction, two sections at a time", *(format_bytes(cost.prediction.peak) for cost in costs)),
        (
            "this machine has",
            *("no GPU" if cost.device.total is None else format_bytes(cost.device.total) for cost in costs),
        ),
    ]
    note = (
        f"Estimated for sections of {shape[0]} samples x {shape[1]} traces, batch {config.train.batch_size}; the peak "
        "includes the program itself."
    )
    return Columns("Memory", ("", *(cost.device.name for cost in costs)), rows, note=note)


def time_table(costs: Sequence[RunCost], config: Config) -> Columns | None:
    """The time estimates as a table; None if there is no device to estimate for."""
    timed = [(cost.device, cost.time) for cost in costs if cost.time is not None]
    if not timed:
        return None
    rows = [
        ("a step", *(format_duration(time.step) for _, time in timed)),
        ("an epoch, with its validation", *(format_duration(time.epoch) for _, time in timed)),
        (f"all {config.train.epochs:,} epochs", *(format_duration(time.run) for _, time in timed)),
    ]
    if config.caches:
        first = [
            ("encoding a section", *(format_duration(time.section or 0) for _, time in timed)),
            ("filling the store, the first time", *(format_duration(time.filling or 0) for _, time in timed)),
        ]
        rows = [*first, *rows[:2], (rows[2][0] + " and the store", *rows[2][1:])]
    note = (
        "Estimated from the present speed of this machine; the real time may be half or twice as long, or longer on a "
        "shared machine."
    )
    return Columns("Time, about", ("", *(device.name for device, _ in timed)), rows, note=note)
