"""Rows of training with a frozen encoder, from the embedding store and without, against one that encodes each step."""

import itertools
import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest import mock

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.nn import functional

from sam_seismic.config import Config
from sam_seismic.data.batches import Batch, CanvasBatch
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.data.dataset import SectionIndex
from sam_seismic.data.frame import largest
from sam_seismic.listener import Silent
from sam_seismic.runs import checkpoints
from sam_seismic.runs.fill_store import FillStore
from sam_seismic.runs.quiet import quiet_lightning
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.trainer import training_trainer
from sam_seismic.sam import CANVAS
from sam_seismic.tasks.building import build_task
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.store import EmbeddingStore, set_frozen_precision

from .decoder import TheirDecoder
from .measure import Clock, Settings, timed
from .peers import transformers_encoder
from .road import Road, made_road
from .rows import Row

THEIR_STEPS = 2
"""Steps of theirs in each round; they are all alike."""
LATER = 20
"""Epochs after the first one, of a training from the store."""


@dataclass(frozen=True)
class Times:
    """Of one training; seconds for one section.

    Args:
        first: training step in the first epoch.
        later: training step in the median of the others.
        whole: mean of the others with validation and checkpoints, for each section trained on.
        filling: of the store, where there is one.
        under_way: filling, from the first batch encoded to the last.
    """

    first: float
    later: float
    whole: float
    filling: float = 0.0
    under_way: float = 0.0


class EncodingClock(Silent, Clock):
    """Notes when each batch has been encoded."""

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:  # noqa: ARG002
        """Some sections are done."""
        self.note(done)


class TimedFilling(FillStore):
    """Fills the store and keeps the time."""

    def __init__(self, store: EmbeddingStore) -> None:
        self.clock = EncodingClock()
        super().__init__(store, self.clock)
        self.seconds = 0.0

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Fill it."""
        begin = _now()
        super().on_fit_start(trainer, pl_module)
        self.seconds = _now() - begin


class EpochClock(Callback):
    """Keeps the times of all epochs."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.steps: list[float] = []
        self.end = 0.0
        self._last = 0.0

    def on_train_epoch_start(self, *_: Any) -> None:
        """An epoch begins."""
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
    kept: list[Times] = []
    encoded: list[Times] = []
    config = road.config(canvas, precision)
    module = _module(config)
    task = build_task(config, module)
    set_frozen_precision(task.network.cut, config)
    sections = [
        dataset[SectionIndex(i)] for dataset in map(module.dataset, ("train", "val")) for i in range(len(dataset))
    ]
    batches = [CanvasBatch.of(sections[i : i + road.batch]) for i in range(0, len(sections), road.batch)]
    theirs = _their_batches(batches[: 1 if settings.quick else THEIR_STEPS])
    epochs = 1 + (2 if settings.quick else LATER)
    often: list[Times] = []
    works = {
        "with store": lambda: kept.append(_train(road, road.config(canvas, precision, epochs=epochs))),
        "often": lambda: often.append(_train_often(road, road.config(canvas, precision, epochs=epochs, refill=False))),
        "without": lambda: encoded.append(_train(road, road.config(canvas, precision, cache=False))),
        "encoder": partial(_encode, task.to(road.device), batches),
        "theirs": TheirTraining(road, theirs, precision=precision),
    }
    works["encoder"]()
    works["theirs"]()
    seconds = timed(works, settings)
    row = road.row("training", "", canvas=canvas, precision=precision)
    encoder = replace(row, against="the encoder alone", their_seconds=seconds["encoder"] / len(sections))
    filling = _median(kept, "filling")
    yield replace(encoder, what=f"filling the store, under way{row.what}", seconds=_median(kept, "under_way"))
    yield replace(
        encoder,
        what=f"filling the store with {len(sections)} sections, start and end{row.what}",
        seconds=filling,
    )
    row = replace(
        row,
        against="transformers on the square, encoding in each step",
        their_seconds=seconds["theirs"] / sum(len(labels) for _, labels in theirs),
    )
    yield from _epochs(row, "first epoch and filling the store", "later epochs", kept, before=filling)
    yield replace(
        row,
        what=f"later epochs with validation and checkpoints{row.what}",
        against="both checkpoints after each epoch",
        seconds=_median(kept, "whole"),
        their_seconds=_median(often, "whole"),
    )
    yield from _epochs(row, "first epoch without a store", "later epochs without a store", encoded)


def _epochs(row: Row, first: str, later: str, times: Sequence[Times], *, before: float = 0.0) -> Iterator[Row]:
    """Rows of the epochs of a training; `before` are the seconds that come before the first one."""
    yield replace(row, what=f"{first}{row.what}", seconds=before + _median(times, "first"))
    yield replace(row, what=f"{later}{row.what}", seconds=_median(times, "later"))
    yield replace(row, what=f"{later} with validation and checkpoints{row.what}", seconds=_median(times, "whole"))


def _median(times: Sequence[Times], name: str) -> float:
    return statistics.median(getattr(each, name) for each in times)


def _module(config: Config) -> SeismicDataModule:
    return SeismicDataModule(config.data, config.input, batch_size=config.train.batch_size, seed=config.train.seed)


def _train(road: Road, config: Config) -> Times:
    """A training, as `sam-seismic train` does it, but for the pictures."""
    module = _module(config)
    task = build_task(config, module)
    set_frozen_precision(task.network.cut, config)
    clock = EpochClock()
    callbacks: list[Callback] = [clock]
    if config.caches:
        store = EmbeddingStore(config, module, task.network.cut)
        module.stored = store.stored
        filling = TimedFilling(store)
        callbacks.append(filling)
    with quiet_lightning():
        trainer = training_trainer(config, RunFolder(road.new("run")), Silent(), callbacks)
        trainer.fit(task, module)
    sections = len(module.dataset("train"))
    later = clock.steps[1:]
    times = Times(
        first=clock.steps[0] / sections,
        later=statistics.median(later) / sections,
        whole=(clock.end - clock.starts[1]) / len(later) / sections,
    )
    if not config.caches or not filling.clock.heard:  # the store was full already
        return times
    return replace(times, filling=filling.seconds / len(store.filler.entries), under_way=filling.clock.each)


def _train_often(road: Road, config: Config) -> Times:
    """The same with both checkpoints after each epoch, whatever they cost."""
    with mock.patch.multiple(checkpoints, SHARE=math.inf):
        return _train(road, config)


def _encode(task: FaciesSegmentation, batches: Sequence[Batch]) -> None:
    """The frozen encoder, on canvases that lie ready."""
    for batch in batches:
        stack = torch.stack(batch.images).to(task.device)
        task.network.cut.run_frozen(stack, shown=largest(frame.placed_shape for frame in batch.frames))


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
