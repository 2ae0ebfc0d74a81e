"""Sections that are not kept yet come in; they are read, encoded and put into the embedding store, all at once."""

import os
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from sam_seismic.data.background import BATCHES_AHEAD, Prefetch, WriteBehind
from sam_seismic.data.canvas import CanvasTransform, frame_of
from sam_seismic.data.dataset import SectionDataset, SectionVariant
from sam_seismic.data.frame import Frame, largest
from sam_seismic.files.disk import check_room
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tuning.embedding_store import MORE_ROOM, Group, Shape, StoredSections, file_size
from sam_seismic.tuning.encoder_cut import EncoderCut

Done = Callable[[int, int], None]
"""Called with (sections done, sections in all)."""
BATCHES_BEHIND = 2
"""Batches that are encoded and not yet written."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A variant of a section, and where it is to be stored.

    Args:
        which: of the survey.
        group: of the store.
        shape: of what will be stored.
    """

    which: SectionVariant
    group: Group
    shape: Shape

    @property
    def kept(self) -> bool:
        """Whether it is in the store."""
        return self.group.has(self.which.ref, self.which.variant, self.shape)


class StoreFiller:
    """What a training will ask a store for, and how it gets there.

    Args:
        datasets: whose sections, in every variant that they can ask for.
        stored: where they go.
        cut: the encoder, whose frozen part makes what is stored.
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
        """What is not in the store."""
        return [entry for entry in self.entries if not entry.kept]

    def check_room(self, store: Path, missing: Sequence[Entry]) -> None:
        """Refuse to begin what the disk has no room for.

        Raises:
            SurveyError: it has not.
        """
        there = next(folder for folder in (store, *store.absolute().parents) if folder.is_dir())
        tight = "" if self._transform.inputs.canvas == "tight" else "input.canvas: tight, "
        check_room(
            there,
            sum(file_size(entry.shape) for entry in missing),
            what=f"{store}: keeping the embeddings",
            fix=tight + MORE_ROOM.format(store=store),
        )

    def run(self, *, batch_size: int, done: Done, share: tuple[int, int] | None = None) -> None:
        """Encode what is missing, and keep it.

        Several processes may do so at once: those that know of each other each take a share; those that do not begin
        anywhere, and go on elsewhere when they meet.

        Args:
            batch_size: sections at a time.
            done: told of progress.
            share: (which, of how many) processes that run together; None: alone, as far as is known.

        Raises:
            UserError: a section cannot be read or encoded; what was written until then is kept.
        """
        # Of all entries, not of the missing ones: those are fewer by the minute, and by process.
        entries = self.entries if share is None else self.entries[share[0] :: share[1]]
        missing = [entry for entry in entries if not entry.kept]
        turns = EntryQueue(missing)
        finished = 0
        with (
            WriteBehind(partial(_keep, turns), room=BATCHES_BEHIND) as behind,
            Prefetch(self._read(turns, batch_size), room=BATCHES_AHEAD) as batches,
        ):
            for batch, canvases in batches:
                if all(entry.kept for entry in batch):  # done since it was read
                    turns.meet()
                    continue
                behind.put((batch, self._encode(canvases)))
                finished += len(batch)
                done(finished, len(missing))
        if finished < len(missing):  # others did the rest
            done(len(missing), len(missing))

    def _shape(self, part: Part, ref: SectionRef) -> Shape:
        frame = frame_of(part.section_shape(ref), self._transform.inputs, part.whole_shape(ref))
        return self._cut.kept_shape(frame.canvas_shape)

    def _read(self, turns: "EntryQueue", size: int) -> Iterator[tuple[list[Entry], list[tuple[Tensor, Frame]]]]:
        """Batches of canvases of one size."""
        batch: list[Entry] = []
        for entry in turns:
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
        """Canvases of one size -> what is kept of each: float[section, ...]."""
        shown = largest(frame.placed_shape for _, frame in canvases)
        canvas = torch.stack([image for image, _ in canvases]).to(self._cut.device)
        return self._cut.below(canvas, shown=shown)


class EntryQueue:
    """Entries, each when its turn comes, if it is not kept by then: in their order, from anywhere on.

    Where another process is met, it goes on elsewhere: two that go the same way would do all the rest twice.

    Args:
        entries: in the order in which they are read best.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._met = threading.Event()

    def meet(self) -> None:
        """Note that another process has just done what was at hand here; from any thread."""
        self._met.set()

    def __iter__(self) -> Iterator[Entry]:
        left = _from_anywhere(self._entries)
        while left:
            if self._met.is_set() or left[0].kept:
                self._met.clear()
                left = _from_anywhere(entry for entry in left if not entry.kept)
            else:
                yield left.popleft()


def _from_anywhere(entries: Iterable[Entry]) -> deque[Entry]:
    left = deque(entries)
    left.rotate(random.Random(os.urandom(8)).randrange(max(1, len(left))))
    return left


def _keep(turns: EntryQueue, encoded: tuple[Sequence[Entry], Tensor]) -> None:
    for entry, kept in zip(*encoded, strict=True):
        if entry.kept:
            turns.meet()
        else:
            entry.group.write(entry.which.ref, entry.which.variant, kept)
