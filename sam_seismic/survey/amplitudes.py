"""A volume of amplitudes as stored goes in; the same without null values comes out: their traces are dead."""

import numpy as np
from numpy.typing import NDArray

from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.null_values import clean_section, null_name
from sam_seismic.survey.volume import Section, Volume
from sam_seismic.survey.volume_view import VolumeView

_HOLDS = 1
"""State of a trace that was read and holds data; 0: not read yet; from 2 on: dead, by what it holds."""
_MOST_VALUES = 120
_LOOKED_AT = 8
"""One sample in so many tells whether a trace is mostly zero."""
TOLD_FROM = 0.05
"""Share of mostly zero traces above which they are told of."""


class AmplitudeVolume(VolumeView):
    """The amplitudes of a volume. Traces of null values are dead in `section` and `live_along`, not in the geometry.

    What a trace holds is known when it was read, so `live_along` reads a section once, and remembers its traces.

    Args:
        stored: the volume as its file holds it; `stored.null` is one more null value.
    """

    def __init__(self, stored: Volume) -> None:
        super().__init__(stored)
        self.null = stored.null
        self._grid: NDArray[np.int8] | None = None
        """State of each place of the grid: int8[inline, crossline]."""
        self._lines: dict[tuple[Orientation, int], NDArray[np.int8]] = {}
        """State of the traces of each section that was read, where there is no grid: int8[trace]."""
        self._fills: list[float] = []
        self._zeroed = self._padded = 0
        self._looked_at = self._mostly_zero = 0
        """Traces that hold data, and those of them whose samples are zero for the greater part."""

    @property
    def stored(self) -> Volume:
        """The volume with the samples of its file."""
        return self.seen

    @property
    def placement(self) -> str:
        """Which samples are read; a named null value is part of it."""
        return self.seen.placement + ("" if self.null is None else f" null {self.null:g}")

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces, those of null values among them, are zero.

        Raises:
            SurveyError: there is no such line, or the file is damaged there.
        """
        cleaned = clean_section(stored := self.seen.section(orientation, line), self.null)
        state = self._state(orientation, line, len(stored.live))
        new = stored.live & (state == 0)
        state[new & ~cleaned.empty] = _HOLDS
        for value in cleaned.fills:
            state[new & cleaned.empty & (state == 0) & _begins_with(stored, value)] = self._code(value)
        if new.any():
            self._zeroed, self._padded = self._zeroed + cleaned.zeroed, self._padded + cleaned.padded
            self._count_zeros(cleaned.section, new & ~cleaned.empty)
        return cleaned.section

    def _count_zeros(self, section: Section, new: NDArray[np.bool_]) -> None:
        """Count the new traces of a section, bool[trace], whose samples are zero for the greater part."""
        some = section.values[::_LOOKED_AT]  # [sample, trace]
        zeros = np.count_nonzero(some == 0, axis=0)  # [trace]
        self._looked_at += int(np.count_nonzero(new))
        self._mostly_zero += int(np.count_nonzero(new & (2 * zeros > len(some))))

    def live_along(self, orientation: Orientation, line: int) -> NDArray[np.bool_]:
        """Which traces of a section hold data, as in `section`: bool[trace]. A section is read once for it.

        Raises:
            SurveyError: there is no such line, or the file is damaged there.
        """
        live = self.seen.live_along(orientation, line)
        if not self._state(orientation, line, len(live))[live].all():
            self.section(orientation, line)
        return np.asarray(live & (self._state(orientation, line, len(live)) <= _HOLDS))

    @property
    def null_notes(self) -> tuple[str, ...]:
        """What was found in the sections that were read so far."""
        states = [self._grid] if self._grid is not None else list(self._lines.values())
        counts = np.sum([np.bincount(each.ravel(), minlength=128) for each in states], axis=0) if states else [0]
        read, notes = int(sum(counts[1:])), []
        empty = [(int(counts[2 + code]), value) for code, value in enumerate(self._fills)]
        if empty := sorted((each for each in empty if each[0]), key=lambda each: -each[0]):
            listed = ", ".join(
                f"{count:,} of {read:,} traces hold {null_name(value)} alone" for count, value in empty[:3]
            )
            more = f", and {sum(count for count, _ in empty[3:]):,} one other value" if len(empty) > 3 else ""
            notes.append(f"{listed}{more}: taken as dead, neither scaled nor trained on, scored or predicted")
        if self._zeroed:
            notes.append(
                f"{self._zeroed:,} null values in {self._padded:,} traces that hold data, too, were set to zero"
            )
        if self._mostly_zero > TOLD_FROM * self._looked_at:
            share = 100 * self._mostly_zero / self._looked_at
            notes.append(
                f"{self._mostly_zero:,} of {self._looked_at:,} traces that hold data ({share:.0f} %) are zero in more "
                "than half of their samples, as padded or muted ones are: zeros are scaled, trained on and scored as "
                "amplitudes are, unless their labels are 255"
            )
        return tuple(f"{self.path.name}: {note}" for note in notes)

    def _state(self, orientation: Orientation, line: int, traces: int) -> NDArray[np.int8]:
        """The states of the traces of a section, to read and change: int8[trace]."""
        if self.loose_sections:
            return self._lines.setdefault((orientation, line), np.zeros(traces, np.int8))
        if self._grid is None:
            self._grid = np.zeros(self.geometry.live.shape, np.int8)
        position = self.geometry.index(orientation, line)
        return self._grid[position] if orientation is Orientation.INLINE else self._grid[:, position]

    def _code(self, value: float) -> int:
        """The state of traces that hold a value alone; very many values share one."""
        same = [at for at, known in enumerate(self._fills) if known is value or known == value]
        if not same and len(self._fills) < _MOST_VALUES:
            self._fills.append(value)
            same = [len(self._fills) - 1]
        return 2 + (same[0] if same else 0)


def _begins_with(section: Section, value: float) -> NDArray[np.bool_]:
    """bool[trace]: whose first sample is a value."""
    first = section.values[0]
    return np.asarray(first != first if value != value else first == value)  # noqa: PLR0124  # NaN


def as_amplitudes(volume: Volume) -> AmplitudeVolume:
    """A volume without its null values; one that is such a volume already stays itself."""
    return volume if isinstance(volume, AmplitudeVolume) else AmplitudeVolume(volume)


def null_notes(volumes: list[Volume]) -> list[str]:
    """What was found of null values in volumes so far, each volume once."""
    return list(dict.fromkeys(note for volume in volumes for note in volume.null_notes))
