"""The validations of a training come in; pictures of the same sections after its epochs, and a film, go out.

A picture shows what the validation predicts anyway, so nothing is encoded or predicted for it. In a distributed
training each process validates some of the sections; they send those that are pictured to the first one, which draws.
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning
import numpy as np
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from numpy.typing import NDArray

from sam_seismic.data.batches import Batch
from sam_seismic.errors import first_line
from sam_seismic.files.atomic import remove_abandoned
from sam_seismic.listener import Listener
from sam_seismic.report import FilmFigure, FilmSection, write_animation, write_frame
from sam_seismic.runs.pictures import middle_sections, ruler_of
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.rank_sync import objects_of_processes

FRAME = re.compile(r"epoch_(\d+)\.png")
"""Name of a picture, with its epoch, counted from 1."""
TAG = "validation sections"
"""Name of the pictures in TensorBoard."""

Predictions = dict[SectionRef, NDArray[np.uint8]]
"""Class indices uint8[sample, trace] by section."""


class TrainingFilm(Callback):
    """Draws the middle validation section of each orientation after every few epochs, and a film of these pictures.

    A picture that cannot be drawn is told, and does not end the training. A resumed run goes on with the pictures that
    it has; those of epochs that it trains again are removed.

    Args:
        report: folder of the run's pictures; it gets `film.gif`, and one picture an epoch in `film/`.
        part: the validation sections.
        facies: the classes.
        every: number of epochs from one picture to the next; 0 for none.
        listener: told by the first process only.
    """

    def __init__(self, report: Path, part: Part, facies: FaciesTable, *, every: int, listener: Listener) -> None:
        self._film, self._frames = report / "film.gif", report / "film"
        self._part, self._facies = part, facies
        self._every, self._listener = every, listener
        self._refs = tuple(middle_sections(part))
        self._predicted: Predictions = {}
        self._figure: FilmFigure | None = None
        self._told: set[str] = set()
        self._started: float | None = None
        self._seconds = 0.0
        """Time that the pictures took since the start of the training."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Remove pictures of epochs that are trained again, and what a killed process left."""
        self._started = time.monotonic()
        if trainer.is_global_zero and self._frames.is_dir():
            with self._drawing("earlier pictures could not be removed"):
                remove_abandoned(self._frames)
                remove_abandoned(self._film.parent, of=self._film.name)
                for epoch, path in self._pictures():
                    if epoch > trainer.current_epoch:
                        path.unlink()

    def on_validation_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Forget the predictions of an earlier validation."""
        self._predicted = {}

    def on_validation_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        outputs: Any,
        batch: Batch,
        batch_idx: int,  # noqa: ARG002
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Keep what was predicted for the sections of the film."""
        if self._is_pictured(trainer):
            for ref, classes in zip(batch.refs, outputs["classes"], strict=True):
                if ref in self._refs:
                    self._predicted[ref] = classes.cpu().numpy().astype(np.uint8)

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Draw the picture of an epoch, in the first process; the others only send it their sections."""
        if not self._is_pictured(trainer):
            return
        predicted = {ref: classes for each in objects_of_processes(self._predicted) for ref, classes in each.items()}
        self._predicted = {}
        if trainer.is_global_zero:
            with self._drawing("the picture of an epoch could not be drawn"):
                self._draw(trainer, predicted)

    @contextmanager
    def written_if_stopped(self) -> Iterator[None]:
        """Inside, the training runs; if it ends with an error or a request to stop, the film is written."""
        try:
            yield
        except BaseException:
            self.write()
            raise

    def write(self) -> None:
        """Write the film of all pictures that there are; without any, there is none."""
        if not self._every:
            return
        with self._drawing("the film could not be written"):
            pictures = [path for _, path in self._pictures()]
            if not pictures:
                return
            shown = write_animation(self._film, pictures)
            took = "" if self._started is None else f"; {self._share()} of the training was spent on pictures"
            self._listener.say(f"film of {shown} epochs: {self._film}{took}")

    def _is_pictured(self, trainer: lightning.Trainer) -> bool:
        """Whether this epoch is; the first validation and that of the last epoch always are."""
        epoch, first = trainer.current_epoch + 1, trainer.check_val_every_n_epoch
        return self._every > 0 and (epoch % self._every == 0 or epoch in (first, trainer.max_epochs))

    def _draw(self, trainer: lightning.Trainer, predicted: Predictions) -> None:
        if self._figure is None:
            self._figure = FilmFigure(self._sections(), self._facies)
        epoch, score = trainer.current_epoch + 1, float(trainer.callback_metrics["val_mean_iou"])
        title = f"Epoch {epoch} of {trainer.max_epochs}, mean IoU of the validation lines {score:.3f}"
        pixels = self._figure.pixels([predicted[ref] for ref in self._refs], title)
        write_frame(self._frames / f"epoch_{epoch:04d}.png", pixels)
        if isinstance(trainer.logger, TensorBoardLogger):
            trainer.logger.experiment.add_image(TAG, pixels, trainer.global_step, dataformats="HWC")

    def _sections(self) -> Sequence[FilmSection]:
        read = [(ref, *self._part.read(ref)) for ref in self._refs]
        return [FilmSection(section, truth, ruler_of(self._part, ref)) for ref, section, truth in read]

    def _pictures(self) -> list[tuple[int, Path]]:
        """The pictures that there are, each with its epoch, in the order of epochs."""
        found = self._frames.iterdir() if self._frames.is_dir() else ()
        return sorted((int(name[1]), path) for path in found if (name := FRAME.fullmatch(path.name)))

    def _share(self) -> str:
        assert self._started is not None, "asked after the start"
        return f"{100 * self._seconds / max(time.monotonic() - self._started, self._seconds):.1f} %"

    @contextmanager
    def _drawing(self, problem: str) -> Iterator[None]:
        """Inside, the time is counted, and an error of any kind is told once: no picture is worth a training."""
        begin = time.monotonic()
        try:
            yield
        except Exception as error:
            note = f"note: {problem}: {first_line(error)}"
            if note not in self._told:
                self._told.add(note)
                self._listener.say(note)
        finally:
            self._seconds += time.monotonic() - begin
