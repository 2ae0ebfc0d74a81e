"""A dialect goes in; a SEG-Y file of it, made by struct alone, and what must be read from it come out.

Nothing of the package helps: a fault that reader and writer share would not show.
"""

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHAPE = (6, 5, 11)
"""Inlines, crosslines, samples."""
FACTORS: Mapping[str, Sequence[Any]] = {
    "code": (1, 2, 3, 5, 6, 8, 10, 11, 16),
    "pair": ((189, 193), (9, 13), (9, 21), (5, 21), (17, 25), (181, 185)),
    "order": (">", "<"),
    "by_crossline": (False, True),
    "missing": ("none", "few", "ragged"),
    "step": (1, 2, 5),
    "direction": ((1, 1), (-1, 1), (1, -1), (-1, -1)),
    "first": ((1000, 300), (-1000, -300), (-3, -20)),
    "encoding": ("cp037", "ascii"),
    "extended": (0, 1, -1),
    "revision": ((0, 0), (1, 0), (2, 0), (2, 1)),
}
"""What files differ in; directions and first numbers are of inlines and crosslines."""
MISSING = {"none": (), "few": ((1, 2), (4, 0)), "ragged": ((0, 0), (0, 1), (1, 0), (4, 4), (5, 3), (5, 4))}
STORED = {1: "u4", 2: "i4", 3: "i2", 5: "f4", 6: "f8", 8: "i1", 10: "u4", 11: "u2", 16: "u1"}
READ = {1: "f4", 2: "i4", 3: "i2", 5: "f4", 6: "f4", 8: "i1", 10: "u4", 11: "u2", 16: "u1"}


@dataclass(frozen=True)
class Dialect:
    """One way of writing SEG-Y; see FACTORS."""

    code: int
    pair: tuple[int, int]
    order: str
    by_crossline: bool
    missing: str
    step: int
    direction: tuple[int, int]
    first: tuple[int, int]
    encoding: str
    extended: int
    revision: tuple[int, int]

    @property
    def trace_header(self) -> int:
        """Bytes of the header of a trace: revision 2 can add one."""
        return 480 if self.revision == (2, 1) else 240

    @property
    def texts(self) -> int:
        """Extended text headers: -1 stands for any number, here two."""
        return abs(self.extended) * (1 if self.extended > 0 else 2)


@dataclass(frozen=True)
class Written:
    """What a file holds.

    Args:
        head: all before the first trace.
        headers: of the traces in the order of the file.
        places: of the traces on the grid of ascending numbers.
        tail: all behind the last trace.
        inlines: ascending.
        crosslines: ascending.
        values: [inline, crossline, sample], zero where there is no trace.
        live: bool[inline, crossline].
    """

    head: bytes
    headers: list[bytes]
    places: list[tuple[int, int]]
    tail: bytes
    inlines: list[int]
    crosslines: list[int]
    values: NDArray[np.generic]
    live: NDArray[np.bool_]


def every_pair(seed: int) -> Iterator[Dialect]:
    """Dialects such that any two values of any two factors meet in one of them; others for each seed."""
    random = np.random.default_rng(seed)
    names = list(FACTORS)
    open_pairs = {
        (a, i, b, j)
        for a, b in combinations(range(len(names)), 2)
        for i, j in product(range(len(FACTORS[names[a]])), range(len(FACTORS[names[b]])))
    }
    while open_pairs:
        tried = [[int(random.integers(len(FACTORS[name]))) for name in names] for _ in range(20)]
        a, i, b, j = min(open_pairs)  # so that each round closes one at least
        for each in tried:
            each[a], each[b] = i, j
        met = [{(a, each[a], b, each[b]) for a, b in combinations(range(len(names)), 2)} & open_pairs for each in tried]
        best = max(range(len(tried)), key=lambda at: len(met[at]))
        open_pairs -= met[best]
        yield Dialect(**{name: FACTORS[name][at] for name, at in zip(names, tried[best], strict=True)})


