"""The head of a SEG-Y file and its size go in; a checked SegyLayout comes out: where each trace begins and ends."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy.formats import FORMATS, UNREAD, Order, SampleFormat, format_named
from sam_seismic.survey.segy.text import ends_stanzas, is_text

TEXT = 3200
"""Bytes of a text header, and of each extended one."""
HEAD = 3600
"""Bytes of the text and the binary header together."""
TRACE_HEADER = 240
_SHORTEST_US, _LONGEST_US = 1e-3, 1e8
"""Bounds of a sample interval stored as a double: bytes that are no interval give numbers such as 1e-300."""
ORDERS: tuple[Order, Order] = (">", "<")
_FIX_FORMAT = "--format or --endian (YAML: data.read.segy.format, data.read.segy.endian)"


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
    """

    order: Order
    form: SampleFormat
    samples: int
    start: int
    header: int
    traces: int

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


def read_layout(path: Path, options: SegyOptions) -> tuple[SegyLayout, FileHeader, tuple[str, ...]]:
    """Find byte order, sample format and trace length, and check them against the size of the file.

    Returns:
        The layout, the header it was found in, and notes on what disagreed.

    Raises:
        SurveyError: no such file, not a SEG-Y, a format that is not read, or a size that no whole traces fill.
    """
    if not path.is_file():
        raise SurveyError(problem=f"{path}: there is no such file", fix="check the name")
    size = path.stat().st_size
    if size <= HEAD + TRACE_HEADER:
        raise SurveyError(
            problem=f"{path}: {size} bytes are too few for a SEG-Y file: its headers alone take {HEAD}, and the header "
            f"of a trace {TRACE_HEADER}",
            fix="copy the file again, or check that it is a SEG-Y file",
        )
    with path.open("rb") as file:
        raw = file.read(HEAD)
    readings = [(header, form) for header in _headers(raw, options) if (form := _form(path, header, options))]
    if not readings:
        raise _no_format(path, raw, options)
    for header, form in readings:
        for layout, notes in _fits(path, header, form, size):
            order = ("little-endian byte order",) if header.order == "<" else ()
            return layout, header, order + notes
    raise _misfit(path, *readings[0], size)


def _headers(raw: bytes, options: SegyOptions) -> list[FileHeader]:
    """The header in each possible byte order, the likelier one first.

    Both can look right: 1028 samples are 1028 in either order, and the format code is not read where the user names
    the format.
    """
    orders = {"big": ORDERS[:1], "little": ORDERS[1:], None: ORDERS}[options.endian]
    headers = [FileHeader(raw, order) for order in orders]
    return sorted(headers, key=lambda header: (not header.says_its_order, header.integer(3225) not in FORMATS))


def _form(path: Path, header: FileHeader, options: SegyOptions) -> SampleFormat | None:
    """The sample format in this byte order; None where the code makes no sense in it."""
    if options.format is not None:
        return format_named(options.format)
    code = header.integer(3225)
    if code in UNREAD:
        raise SurveyError(
            problem=f"{path}: sample format {code} ({UNREAD[code]}) is not read",
            fix="export it as IEEE float (5), or name the right format if the header is wrong: --format ieee",
        )
    return FORMATS.get(code)


def _no_format(path: Path, raw: bytes, options: SegyOptions) -> SurveyError:
    words = {">": "big-endian", "<": "little-endian"}
    codes = " or ".join(f"{header.integer(3225)} ({words[header.order]})" for header in _headers(raw, options))
    return SurveyError(
        problem=f"{path}: not a SEG-Y file, or its binary header is damaged: the sample format code is {codes}, "
        f"not one of {', '.join(str(code) for code in FORMATS)}",
        fix=f"check that it is a SEG-Y file; if it is one, name its format: {_FIX_FORMAT}",
    )


