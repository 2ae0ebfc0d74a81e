"""A trained task and a volume come in; facies of the whole volume go out, line by line, one or both orientations."""

import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from sam_seismic.data.dataset import prepare
from sam_seismic.errors import SurveyError
from sam_seismic.survey.labelled import read_amplitude
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Geometry, Orientation, Section, Volume
from sam_seismic.tasks.facies import FaciesSegmentation

Probabilities = NDArray[np.float32]
"""float32[class, sample, trace], summing to 1 over the classes."""
Done = Callable[[int, int], None]
"""Called with (sections finished, sections in all)."""


def predict_volume(
    task: FaciesSegmentation,
    volume: Volume,
    orientations: Sequence[Orientation],
    *,
    classes: Result,
    probabilities: Mapping[str, Result],
    batch_size: int,
    done: Done,
) -> None:
    """Predict every line of a volume and write it down.

    With both orientations each voxel gets the mean of its inline and its crossline probabilities.

    Args:
        task: in eval mode, on the device to use.
        volume: amplitudes.
        orientations: one, or both.
        classes: gets the label value of the most probable class.
        probabilities: results by class name, float32; empty for none.
        batch_size: sections at a time.
        done: told of progress.

    Raises:
        SurveyError: the amplitudes are not finite, a section does not fit the canvas, or the disk is full.
    """
    facies = task.card.facies
    pairs = _all_lines(task, volume, orientations, batch_size=batch_size, done=done)
    if len(orientations) > 1 and volume.has_grid:
        scratch = Merge(classes.temporary.with_suffix(".merge"), volume.geometry, len(facies))
        pairs = _merged(pairs, scratch, volume.geometry, len(orientations))
    for section, probability in pairs:
        labels = facies.decode(probability.argmax(axis=0).astype(np.uint8))  # [sample, trace]
        classes.write(replace(section, values=labels.astype(classes.dtype)))
        for name, plane in zip(facies.names, probability, strict=True):
            if name in probabilities:
                probabilities[name].write(replace(section, values=plane))


def _all_lines(
    task: FaciesSegmentation, volume: Volume, orientations: Sequence[Orientation], *, batch_size: int, done: Done
) -> Iterator[tuple[Section, Probabilities]]:
    """The lines of every orientation, one after the other, counted."""
    total, finished = sum(len(volume.lines(orientation)) for orientation in orientations), 0
    for orientation in orientations:
        for pair in predict_lines(task, volume, orientation, batch_size=batch_size):
            yield pair
            finished += 1
            done(finished, total)


def _merged(
    pairs: Iterator[tuple[Section, Probabilities]], scratch: "Merge", geometry: Geometry, orientations: int
) -> Iterator[tuple[Section, Probabilities]]:
    """Inlines with the mean of all that was predicted for their voxels."""
    with scratch as merge:
        for section, probability in pairs:
            merge.add(section, probability)
        for line in geometry.inlines.tolist():
            mean = merge.inline(line, orientations)
            live = geometry.live_along(Orientation.INLINE, line)
            yield Section(Orientation.INLINE, line, mean[0], live), mean


def predict_lines(
    task: FaciesSegmentation, volume: Volume, orientation: Orientation, *, batch_size: int
) -> Iterator[tuple[Section, Probabilities]]:
    """Each section of an orientation with its class probabilities, in the order of the lines."""
    lines = volume.lines(orientation)
    for start in range(0, len(lines), batch_size):
        sections = [read_amplitude(volume, orientation, int(line)) for line in lines[start : start + batch_size]]
        yield from zip(sections, predict_sections(task, sections), strict=True)


def predict_sections(task: FaciesSegmentation, sections: Sequence[Section]) -> list[Probabilities]:
    """Class probabilities of a few sections of any size that fits the canvas."""
    canvases, frames = zip(*(prepare(section, task.card.scale, task.card.inputs) for section in sections), strict=True)
    with torch.inference_mode():
        logits = task(torch.stack(canvases).to(task.device))  # [section, class, height / 4, width / 4]
        return [
            frame.recover(plane).float().softmax(dim=0).cpu().numpy()
            for frame, plane in zip(frames, logits, strict=True)
        ]


class Merge(AbstractContextManager["Merge"]):
    """The sum of inline and crossline probabilities of a volume, in a scratch file that vanishes at the end.

    Args:
        path: of the scratch file, beside the result.
        geometry: the grid.
        classes: how many.

    Raises:
        SurveyError: the disk has no room for it.
    """

    def __init__(self, path: Path, geometry: Geometry, classes: int) -> None:
        self._path = path
        self._geometry = geometry
        inlines, crosslines, samples = geometry.shape
        self._shape = (inlines, crosslines, classes, samples)

    def __enter__(self) -> Self:
        size = math.prod(self._shape) * np.dtype(np.float16).itemsize
        free = shutil.disk_usage(self._path.parent).free
        if free < size:
            raise SurveyError(
                problem=f"{self._path.parent}: merging both orientations needs {size / 1e9:.1f} GB of scratch space, "
                f"{free / 1e9:.1f} are free",
                fix="free some disk, write the output elsewhere, or predict with one --orientation",
            )
        with self._path.open("wb") as file:
            # Reserved for real: a sparse file on a disk that fills up later kills the process with SIGBUS.
            os.posix_fallocate(file.fileno(), 0, size)
        self._sum = np.memmap(self._path, dtype=np.float16, mode="r+", shape=self._shape)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        del self._sum
        self._path.unlink(missing_ok=True)

    def add(self, section: Section, probability: Probabilities) -> None:
        """Add float32[class, sample, trace] of a section."""
        position = self._geometry.index(section.orientation, section.line)
        by_trace = probability.transpose(2, 0, 1)  # [trace, class, sample]
        if section.orientation is Orientation.INLINE:
            self._sum[position] += by_trace.astype(np.float16)
        else:
            self._sum[:, position] += by_trace.astype(np.float16)

    def inline(self, line: int, summands: int) -> Probabilities:
        """The mean along an inline: float32[class, sample, trace]."""
        position = self._geometry.index(Orientation.INLINE, line)
        mean: Probabilities = self._sum[position].astype(np.float32) / np.float32(summands)  # [trace, class, sample]
        return mean.transpose(1, 2, 0)  # [class, sample, trace]