def write_dialect(path: Path, dialect: Dialect, seed: int) -> Written:
    """Write a file with random samples and random bytes wherever headers hold nothing of importance."""
    random = np.random.default_rng(seed)
    numbers = [
        [first + step * at for at in range(count)][::direction]
        for first, count, direction in zip(dialect.first, SHAPE[:2], dialect.direction, strict=True)
        for step in (dialect.step,)
    ]
    gone = set(MISSING[dialect.missing])
    order = [(il, xl) for il in range(SHAPE[0]) for xl in range(SHAPE[1]) if (il, xl) not in gone]
    if dialect.by_crossline:
        order.sort(key=lambda place: place[1])
    inlines, crosslines = sorted(numbers[0]), sorted(numbers[1])
    places = [(inlines.index(numbers[0][il]), crosslines.index(numbers[1][xl])) for il, xl in order]
    values, live = np.zeros(SHAPE, READ[dialect.code]), np.zeros(SHAPE[:2], np.bool_)
    headers, traces = [], []
    for sequence, ((il, xl), place) in enumerate(zip(order, places, strict=True)):
        values[place], live[place] = _samples(dialect.code, random), True
        headers.append(_trace_header(dialect, sequence, (numbers[0][il], numbers[1][xl]), random))
        traces.append(headers[-1] + stored(values[place], dialect))
    head = _head(dialect, random)
    tail = b"((a stanza))".ljust(3200) if dialect.revision == (2, 1) else b""
    path.write_bytes(head + b"".join(traces) + tail)
    return Written(head, headers, places, tail, inlines, crosslines, values, live)


def stored(values: NDArray[np.generic], dialect: Dialect, code: int | None = None) -> bytes:
    """Samples as they stand in a file."""
    code = code or dialect.code
    if code == 1:
        return b"".join(struct.pack(dialect.order + "I", _ibm(float(value))) for value in values.tolist())
    return values.astype(np.dtype(STORED[code]).newbyteorder(dialect.order)).tobytes()


def _ibm(value: float) -> int:
    """An IBM word, for values that it holds exactly."""
    fraction, power = abs(value), 64
    while fraction >= 1:
        fraction, power = fraction / 16, power + 1
    while 0 < fraction < 1 / 16:
        fraction, power = fraction * 16, power - 1
    if value == 0:
        return 0
    assert (fraction * 2**24).is_integer(), "the test chooses values with few digits"
    return (math.copysign(1, value) < 0) << 31 | power << 24 | int(fraction * 2**24)


def _samples(code: int, random: np.random.Generator) -> NDArray[np.generic]:
    dtype = np.dtype(READ[code])
    if dtype.kind == "f":
        values = np.rint(random.normal(size=SHAPE[2]) * 2.0 ** random.uniform(0, 14, SHAPE[2])) / 64
        return values.astype(dtype)
    bounds = np.iinfo(dtype)
    return random.integers(bounds.min, bounds.max, SHAPE[2], dtype, endpoint=True)


def _trace_header(dialect: Dialect, sequence: int, numbers: tuple[int, int], random: np.random.Generator) -> bytes:
    header = bytearray(dialect.trace_header)
    header[120:170] = random.bytes(50)
    header[240:] = random.bytes(len(header) - 240)
    fields = {
        1: ("i", sequence + 1),
        29: ("h", 1),
        109: ("h", 100),
        115: ("H", SHAPE[2]),
        117: ("H", 2000),
        dialect.pair[0]: ("i", numbers[0]),
        dialect.pair[1]: ("i", numbers[1]),
    }
    for byte, (kind, value) in fields.items():
        struct.pack_into(dialect.order + kind, header, byte - 1, value)
    return bytes(header)


def _head(dialect: Dialect, random: np.random.Generator) -> bytes:
    cards = [f"C{number:2d} " + ("SURVEY OF NOWHERE" if number < 20 else "") for number in range(1, 41)]
    text = "".join(card.ljust(80) for card in cards).encode(dialect.encoding)
    binary = bytearray(400)
    fields = {3217: ("H", 2000), 3221: ("H", SHAPE[2]), 3225: ("h", dialect.code), 3505: ("h", dialect.extended)}
    major, minor = dialect.revision
    if major == 2:
        fields |= {3297: ("I", 0x01020304), 3269: ("I", SHAPE[2])}
    if dialect.revision == (2, 1):
        fields |= {3507: ("h", 1), 3529: ("i", 1)}
    for byte, (kind, value) in fields.items():
        struct.pack_into(dialect.order + kind, binary, byte - 3201, value)
    binary[300:302] = bytes([major, minor])
    binary[400 - 60 :] = random.bytes(60)
    stanzas = ["((SEG: Anything ver 1.0))\r\nof use"] * (dialect.texts - 1) + ["((SEG: EndText))"] * (dialect.texts > 0)
    return text + bytes(binary) + b"".join(stanza.ljust(3200).encode(dialect.encoding) for stanza in stanzas)