def _fits(
    path: Path, header: FileHeader, form: SampleFormat, size: int
) -> Iterator[tuple[SegyLayout, tuple[str, ...]]]:
    """The layouts that fill the file with whole traces, the one its header declares first."""
    declared, trailer = _extended(path, header, size), 0
    if header.revision >= 2:
        trailer = TEXT * max(0, header.integer(3529, "i"))
    # Traces may fill the file either way, when their length divides 3200: the text itself decides.
    counts = (declared, 0) if _holds_text(path, declared) else (0, declared)
    for extended in dict.fromkeys(counts):
        start = HEAD + TEXT * extended
        for samples, whence in _sample_counts(path, header, start):
            layout = _whole(header, form, samples, start, size - trailer)
            if layout is None:
                continue
            notes = [whence] if whence else []
            if extended != declared:
                notes.append(f"the binary header declares {declared} extended text headers, the file holds none")
            yield layout, tuple(notes)


def _whole(header: FileHeader, form: SampleFormat, samples: int, start: int, end: int) -> SegyLayout | None:
    """The layout, if whole traces fill the file from `start` to `end`."""
    # Revision 2.0 counts the additional headers in four bytes, 2.1 in the first two of them.
    extra = (header.integer(3507, "i"), header.integer(3507)) if header.revision >= 2 else ()
    for headers in dict.fromkeys((*(1 + count for count in extra if count > 0), 1)):
        length = TRACE_HEADER * headers + samples * form.size
        if samples > 0 and end > start and (end - start) % length == 0:
            return SegyLayout(header.order, form, samples, start, TRACE_HEADER * headers, (end - start) // length)
    return None


def _extended(path: Path, header: FileHeader, size: int) -> int:
    """Number of extended text headers; -1 in the binary header means: up to the stanza that ends them.

    Revision 2 also has a place for where the first trace begins.
    """
    declared = header.integer(3505)
    if declared >= 0:
        return declared
    first_trace = header.integer(3521, "Q") if header.revision >= 2 else 0
    if HEAD < first_trace < size and (first_trace - HEAD) % TEXT == 0:
        return (first_trace - HEAD) // TEXT
    with path.open("rb") as file:
        file.seek(HEAD)
        for count in range(1, (size - HEAD) // TEXT + 1):
            text = file.read(TEXT)
            if ends_stanzas(text):
                return count
            if not is_text(text):  # the traces have begun: the rest of a large file is not searched
                return count - 1
    return 0


def _holds_text(path: Path, extended: int) -> bool:
    """Whether the first of the extended text headers is one."""
    with path.open("rb") as file:
        file.seek(HEAD)
        return extended > 0 and is_text(file.read(TEXT))


def _sample_counts(path: Path, header: FileHeader, start: int) -> Iterator[tuple[int, str]]:
    """Sample counts to try, the likeliest first, and what to note when one is used."""
    binary = header.integer(3221, "H")
    if header.revision >= 2 and (long := header.integer(3269, "I")):
        yield long, ""
    if binary:
        yield binary, ""
    with path.open("rb") as file:
        file.seek(start + 114)
        count = file.read(2)
    if len(count) == 2:
        first = int(struct.unpack(header.order + "H", count)[0])
        yield (
            first,
            f"sample count {first} is taken from the first trace header; the binary header's {binary} does not fit",
        )


def _misfit(path: Path, header: FileHeader, form: SampleFormat, size: int) -> SurveyError:
    start = HEAD + TEXT * _extended(path, header, size)
    samples = next((count for count, _ in _sample_counts(path, header, start) if count), 0)
    if samples == 0:
        return SurveyError(
            problem=f"{path}: the sample count is zero, in the binary header (byte 3221) and in the first trace (115)",
            fix="correct the header, or export the file again",
        )
    length = TRACE_HEADER + samples * form.size
    whole = max(0, (size - start) // length)
    return SurveyError(
        problem=f"{path}: truncated, or not what its headers say: after {start} bytes of headers, traces of {samples} "
        f"samples ({form}) take {length} bytes each; {whole + 1} need {start + (whole + 1) * length} bytes, found "
        f"{size}, which holds {whole} whole traces",
        fix=f"copy the file again; if it is complete, name its sample format or byte order: {_FIX_FORMAT}",
    )
