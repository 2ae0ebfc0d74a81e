"""Rows of training with a frozen encoder: from the embedding store, against a training that encodes in every step."""

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.nn import functional

from sam_seismic.config import Config
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.data.dataset import Batch
from sam_seismic.data.frame import largest
from sam_seismic.sam import CANVAS
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.cut import below
from sam_seismic.workflows.listener import Silent
from sam_seismic.workflows.quiet import quiet_lightning
from sam_seismic.workflows.runfolder import RunFolder
from sam_seismic.workflows.store import FillStore, Store, hold_frozen
from sam_seismic.workflows.trainer import training_trainer
from sam_seismic.workflows.training import build_task

from .decoder import TheirDecoder
from .measure import Clock, Settings, timed
from .peers import transformers_encoder
from .road import Road, made_road
from .rows import Row

THEIR_STEPS = 2
"""Steps of theirs in each round; they are all alike."""


@dataclass(frozen=True)
class Times:
    """Of one training; seconds for one section.

    Args:
        filling: of the store.
        under_way: filling, from the first batch encoded to the last.
        first: training step in the first epoch.
        later: training step in the second one.
        whole: second epoch with validation and checkpoints, for each section trained on.
    """

    filling: float
    under_way: float
    first: float
    later: float
    whole: float


class EncodingClock(Silent, Clock):
    """Notes when each batch has been encoded."""

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:  # noqa: ARG002
        """Some sections are done."""
        self.note(done)


class TimedFilling(FillStore):
    """Fills the store and keeps the times."""

    def __init__(self, store: Store) -> None:
        self.clock = EncodingClock()
        super().__init__(store, self.clock)
        self.filling = 0.0
        self.starts: list[float] = []
        self.steps: list[float] = []
        self.end = 0.0
        self._last = 0.0

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Fill it."""
        begin = _now()
        super().on_fit_start(trainer, pl_module)
        self.filling = _now() - begin

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """An epoch begins."""
        super().on_train_epoch_start(trainer, pl_module)
        self.starts.append(_now())

    def on_train_batch_end(self, *_: Any) -> None:
        """A step is done."""
        self._last = _now()

    def on_train_epoch_end(self, *_: Any) -> None:
        """Validation is done, too."""
        self.steps.append(self._last - self.starts[-1])

    def on_train_end(self, *_: Any) -> None:
        """Checkpoints are written."""
        self.end = _now()


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def measure(settings: Settings) -> Iterator[Row]:
    """Rows for each precision and canvas."""
    with made_road(settings) as road:
        for precision, canvas in itertools.product(settings.precisions, settings.canvases):
            yield from _measure(road, settings, canvas=canvas, precision=precision)


def _measure(road: Road, settings: Settings, *, canvas: str, precision: str) -> Iterator[Row]:
    found: list[Times] = []
    config = road.config(canvas, precision)
    module = _module(config)
    task = build_task(config, module)
    hold_frozen(task, config)
    sections = [dataset[i] for dataset in map(module.dataset, ("train", "val")) for i in range(len(dataset))]
    batches = [Batch.collate(sections[i : i + road.batch]) for i in range(0, len(sections), road.batch)]
    theirs = _their_batches(batches[: 1 if settings.quick else THEIR_STEPS])
    works = {
        "ours": lambda: found.append(_train(road, canvas=canvas, precision=precision)),
        "encoder": partial(_encode, task.to(road.device), batches),
        "theirs": TheirTraining(road, theirs, precision=precision),
    }
    works["encoder"]()
    works["theirs"]()
    seconds = timed(works, settings)
    row = road.row("training", "", canvas=canvas, precision=precision)
    median = {name: statistics.median(getattr(times, name) for times in found) for name in Times.__annotations__}
    yield replace(
        row,
        what=f"filling the store, under way{row.what}",
        seconds=median["under_way"],
        against="the encoder alone",
        their_seconds=seconds["encoder"] / len(sections),
    )
    yield replace(
        row,
        what=f"filling the store with {len(sections)} sections, start and end{row.what}",
        seconds=median["filling"],
        against="the encoder alone",
        their_seconds=seconds["encoder"] / len(sections),
    )
    row = replace(
        row,
        against="transformers on the square, encoding in each step",
        their_seconds=seconds["theirs"] / sum(len(labels) for _, labels in theirs),
    )
    yield replace(row, what=f"first epoch and filling the store{row.what}", seconds=median["filling"] + median["first"])
    yield replace(row, what=f"later epochs{row.what}", seconds=median["later"])
    yield replace(row, what=f"later epochs with validation and checkpoints{row.what}", seconds=median["whole"])


def _module(config: Config) -> SeismicDataModule:
    return SeismicDataModule(config.data, config.input, batch_size=config.train.batch_size, seed=config.train.seed)


def _train(road: Road, *, canvas: str, precision: str) -> Times:
    """A training with a new store, as `sam-seismic train` does it, but for the pictures."""
    config = road.config(canvas, precision)
    module = _module(config)
    task = build_task(config, module)
    hold_frozen(task, config)
    store = Store(config, module, task)
    module.kept = store.kept
    clock = TimedFilling(store)
    with quiet_lightning():
        trainer = training_trainer(config, RunFolder(road.new("run")), Silent(), [clock])
        trainer.fit(task, module)
    sections = len(module.dataset("train"))
    return Times(
        filling=clock.filling / len(store.filling.entries),
        under_way=clock.clock.each,
        first=clock.steps[0] / sections,
        later=clock.steps[1] / sections,
        whole=(clock.end - clock.starts[1]) / sections,
    )


def _encode(task: FaciesSegmentation, batches: Sequence[Batch]) -> None:
    """The frozen encoder, on canvases that lie ready."""
    for batch in batches:
        stack = torch.stack(batch.images).to(task.device)
        below(task.image_encoder, stack, blocks=None, shown=largest(frame.placed_shape for frame in batch.frames))


def _their_batches(batches: Sequence[Batch]) -> list[tuple[Tensor, Tensor]]:
    """Square canvases float32[section, 3, 1024, 1024] and labels int64[section, sample, trace]."""
    found = []
    for batch in batches:
        stack = torch.stack(batch.images)  # [section, 3, height, width]
        edge = (0, CANVAS - stack.shape[3], 0, CANVAS - stack.shape[2])
        found.append((functional.pad(stack, edge), torch.stack(batch.labels).long()))
    return found


class TheirTraining:
    """Steps that begin with the frozen encoder of `transformers`; reading is not counted."""

    def __init__(self, road: Road, batches: Sequence[tuple[Tensor, Tensor]], *, precision: str) -> None:
        self.device = road.device
        self.encoder = transformers_encoder(road.encoder)
        self.decoder = TheirDecoder(road.device, precision=precision)
        self.batches = batches

    def __call__(self) -> None:
        """A step for each batch."""
        for canvas, labels in self.batches:
            with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.decoder.autocast):
                embeddings = self.encoder(canvas.to(self.device)).last_hidden_state
            self.decoder.step(embeddings.float(), labels.to(self.device))
