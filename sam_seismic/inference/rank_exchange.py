"""Processes that predict one volume meet in a folder: pieces go in on all of them, and out on the first one.

Files are all that they share, so that it works on any cluster, in any container, and after a kill: a piece is there
whole or not at all, and one that is there need not be made again.
"""

import glob
import json
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sam_seismic.files.atomic import whole_file, write_text
from sam_seismic.inference.line_batches import LineBatch
from sam_seismic.inference.section_outputs import SectionOutputs
from sam_seismic.survey.volume import Section

AHEAD = 16
"""Turns that a process may be ahead of the one that writes: their pieces wait on the disk."""
SECONDS = 1.0
"""At most, between two looks into the folder."""

T = TypeVar("T")


class GivenUp(Exception):  # noqa: N818  # not an error: nobody waits for the answer any more
    """The work was broken off while something was waited for."""


class RankExchange:
    """What the processes know of each other.

    Args:
        output: they meet in a hidden folder beside it, which all of them see.
        job: that they belong to.
        process: the number of this one; 0 writes the results.
        processes: in all.
        attempt: how often the job was started again.
    """

    def __init__(self, output: Path, job: str, *, process: int, processes: int, attempt: int) -> None:
        self._output = output
        folder = output.with_name(f".{output.name}.{job.replace('/', '-')}.pieces")
        self._folder = folder
        self.process = process
        self.processes = processes
        self._begin = folder / f"begin-{attempt}.json"
        self._crosslines = folder / f"crosslines-{attempt}"
        self._there: frozenset[str] = frozenset()
        self._given_up = threading.Event()

    def begin(self, token: str, finished: int) -> None:
        """Let the others begin; on the first process, which is the only one at the output.

        Args:
            token: in the names of unfinished results.
            finished: sections of an earlier attempt.
        """
        for left in self._output.parent.glob(f".{glob.escape(self._output.name)}.*.pieces"):
            if left != self._folder:  # of a job that will not go on
                shutil.rmtree(left, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        # From here on this process takes pieces away: who comes later could not tell what had been there.
        there = sorted(path.name for path in self._folder.glob("*.npz"))
        write_text(self._begin, json.dumps({"token": token, "finished": finished, "there": there}))

    def joined(self) -> tuple[str, int]:
        """Wait for the first process; what it said."""
        text = self._wait(lambda: self._begin.read_text() if self._begin.is_file() else None)
        said = json.loads(text)
        self._there = frozenset(said["there"])
        return str(said["token"]), int(said["finished"])

    def cross(self) -> None:
        """Let the others read the crosslines; on the first process, when all of them lie on the disk."""
        write_text(self._crosslines, "")

    def crossed(self) -> None:
        """Wait until the crosslines can be read."""
        self._wait(lambda: self._crosslines.is_file() or None)

    def has(self, turn: LineBatch) -> bool:
        """Whether the pieces of a turn lay here when it began: an earlier attempt made them. After `joined`."""
        return self._path(turn).name in self._there

    def leave(self, turn: LineBatch, pieces: Sequence[SectionOutputs]) -> None:
        """Leave the pieces of a turn for the first process, when it is not too far behind."""
        mine = f"*.{self.process}.npz"
        self._wait(lambda: len(list(self._folder.glob(mine))) < AHEAD or None)
        arrays: dict[str, Any] = {}
        for number, piece in enumerate(pieces):
            arrays[f"{number}-live"] = piece.section.live
            arrays[f"{number}-cut"] = np.array(piece.section.cut_from or -1)
            arrays |= {f"{number}-{position}": values for position, values in piece.products.items()}
            if piece.kept is not None:
                arrays[f"{number}-kept"] = piece.kept
        with whole_file(self._path(turn)) as file:
            np.savez(file, **arrays)

    def take(self, turn: LineBatch) -> list[SectionOutputs]:
        """Wait for the pieces of a turn of another process, and take them away."""
        path = self._path(turn)
        self._wait(lambda: path.is_file() or None)
        pieces = []
        with np.load(path, allow_pickle=False) as arrays:
            for number, line in enumerate(turn.lines):
                mine = {name.partition("-")[2]: arrays[name] for name in arrays.files if name.startswith(f"{number}-")}
                live, cut, kept = mine.pop("live"), int(mine.pop("cut")), mine.pop("kept", None)
                section = Section(turn.orientation, line, np.empty((0, 0)), live, cut if cut > 0 else None)
                pieces.append(SectionOutputs(section, {int(name): values for name, values in mine.items()}, kept))
        path.unlink()
        return pieces

    def give_up(self) -> None:
        """Wait for nothing any more; from any thread."""
        self._given_up.set()

    def part(self) -> None:
        """Tell the first process that this one looks for nothing here any more: the last thing that it does."""
        write_text(self._parted(self.process), "")

    def close(self) -> None:
        """Remove the folder, when all is written and the others have parted; on the first process.

        One that has not even begun would else look for the first word for ever.
        """
        others = range(1, self.processes)
        self._wait(lambda: all(self._parted(other).is_file() for other in others) or None)
        self.abandon()

    def abandon(self) -> None:
        """Remove the folder; on the first process, when nothing of the job will be of use any more."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _parted(self, process: int) -> Path:
        return self._begin.with_name(f"parted-{self._begin.stem}.{process}")

    def _path(self, turn: LineBatch) -> Path:
        return self._folder / f"{turn.name}.{turn.process}.npz"

    def _wait(self, look: Callable[[], T | None]) -> T:
        """What is found in the end.

        Raises:
            GivenUp: the work was broken off.
        """
        pause = 0.01
        while (found := look()) is None:
            if self._given_up.wait(pause):
                raise GivenUp
            pause = min(SECONDS, 1.5 * pause)
        return found
