"""A trained task and a volume come in; facies of the whole volume go out, line by line, one or both orientations."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from sam_seismic.data.dataset import prepare
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.images import FolderResult
from sam_seismic.survey.labelled import read_amplitude
from sam_seismic.survey.result import Result, reserve
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

    With both orientations each voxel gets the mean of its inline and its crossline probabilities. A folder of sections
    keeps each section as it was predicted instead: it has a place for either, and its sections need not form a grid.

    Args:
        task: in eval mode, on the device to use.
        volume: amplitudes.
        orientations: one, or both; the volume has lines of each.
        classes: gets the label value of the most probable class.
        probabilities: results by class name, float32; empty for none.
        batch_size: sections at a time.
        done: told of progress.

    Raises:
        SurveyError: the amplitudes are not finite, a section does not fit the canvas, or the disk is full.
    """
    facies = task.card.facies
    pairs = _all_lines(task, volume, orientations, batch_size=batch_size, done=done)
    targets = [_Target(classes), *(_Target(result, facies.names.index(name)) for name, result in probabilities.items())]
    merged = [target for target in targets if len(orientations) > 1 and not isinstance(target.result, FolderResult)]
    as_read = [target for target in targets if target not in merged]
    scratch = classes.temporary.with_suffix(".merge")
    with Merge(scratch, volume.geometry, len(facies)) if merged else nullcontext() as merge:
        for section, probability in pairs:
            for target in as_read:
                target.write(section, probability, facies)
            if merge is not None:
                merge.add(section, probability)
        for section, mean in () if merge is None else merge.means():
            for target in merged:
                target.write(section, mean, facies)


@dataclass(frozen=True, eq=False)
class _Target:
    """A result and what it gets: the probability of a class by its index, or, with None, the most probable class."""

    result: Result
    index: int | None = None

    def write(self, section: Section, probability: Probabilities, facies: FaciesTable) -> None:
        """Write what this result gets of the float32[class, sample, trace] of a section."""
        values: NDArray[np.generic]
        if self.index is None:
            labels = facies.decode(probability.argmax(axis=0).astype(np.uint8))  # [sample, trace]
            values = labels.astype(self.result.dtype)
        else:
            values = probability[self.index]
        self.result.write(replace(section, values=values))


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
        what = f"{self._path.parent}: merging both orientations"
        fix = "free some disk, write the output elsewhere, or predict with one --orientation"
        try:
            with self._path.open("wb") as file:
                reserve(file, size, what=what, fix=fix)
            self._sum = np.memmap(self._path, dtype=np.float16, mode="r+", shape=self._shape)
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise
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

    def means(self) -> Iterator[tuple[Section, Probabilities]]:
        """Inlines with the mean of the two that were added for each voxel: float32[class, sample, trace]."""
        for position, line in enumerate(self._geometry.inlines.tolist()):
            mean = self._sum[position].astype(np.float32).transpose(1, 2, 0) / 2  # [class, sample, trace]
            yield Section(Orientation.INLINE, line, mean[0], self._geometry.live[position]), mean
