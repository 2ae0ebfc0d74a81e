"""The first bytes of a SEG-Y file go in, its fields come out; and where the traces of a file lie, as a value."""

import struct
from dataclasses import dataclass
from typing import Literal

from sam_seismic.survey.segy.formats import Order, SampleFormat

TEXT = 3200
"""Bytes of a text header, and of each extended one."""
HEAD = 3600
"""Bytes of the text and the binary header together."""
TRACE_HEADER = 240
_SHORTEST_US, _LONGEST_US = 1e-3, 1e8
"""Bounds of a sample interval stored as a double: bytes that are no interval give numbers such as 1e-300."""
ORDERS: tuple[Order, Order] = (">", "<")


@dataclass(frozen=True)
class SegyLayout:
    """Where the traces of a file lie and how their samples are stored.

    Args:
        order: byte order.
        form: sample format.
        samples: samples a trace.
        start: bytes before the first trace.
        header: bytes of a trace before its samples: 240, more where revision 2 adds headers.
        traces: how many there are.
        left_out: bytes behind the last of them that are no traces and are not copied into results.
    """

    order: Order
    form: SampleFormat
    samples: int
    start: int
    header: int
    traces: int
    left_out: int = 0

    @property
    def trace_bytes(self) -> int:
        """Bytes of a trace, header and samples."""
        return self.header + self.samples * self.form.size

    @property
    def extended_headers(self) -> int:
        """Extended text headers before the first trace."""
        return (self.start - HEAD) // TEXT

    @property
    def end(self) -> int:
        """Bytes up to the end of the last trace."""
        return self.start + self.traces * self.trace_bytes

    def place(self, byte: int) -> str:
        """Where a byte of the file lies: `in trace 7 of 9`."""
        return f"in trace {max(0, byte - self.start) // self.trace_bytes + 1} of {self.traces}"


@dataclass(frozen=True)
class FileHeader:
    """The first 3600 bytes of a file; positions count from 1 over the whole file, as in the standard."""

    raw: bytes
    order: Order

    def integer(self, byte: int, kind: str = "h") -> int:
        """The number at a position, `kind` as in struct: h, H, i, I, Q."""
        return int(struct.unpack_from(self.order + kind, self.raw, byte - 1)[0])

    @property
    def revision(self) -> int:
        """Major revision, 0 to 2; any other number is taken as 0, which assumes least."""
        return self._versions[0]

    @property
    def revision_name(self) -> str:
        """`0`, `1.0`, `2.0` or `2.1`."""
        major, minor = self._versions
        return f"{major}.{minor}" if major else "0"

    @property
    def _versions(self) -> tuple[int, int]:
        # Some writers store it as a 16-bit 1 or swap its two bytes.
        major, minor = self.raw[3500:3502] if self.raw[3500] else (self.raw[3501], 0)
        return (major, minor) if major in (1, 2) else (0, 0)

    @property
    def says_its_order(self) -> bool:
        """Whether the constant that tells the byte order in revision 2 has its value in this order."""
        return self.revision >= 2 and self.integer(3297, "I") == 0x01020304

    @property
    def length_unit(self) -> Literal["m", "ft"] | None:
        """Unit of coordinates and distances; None where the header does not say."""
        units: dict[int, Literal["m", "ft"]] = {1: "m", 2: "ft"}
        return units.get(self.integer(3255))

    @property
    def interval_us(self) -> float:
        """Sample interval, microseconds; revision 2 may give a fraction."""
        if self.revision >= 2:
            extended = float(struct.unpack_from(self.order + "d", self.raw, 3272)[0])
            if _SHORTEST_US <= extended <= _LONGEST_US:
                return extended
        return float(self.integer(3217, "H"))
