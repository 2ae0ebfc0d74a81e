"""Rows of `sam-seismic predict`, SEG-Y to SEG-Y: against the network alone, which it should hardly be slower than."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch

from sam_seismic.config import Precision
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.data.frame import largest
from sam_seismic.files.resume_journal import Journal
from sam_seismic.files.unfinished import Unfinished
from sam_seismic.inference.outputs import OutputRequest
from sam_seismic.inference.sections import SectionBatch, prepare_batch
from sam_seismic.listener import Silent
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.labelled import read_amplitude
from sam_seismic.tasks.building import build_task
from sam_seismic.tasks.checkpoint import KEY
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.loading import load_task
from sam_seismic.tuning.precision import ENCODER_DTYPES
from sam_seismic.workflows.predict import PredictRequest, predict

from .measure import Clock, Settings, timed
from .road import Road, made_road
from .rows import Row

PRECISION: dict[str, Precision] = {"float32": "32", "bfloat16": "bf16"}


class WritingClock(Clock):
    """Notes when each batch has been written: the journal hears of it then."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside, it listens."""
        advance = Journal.advance

        def noting(journal: Journal, finished: int, files: Sequence[Unfinished]) -> None:
            advance(journal, finished, files)
            self.note(finished)

        with patch.object(Journal, "advance", noting):
            yield


def measure(settings: Settings) -> Iterator[Row]:
    """Rows for each precision and canvas."""
    with made_road(settings) as road:
        for precision, canvas in itertools.product(settings.precisions, settings.canvases):
            yield from _measure(road, settings, canvas=canvas, precision=precision)


def _measure(road: Road, settings: Settings, *, canvas: str, precision: str) -> Iterator[Row]:
    checkpoint = _checkpoint(road, canvas, precision)
    task = load_task(checkpoint)
    task.network.set_encoder_precision(ENCODER_DTYPES[PRECISION[precision]])
    task = task.to(road.device)
    batches = list(_batches(road, task))
    sections = sum(len(batch.sections) for batch in batches)
    under_way = []

    def command() -> None:
        clock = WritingClock()
        request = PredictRequest(
            checkpoint,
            road.amplitude,
            OutputRequest(road.new("facies.sgy")),
            orientation="inline",
            batch_size=road.batch,
            device=road.device.type,
            precision=PRECISION[precision],
        )
        with clock.running():
            predict(request, Silent())
        under_way.append(clock.each)

    def network() -> None:
        for batch in batches:
            _network(task, batch)

    for work in (command, network):
        work()
    under_way.clear()
    seconds = timed({"command": command, "network": network}, settings)
    row = replace(
        road.row("prediction", "", canvas=canvas, precision=precision),
        against="encoder and decoder alone",
        their_seconds=seconds["network"] / sections,
    )
    yield replace(row, what=f"under way{row.what}", seconds=statistics.median(under_way))
    yield replace(
        row, what=f"a run of {sections} sections, loading included{row.what}", seconds=seconds["command"] / sections
    )


def _checkpoint(road: Road, canvas: str, precision: str) -> Path:
    """What a training would leave, without one."""
    config = road.config(canvas, precision)
    task = build_task(config, SeismicDataModule(config.data, config.input))
    path = road.new("best.ckpt")
    torch.save({"state_dict": task.state_dict(), KEY: task.metadata.as_plain()}, path)
    return path


def _batches(road: Road, task: FaciesSegmentation) -> Iterator[SectionBatch]:
    """All inlines, ready for the network."""
    volume = open_volume(road.amplitude)
    lines = volume.lines(Orientation.INLINE).tolist()
    for start in range(0, len(lines), road.batch):
        some = [read_amplitude(volume, Orientation.INLINE, line) for line in lines[start : start + road.batch]]
        yield prepare_batch(task, some)


@torch.inference_mode()
def _network(task: FaciesSegmentation, batch: SectionBatch) -> None:
    """Encoder and decoder, and nothing of what becomes of the logits."""
    network, frames = task.network, batch.canvases.frames
    stack = torch.stack(batch.canvases.images).to(task.device)
    shown = largest(frame.placed_shape for frame in frames)
    network(stack, shown=shown, patches=largest(frame.patches_read(network.stride) for frame in frames))
