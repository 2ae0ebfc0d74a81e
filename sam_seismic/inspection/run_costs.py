"""A configuration and its survey come in; what memory and time its run takes on each kind of device goes out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from sam_seismic.config import Config
from sam_seismic.data.canvas import frame_of
from sam_seismic.files.units import format_bytes
from sam_seismic.inspection.device_memory import Room, rooms
from sam_seismic.inspection.dry_run import kept_part, rehearse
from sam_seismic.inspection.embedding_estimate import EmbeddingEstimate
from sam_seismic.inspection.memory_estimate import Peak, predicting_peak, training_peak
from sam_seismic.inspection.number_format import a_while
from sam_seismic.inspection.time_estimate import Amounts, Duration, duration, measure
from sam_seismic.report.blocks import Columns
from sam_seismic.survey.parts import Survey
from sam_seismic.tasks.facies import FaciesSegmentation

Shape = tuple[int, int]


@dataclass(frozen=True)
class Demand:
    """What a run takes on one kind of device.

    Args:
        room: the kind.
        training, prediction: bytes.
        time: of the training; None where there is no such device here.
    """

    room: Room
    training: Peak
    prediction: Peak
    time: Duration | None

    def memory_facts(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "weights": self.training.weights,
            "gradients_and_moments": self.training.training,
            "activations": self.training.activations,
            "filling": self.training.filling,
            "training": self.training.peak,
            "prediction": self.prediction.peak,
            "there_is": self.room.total,
        }

    def time_facts(self) -> dict[str, Any] | None:
        """Plain data for programs: seconds."""
        if self.time is None:
            return None
        return {name: None if value is None else float(f"{value:.3g}") for name, value in asdict(self.time).items()}

    def warnings(self) -> list[str]:
        """What to do where the memory there is will not do."""
        fix = "lower train.batch_size or input.side, set input.canvas: tight, keep the encoder frozen or set "
        fix += "model.encoder.checkpointing: true, take a smaller model.size"
        fix += ", or set trainer.precision: bf16-mixed" if self.room.gpu else ""
        total, found = self.room.total, []
        if total is not None:
            where = f"of {self.room.where}, which has {format_bytes(total)}"
            if self.training.peak > total:
                found.append(f"training needs about {format_bytes(self.training.peak)} {where}: {fix}")
            if self.prediction.peak > total:
                needed = format_bytes(self.prediction.peak)
                found.append(f"prediction needs about {needed} {where}: predict with --batch-size 1")
        return found


def demands_of(
    config: Config,
    survey: Survey,
    shapes: Mapping[str, Sequence[Shape]],
    keeps: EmbeddingEstimate | None,
    blank: FaciesSegmentation,
) -> list[Demand]:
    """What a run takes on each kind of device that it may come to.

    Args:
        config: the experiment.
        survey: that it reads.
        shapes: of the sections of each part, see `section_shapes`.
        keeps: what it keeps of them.
        blank: its network, which need not have content.
    """
    largest = largest_of(shapes)
    amounts = _amounts(config, survey, shapes, keeps, blank)
    found = []
    for room in rooms(config.trainer.accelerator):
        seen = rehearse(config, survey.facies, largest, gpu=room.gpu)
        time = None
        if room.total is not None:
            rates = measure(torch.device("cuda" if room.gpu else "cpu"), config.trainer.precision)
            time = duration(seen, config, rates, amounts)
        peaks = training_peak(seen, config, gpu=room.gpu), predicting_peak(seen, gpu=room.gpu)
        found.append(Demand(room, *peaks, time))
    return found


def section_shapes(survey: Survey) -> dict[str, list[Shape]]:
    """(samples, traces) of each section of each part, by the name of the part."""
    return {name: [part.section_shape(ref) for ref in part.sections] for name, part in survey.parts.items()}


def largest_of(shapes: Mapping[str, Sequence[Shape]]) -> Shape:
    """The largest section of all."""
    return max((shape for each in shapes.values() for shape in each), key=lambda shape: shape[0] * shape[1])


def _amounts(
    config: Config,
    survey: Survey,
    shapes: Mapping[str, Sequence[Shape]],
    keeps: EmbeddingEstimate | None,
    blank: FaciesSegmentation,
) -> Amounts:
    """Sections to run through; a smaller one counts as less, by its canvas."""

    def area(shape: Shape) -> int:
        return int(np.prod(frame_of(shape, config.input).canvas_shape))

    largest = largest_of(shapes)
    train, val = (
        sum(area(shape) for part in survey.named(split) for shape in shapes[part.name]) / area(largest)
        for split in ("train", "val")
    )
    if keeps is None:
        return Amounts(train, val)
    canvas = frame_of(largest, config.input).canvas_shape
    cut = kept_part(blank)
    assert cut is not None, "something is kept"
    one = np.prod(cut.feature_shape(canvas))
    return Amounts(train, val, encoded=keeps.numbers / float(one))


def memory_table(demands: Sequence[Demand], shape: Shape, config: Config) -> Columns:
    """For people."""
    trainings = [demand.training for demand in demands]
    rows = [
        ("weights", *(format_bytes(each.weights) for each in trainings)),
        ("gradients, optimiser", *(format_bytes(each.training) for each in trainings)),
        ("activations", *(format_bytes(each.activations) for each in trainings)),
        *(
            [("filling the store, at its peak", *(format_bytes(each.filling or 0) for each in trainings))]
            if config.caches
            else []
        ),
        ("training, at its peak", *(format_bytes(each.peak) for each in trainings)),
        ("prediction, two sections at a time", *(format_bytes(demand.prediction.peak) for demand in demands)),
        (
            "this machine has",
            *("no GPU" if demand.room.total is None else format_bytes(demand.room.total) for demand in demands),
        ),
    ]
    note = (
        f"Estimated for sections of {shape[0]} samples x {shape[1]} traces, batch {config.train.batch_size}; the peak "
        "holds the program too."
    )
    return Columns("Memory", ("", *(demand.room.name for demand in demands)), rows, note=note)


def time_table(demands: Sequence[Demand], config: Config) -> Columns | None:
    """For people; None where there is no device to tell of."""
    told = [(demand.room, demand.time) for demand in demands if demand.time is not None]
    if not told:
        return None
    rows = [
        ("a step", *(a_while(time.step) for _, time in told)),
        ("an epoch, with its validation", *(a_while(time.epoch) for _, time in told)),
        (f"all {config.train.epochs:,} epochs", *(a_while(time.run) for _, time in told)),
    ]
    if config.caches:
        first = [
            ("encoding a section", *(a_while(time.section or 0) for _, time in told)),
            ("filling the store, the first time", *(a_while(time.filling or 0) for _, time in told)),
        ]
        rows = [*first, *rows[:2], (rows[2][0] + " and the store", *rows[2][1:])]
    note = (
        "From how fast this machine multiplies just now: it may be half of that or twice, and more where others work."
    )
    return Columns("Time, about", ("", *(room.name for room, _ in told)), rows, note=note)
