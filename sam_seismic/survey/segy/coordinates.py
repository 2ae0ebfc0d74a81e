"""Fields of trace headers go in; which of them hold X and Y comes out, and X and Y themselves."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import AngleUnit
from sam_seismic.survey.geometry import Geometry
from sam_seismic.survey.segy.float_words import FloatKind, as_floats, may_be_floats
from sam_seismic.survey.segy.formats import Order
from sam_seismic.survey.segy.scan import SCALAR_OF_PLACES, UNIT_OF_PLACES
from sam_seismic.survey.segy.template import field_of, scalar_factor

PAIRS = ((181, 185), (73, 77), (81, 85))
"""X and Y of the CDP, of the source and of the receiver group: the first pair that can be coordinates is taken."""
WORDS = {**dict.fromkeys((byte for pair in PAIRS for byte in pair), "i4"), SCALAR_OF_PLACES: "i2", UNIT_OF_PLACES: "i2"}
"""Fields that are looked at, by byte position, and their types."""
_ANGLES: dict[int, tuple[AngleUnit, float]] = {2: ("arc seconds", 3600.0), 3: ("degrees", 1.0), 4: ("DDDMMSS", 1e4)}
"""Codes of byte 89 for angles, and what a degree is in them."""
_MOST = 5e7
"""No coordinate of a survey is larger, in metres or feet."""
_SCALED_FLOATS = 2e7
"""Floats mostly need no scalar; those beyond this do."""
_AFFINE = 0.02
"""Coordinates of a 3D survey leave its plane by less than this share of their spread."""
_SAMPLED = 1024

Words = Mapping[int, NDArray[np.integer]]
"""Columns int[trace] of the fields in WORDS, by byte position."""


@dataclass(frozen=True, eq=False)
class Traces:
    """Traces whose fields are looked at.

    Args:
        words: their fields.
        number: int64[trace], their numbers in the file.
        lines: int64[trace, 2], their inline and crossline numbers; None where there are none yet.
        line_bytes: byte positions that hold the line numbers.
    """

    words: Words
    number: NDArray[np.int64]
    lines: NDArray[np.int64] | None = None
    line_bytes: tuple[int, ...] = ()

    @property
    def is_3d(self) -> bool:
        """Whether they are of several inlines and several crosslines."""
        return self.lines is not None and bool((np.ptp(self.lines, axis=0) > 0).all())


@dataclass(frozen=True)
class CoordinateFields:
    """How X and Y are read from trace headers.

    Args:
        pair: byte positions.
        kind: how they are stored.
        unit: of angles; None for lengths.
        origin_is_a_place: whether a trace may lie at 0, 0; else such traces have no position.
    """

    pair: tuple[int, int]
    kind: FloatKind | Literal["integer"]
    unit: AngleUnit | None = None
    origin_is_a_place: bool = False

    def read(self, words: Words) -> NDArray[np.float64]:
        """X and Y in the unit of the file: float64[trace, 2], NaN where a trace has no position."""
        raw = np.stack([words[byte] for byte in self.pair], axis=1)  # [trace, 2]
        found = raw.astype(np.float64) if self.kind == "integer" else as_floats(raw, self.kind)
        if self.kind == "integer" or np.abs(found).max(initial=0) > _SCALED_FLOATS:
            found = found * scalar_factor(words[SCALAR_OF_PLACES])[:, np.newaxis]
        if not self.origin_is_a_place:
            found[(raw == 0).all(axis=1)] = np.nan
        return found

    def of_headers(self, headers: NDArray[np.uint8], order: Order) -> NDArray[np.float64]:
        """The same of trace headers uint8[trace, 240]."""
        return self.read(words_of(headers, order))


def words_of(headers: NDArray[np.uint8], order: Order) -> Words:
    """The fields of trace headers uint8[trace, 240]."""
    return {byte: field_of(headers, byte, kind, order) for byte, kind in WORDS.items()}


def sampled_fields(
    geometry: Geometry,
    index: NDArray[np.int32],
    line_bytes: tuple[int, ...],
    read: Callable[[NDArray[np.int32]], Words],
) -> CoordinateFields | None:
    """The fields of X and Y of a volume, found on traces spread over its grid; None where it has none.

    Args:
        geometry: the grid.
        index: int32[inline, crossline], number of the trace of each place, -1 where there is none.
        line_bytes: byte positions that hold the line numbers.
        read: gives the fields of traces by their numbers.
    """
    places = np.flatnonzero(geometry.live & (index >= 0))
    if not len(places):
        return None
    places = places[np.unique(np.linspace(0, len(places) - 1, _SAMPLED).astype(np.int64))]
    inline, crossline = np.divmod(places, index.shape[1])
    lines = np.stack([geometry.inlines[inline], geometry.crosslines[crossline]], axis=1).astype(np.int64)
    number = index.ravel()[places]
    return find_fields(Traces(read(number), number.astype(np.int64), lines, line_bytes))


def find_fields(traces: Traces) -> CoordinateFields | None:
    """The fields of X and Y; None where no pair of fields can be coordinates.

    Bytes that number the lines, constants, running numbers and copies of the line numbers are none. Of several pairs
    the first wins that lies on a plane over the line numbers, else the first.
    """
    possible = [fields for pair in PAIRS for fields in _readings(pair, traces) if _can_be(fields, traces)]
    fits = [_plane(fields, traces) for fields in possible]
    best = next((at for at, fit in enumerate(fits) if fit is not None and fit.share < _AFFINE), 0)
    if not possible:
        return None
    fields, fit = possible[best], fits[best]
    at_origin = fit is not None and fit.share < _AFFINE and _holds_origin(fit, fields, traces)
    return CoordinateFields(fields.pair, fields.kind, fields.unit, at_origin)


def _readings(pair: tuple[int, int], traces: Traces) -> Iterator[CoordinateFields]:
    """The ways in which a pair of fields can be read, the likelier one first."""
    if any(abs(byte - other) < 4 for byte in pair for other in traces.line_bytes):
        return
    kinds: tuple[FloatKind | Literal["integer"], ...] = ("integer",)
    if all(may_be_floats(traces.words[byte]) for byte in pair):
        # What is an ordinary IBM number is too small a coordinate as IEEE, and the reverse is too large a one.
        kinds = ("ibm", "ieee") if _largest(pair, "ibm", traces) <= _MOST else ("ieee",)
        if len(kinds) > 1 and _is_whole(pair, "ieee", traces):
            kinds = ("ieee", "ibm")
    for kind in kinds:
        yield CoordinateFields(pair, kind, _unit(CoordinateFields(pair, kind), traces))


def _largest(pair: tuple[int, int], kind: FloatKind, traces: Traces) -> float:
    return max(float(np.abs(as_floats(traces.words[byte], kind)).max()) for byte in pair)


def _is_whole(pair: tuple[int, int], kind: FloatKind, traces: Traces) -> bool:
    floats = [as_floats(traces.words[byte], kind) for byte in pair]
    return all(np.array_equal(each, np.rint(each)) for each in floats)


def _unit(fields: CoordinateFields, traces: Traces) -> AngleUnit | None:
    """The unit of angles, if the traces with a position name one, and X and Y can be such angles."""
    found = fields.read(traces.words)
    known = np.isfinite(found).all(axis=1)
    codes = np.unique(traces.words[UNIT_OF_PLACES][known])
    if len(codes) != 1 or int(codes[0]) not in _ANGLES:
        return None
    unit, degree = _ANGLES[int(codes[0])]
    return unit if (np.abs(found[known]) <= np.array([360, 90]) * degree).all() else None


def _can_be(fields: CoordinateFields, traces: Traces) -> bool:
    """Whether X and Y vary as coordinates do."""
    found = fields.read(traces.words)
    known = np.isfinite(found).all(axis=1)
    if not known.any() or np.abs(found[known]).max() > _MOST:
        return False
    raw = np.stack([traces.words[byte] for byte in fields.pair], axis=1)[known].astype(np.int64)  # [trace, 2]
    number = traces.number[known]
    if len(raw) == 1:
        return True
    constant, running = np.ptp(raw, axis=0) == 0, [_is_running(column, number) for column in raw.T]
    if traces.lines is None or not traces.is_3d:
        # A straight line along an axis has one constant coordinate, and steps that are all the same.
        counts = [is_constant or step == 1 for is_constant, step in zip(constant, running, strict=True)]
        return not all(counts)
    lines = traces.lines[known]
    copies = any(np.array_equal(column, numbers) for column in raw.T for numbers in lines.T)
    if (np.ptp(lines, axis=0) == 0).any():  # only one line has a position
        return not constant.all()
    return not (constant.any() or any(running) or copies)


def _is_running(column: NDArray[np.int64], number: NDArray[np.int64]) -> float:
    """By how much a column changes from trace to trace in the file, where it does so evenly; else 0."""
    step = (column[-1] - column[0]) / max(1, number[-1] - number[0])
    expected = column[0] + step * (number - number[0])
    return abs(float(step)) if np.array_equal(column, np.rint(expected)) and step else 0.0


@dataclass(frozen=True, eq=False)
class _Plane:
    """X and Y as linear functions of the line numbers.

    Args:
        weights: float64[3, 2]: of inline, crossline and one.
        share: how far X and Y lie off, as a share of their spread.
    """

    weights: NDArray[np.float64]
    share: float


def _plane(fields: CoordinateFields, traces: Traces) -> _Plane | None:
    """The plane that fits best; None for a single line, or where X and Y depend on one number alone."""
    if traces.lines is None or not traces.is_3d:
        return None
    found = fields.read(traces.words)
    known = np.isfinite(found).all(axis=1)
    middle = traces.lines[known].mean(axis=0)
    design = np.column_stack([traces.lines[known] - middle, np.ones(int(known.sum()))])
    weights, _, rank, _ = np.linalg.lstsq(design, found[known], rcond=None)
    sizes = np.linalg.norm(weights[:2], axis=1)
    if rank < 3 or abs(np.linalg.det(weights[:2])) < 1e-3 * sizes.prod() or not sizes.all():
        return None
    off = float(np.sqrt(np.mean((found[known] - design @ weights) ** 2)))
    weights[2] -= middle @ weights[:2]
    return _Plane(weights, off / float(np.ptp(found[known], axis=0).max()))


def _holds_origin(plane: _Plane, fields: CoordinateFields, traces: Traces) -> bool:
    """Whether X = Y = 0 lies on the survey, and at most one of the traces is there."""
    assert traces.lines is not None, "a plane is fitted to line numbers"
    zeros = int(np.count_nonzero((np.stack([traces.words[byte] for byte in fields.pair]) == 0).all(axis=0)))
    origin = np.linalg.solve(plane.weights[:2].T, -plane.weights[2])
    low, high = traces.lines.min(axis=0), traces.lines.max(axis=0)
    return zeros <= 1 and bool(((origin > low - 0.5) & (origin < high + 0.5)).all())
