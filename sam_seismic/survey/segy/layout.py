"""The head of a SEG-Y file and its size go in; a checked SegyLayout comes out: where each trace begins and ends."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy.formats import FORMATS, UNREAD, SampleFormat, format_named
from sam_seismic.survey.segy.headers import HEAD, ORDERS, TEXT, TRACE_HEADER, FileHeader, SegyLayout
from sam_seismic.survey.segy.tail import agreeing_traces, without_zero_traces, zeros_from
from sam_seismic.survey.segy.text import ends_stanzas, is_text

_FIX_FORMAT = "--format or --endian (YAML: data.read.segy.format, data.read.segy.endian)"
_MOST_WRAPS = 64
_WRAPPED = 1 << 16
"""A sample count of revision 1 has 16 bits: 70,000 samples are written as 4,464."""


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
    for find in (_fits, _fits_but_for_a_tail):
        for header, form in readings:
            for found, notes in find(path, header, form, size, options):
                order = ("little-endian byte order",) if header.order == "<" else ()
                layout, padding = without_zero_traces(path, found)
                return layout, header, order + notes + padding
    raise _misfit(path, *readings[0], size, options)


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
    path: Path, header: FileHeader, form: SampleFormat, size: int, options: SegyOptions
) -> Iterator[tuple[SegyLayout, tuple[str, ...]]]:
    """The layouts that fill the file with whole traces, the one its header declares first."""
    declared, trailers = _extended(path, header, size), 0
    if header.revision >= 2:
        trailers = max(0, header.integer(3529, "i"))
    # Traces may fill the file either way, when their length divides 3200: the text itself decides.
    counts = (declared, 0) if _holds_text(path, declared) else (0, declared)
    for extended in dict.fromkeys(counts):
        start = HEAD + TEXT * extended
        for samples, whence in _sample_counts(path, header, start, options):
            for held in dict.fromkeys((trailers, 0)):
                layout = _whole(header, form, samples, start, size - TEXT * held)
                if layout is None:
                    continue
                notes = [whence] if whence else []
                if extended != declared:
                    notes.append(f"the binary header declares {declared} extended text headers, the file holds none")
                if held != trailers:
                    notes.append(f"the binary header declares {trailers} trailers (byte 3529), the file holds none")
                yield layout, tuple(notes)


def _fits_but_for_a_tail(
    path: Path, header: FileHeader, form: SampleFormat, size: int, options: SegyOptions
) -> Iterator[tuple[SegyLayout, tuple[str, ...]]]:
    """The layouts in which zeros stand behind the last whole trace, or anything, where the user drops the tail."""
    extended = _extended(path, header, size)
    for start in dict.fromkeys((HEAD + TEXT * extended, HEAD)):
        for samples, whence in _sample_counts(path, header, start, options):
            length = TRACE_HEADER + samples * form.size
            layout = SegyLayout(header.order, form, samples, start, TRACE_HEADER, max(0, size - start) // length)
            whole = agreeing_traces(path, layout) if samples > 0 else 0
            if not whole:
                continue
            layout = replace(layout, traces=whole)
            layout = replace(layout, left_out=size - layout.end)
            zeros = zeros_from(path, layout.end)
            if zeros or options.tail == "drop":
                what = "bytes of zeros" if zeros else f"bytes, of the {length} of a trace,"
                left_out = f"{layout.left_out} {what} behind the last of {whole} traces are left out"
                yield layout, ((whence, left_out) if whence else (left_out,))


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


def _sample_counts(path: Path, header: FileHeader, start: int, options: SegyOptions) -> Iterator[tuple[int, str]]:
    """Sample counts to try, the likeliest first, and what to note when one is used."""
    if options.samples is not None:
        yield options.samples, ""
        return
    binary = header.integer(3221, "H")
    long = header.integer(3269, "I") if header.revision >= 2 else 0
    if long:
        yield long, ""
    if binary:
        ignored = f"sample count {binary} is taken from byte 3221; the {long} of byte 3269 (revision 2) does not fit"
        yield binary, ignored if long not in (0, binary) else ""
    with path.open("rb") as file:
        file.seek(start + 114)
        count = file.read(2)
    if len(count) == 2:
        first = int(struct.unpack(header.order + "H", count)[0])
        yield (
            first,
            f"sample count {first} is taken from the first trace header; the binary header's {binary} does not fit",
        )


def _misfit(path: Path, header: FileHeader, form: SampleFormat, size: int, options: SegyOptions) -> SurveyError:
    start = HEAD + TEXT * _extended(path, header, size)
    counts = [count for count, _ in _sample_counts(path, header, start, options) if count]
    if not counts:
        return SurveyError(
            problem=f"{path}: the sample count is zero, in the binary header (byte 3221) and in the first trace (115)",
            fix="give it, --samples 1500 (YAML: data.read.segy.samples), correct the header, or export the file again",
        )
    layouts = [
        SegyLayout(header.order, form, count, start, TRACE_HEADER, (size - start) // (TRACE_HEADER + count * form.size))
        for count in counts
    ]
    sure = next((layout for layout in layouts if agreeing_traces(path, layout)), None)
    layout = sure or layouts[0]
    length, whole = layout.trace_bytes, agreeing_traces(path, layout) or max(0, layout.traces)
    held = (
        f"after {start} bytes of headers, traces of {layout.samples} samples ({form}) take {length} bytes each; "
        f"{whole + 1} need {start + (whole + 1) * length} bytes, found {size}, which holds {whole} whole traces"
    )
    wrapped = (replace(layout, samples=layout.samples + _WRAPPED * times) for times in range(1, _MOST_WRAPS))
    longer = next((each for each in wrapped if _fills(path, each, size)), None)
    if longer is not None:
        return SurveyError(
            problem=f"{path}: not what its headers say: {held}; traces of {longer.samples} samples, a number that the "
            "16 bits of the header cannot hold, fill it",
            fix=f"--samples {longer.samples} (YAML: data.read.segy.samples)",
        )
    if sure is not None:
        return SurveyError(
            problem=f"{path}: ends inside trace {whole + 1}, or holds more than its traces: {held}",
            fix=f"copy the file again; to read its {whole} whole traces: --tail drop (YAML: data.read.segy.tail: drop)",
        )
    return SurveyError(
        problem=f"{path}: truncated, or not what its headers say: {held}",
        fix="copy the file again; if it is complete, name its sample format, byte order or sample count: "
        f"{_FIX_FORMAT}, --samples (YAML: data.read.segy.samples)",
    )


def _fills(path: Path, layout: SegyLayout, size: int) -> bool:
    """Whether traces of this length fill the file, and begin where they should."""
    traces, rest = divmod(size - layout.start, layout.trace_bytes)
    return rest == 0 and traces > 0 and agreeing_traces(path, replace(layout, traces=traces)) == traces
