"""Sections that are not stored yet come in; they are read, encoded and written to the embedding store.

Reading, encoding and writing overlap: each runs in its own thread.
"""

import os
import random
import shlex
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from sam_seismic.data.background import PREFETCHED_BATCHES, Prefetch, WriteBehind
from sam_seismic.data.canvas import CanvasTransform, frame_of
from sam_seismic.data.dataset import SectionDataset, SectionVariant
from sam_seismic.data.frame import Frame, largest
from sam_seismic.files.disk import check_room
from sam_seismic.files.folders import nearest_existing
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tuning.embedding_store import DISK_FULL_FIX, Group, Shape, StoredSections, file_size
from sam_seismic.tuning.encoder_cut import EncoderCut

ProgressCallback = Callable[[int, int], None]
"""Called with (sections encoded, sections in total)."""
UNWRITTEN_BATCHES = 2
"""Largest number of batches that are encoded and not yet written."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A variant of a section that belongs in the store.

    Args:
        which: the variant.
        group: group of the store that it belongs to.
        shape: shape of the features.
    """

    which: SectionVariant
    group: Group
    shape: Shape

    @property
    def stored(self) -> bool:
        """Whether it is in the store."""
        return self.group.has(self.which.ref, self.which.variant, self.shape)


class StoreFiller:
    """Fills a store with all features that a training will read.

    Args:
        datasets: data sets of the training; every variant of each of their sections is stored.
        stored: groups of the store.
        cut: encoder, whose frozen part computes the features.
        transform: from amplitudes to canvases.
    """

    def __init__(
        self,
        datasets: Sequence[SectionDataset],
        stored: StoredSections,
        *,
        cut: EncoderCut,
        transform: CanvasTransform,
    ) -> None:
        self._cut, self._transform = cut, transform
        shapes: dict[object, Shape] = {}
        self.entries = []
        for which in (each for dataset in datasets for each in dataset.variants()):
            part, ref = which.part, which.ref
            key = (id(part), ref.orientation, ref.traces, None if part.volume.amplitude.has_grid else ref.line)
            if key not in shapes:
                shapes[key] = self._shape(part, ref)
            self.entries.append(Entry(which, stored.group(which), shapes[key]))

    def missing(self) -> list[Entry]:
        """Entries that are not in the store."""
        return [entry for entry in self.entries if not entry.stored]

    def check_can_store(self, store: Path, missing: Sequence[Entry]) -> None:
        """Check that the missing entries can be written: permissions, and space on the disk.

        Raises:
            UserError: this user may not write to the store, or there is not enough space.
        """
        for group in dict.fromkeys(entry.group for entry in missing):
            group.check_writable()
        smaller_canvas = "" if self._transform.inputs.canvas == "tight" else "input.canvas: tight, "
        check_room(
            nearest_existing(store),
            sum(file_size(entry.shape) for entry in missing),
            what=f"{store}: storing the embeddings",
            fix=smaller_canvas + DISK_FULL_FIX.format(store=shlex.quote(str(store))),
        )

    def run(self, *, batch_size: int, progress: ProgressCallback, share: tuple[int, int] | None = None) -> None:
        """Encode and store the missing entries.

        Several processes may fill one store. Each rank of a job encodes its share. Independent processes start at
        random positions, and continue at another random position when another process has stored their entries.

        Args:
            batch_size: sections encoded at a time.
            progress: called after each batch.
            share: (rank, number of ranks) of the job; None for a process without ranks.

        Raises:
            UserError: a section cannot be read or encoded; the entries written before remain in the store.
        """
        # A share of all entries, not of the missing ones, since processes may find different entries missing.
        entries = self.entries if share is None else self.entries[share[0] :: share[1]]
        missing = [entry for entry in entries if not entry.stored]
        queue = EntryQueue(missing)
        finished = 0
        with (
            WriteBehind(partial(_write, queue), capacity=UNWRITTEN_BATCHES) as writer,
            Prefetch(self._read(queue, batch_size), capacity=PREFETCHED_BATCHES) as batches,
        ):
            for batch, canvases in batches:
                if all(entry.stored for entry in batch):  # another process stored them after they were read
                    queue.jump()
                    continue
                writer.put((batch, self._encode(canvases)))
                finished += len(batch)
                progress(finished, len(missing))
        if finished < len(missing):  # other processes stored the rest
            progress(len(missing), len(missing))

    def _shape(self, part: Part, ref: SectionRef) -> Shape:
        frame = frame_of(part.section_shape(ref), self._transform.inputs, part.whole_shape(ref))
        return self._cut.feature_shape(frame.canvas_shape)

    def _read(self, queue: "EntryQueue", size: int) -> Iterator[tuple[list[Entry], list[tuple[Tensor, Frame]]]]:
        """Batches of entries whose canvases have one size, with these canvases."""
        batch: list[Entry] = []
        for entry in queue:
            if batch and (len(batch) == size or entry.shape != batch[0].shape):
                yield batch, [self._canvas(each) for each in batch]
                batch = []
            batch.append(entry)
        if batch:
            yield batch, [self._canvas(each) for each in batch]

    def _canvas(self, entry: Entry) -> tuple[Tensor, Frame]:
        which = entry.which
        return self._transform.canvas(which.part.amplitude(which.ref), which.variant)

    def _encode(self, canvases: Sequence[tuple[Tensor, Frame]]) -> Tensor:
        """Canvases of one size -> their features float[section, ...]."""
        shown = largest(frame.placed_shape for _, frame in canvases)
        canvas = torch.stack([image for image, _ in canvases]).to(self._cut.device)
        return self._cut.run_frozen(canvas, shown=shown)


class EntryQueue:
    """Iterates over the entries that are not stored, in order and cyclically, from a random start position.

    `jump` continues at another random position. Without it, two processes at the same position would both encode all
    remaining entries.

    Args:
        entries: in the order in which they are read fastest.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._jump = threading.Event()

    def jump(self) -> None:
        """Continue at another position, since another process is storing the same entries; from any thread."""
        self._jump.set()

    def __iter__(self) -> Iterator[Entry]:
        remaining = _rotate_randomly(self._entries)
        while remaining:
            if self._jump.is_set() or remaining[0].stored:
                self._jump.clear()
                remaining = _rotate_randomly(entry for entry in remaining if not entry.stored)
            else:
                yield remaining.popleft()


def _rotate_randomly(entries: Iterable[Entry]) -> deque[Entry]:
    rotated = deque(entries)
    rotated.rotate(random.Random(os.urandom(8)).randrange(max(1, len(rotated))))
    return rotated


def _write(queue: EntryQueue, encoded: tuple[Sequence[Entry], Tensor]) -> None:
    for entry, features in zip(*encoded, strict=True):
        if entry.stored:
            queue.jump()
        else:
            entry.group.write(entry.which.ref, entry.which.variant, features)
