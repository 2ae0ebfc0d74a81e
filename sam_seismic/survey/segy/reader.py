"""A SEG-Y file of any dialect goes in; a Volume comes out, with the facts and assumptions it was read by."""

import hashlib
from copy import copy
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import SegyOptions
from sam_seismic.config.choices import AngleUnit, ByteOrder
from sam_seismic.errors import SurveyError
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.segy import notes
from sam_seismic.survey.segy.cache import kept_lines
from sam_seismic.survey.segy.coordinates import CoordinateFields, sampled_fields, words_of
from sam_seismic.survey.segy.headers import TEXT
from sam_seismic.survey.segy.layout import read_layout
from sam_seismic.survey.segy.plausibility import absurd, null_words, other_float
from sam_seismic.survey.segy.samples import TraceFile, decode
from sam_seismic.survey.segy.scan import SCALAR_OF_PLACES
from sam_seismic.survey.segy.second_reader import strict_reading
from sam_seismic.survey.segy.template import FileTemplate
from sam_seismic.survey.segy.text import decode_text
from sam_seismic.survey.segy.times import find_times, starts_of
from sam_seismic.survey.source_facts import SecondReading, SourceFacts
from sam_seismic.survey.volume import Section, Volume

_SAMPLED_TRACES = 64
_SAMPLED_BYTES = 1 << 16
"""Of each of these traces, from its first sample on."""


class SegyVolume(Volume):
    """A post-stack SEG-Y volume or 2D line.

    Opening reads all trace headers and keeps a grid of trace numbers; samples are read when they are asked for. What
    was found in the headers of a large file is kept in a cache (see `cache`), so that they are read once.

    Args:
        path: the file.
        options: what to believe instead of finding it out.
        null: a value that means "nothing": it says nothing of the sample format.

    Raises:
        SurveyError: not a SEG-Y, damaged, prestack, or with headers that leave more than one reading; the message says
            how to settle it.
    """

    def __init__(self, path: Path, options: SegyOptions | None = None, *, null: float | None = None) -> None:
        options = options if options is not None else SegyOptions()
        self.path = path
        self.layout, header, layout_notes = read_layout(path, options)
        with path.open("rb") as file:
            self.text = decode_text(file.read(TEXT))
        """The text header, 40 lines."""
        self.revision = header.revision_name
        """`0`, `1.0`, `2.0` or `2.1`."""
        self.length_unit = header.length_unit
        """`m` or `ft`; None where the binary header does not say."""
        lines, cache_notes = kept_lines(path, self.layout, options)
        self.why = lines.why
        """How the line numbers were found, in words."""
        self.inline_byte: int | None = lines.pair and lines.pair[0]
        """Position of the inline number in the trace headers; None where it is in no field."""
        self.crossline_byte: int | None = lines.pair and lines.pair[1]
        self.index = lines.index
        """int32[inline, crossline]: number of each trace in the file, from 0; -1 where there is none."""
        self.repeats = lines.repeats
        """int32[repeat, 2]: traces passed over because another one of their place is read, and that one."""
        self.coordinate_scalar = lines.checked[SCALAR_OF_PLACES]
        """Distinct scalars of the coordinates (byte 71), the first trace's first."""
        self._file = TraceFile(path, self.layout)
        if options.format is None:
            _check_floats(self._file, null)
        times = find_times(header, lines, options)
        self._starts_vary = times.vary
        live, live_notes = notes.live_traces(lines, self.layout.traces)
        self._geometry = Geometry(
            lines.inlines, lines.crosslines, self.layout.samples, times.interval_ms, times.start_ms, live
        )
        found = (f"line numbers {self.why}",) if self.why.startswith(("found", "taken")) else ()
        counts = notes.describe_counts(self.layout, lines)
        odd = (*notes.describe_grid(lines), *notes.describe_variation(self.layout, lines))
        self._notes = (*layout_notes, *found, *lines.notes, *counts, *times.notes, *odd, *live_notes, *cache_notes)

    @property
    def geometry(self) -> Geometry:
        """The grid; `live` is where a trace is in the file and not marked as dead."""
        return self._geometry

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """float32 for all float formats, else the integer type of the file."""
        return self.layout.form.given

    @property
    def encoding(self) -> str:
        """Sample format and its code: `IBM float (1)`."""
        return str(self.layout.form)

    @property
    def byte_order(self) -> ByteOrder:
        """Byte order of headers and samples."""
        return "big" if self.layout.order == ">" else "little"

    @property
    def starts_vary(self) -> bool:
        """Whether its traces begin at different times: then `starts_ms` has those of each."""
        return self._starts_vary

    @property
    def traces(self) -> int:
        """Traces in the file."""
        return self.layout.traces

    @property
    def extended_headers(self) -> int:
        """Extended text headers between the binary header and the traces."""
        return self.layout.extended_headers

    @property
    def placement(self) -> str:
        """How traces are stored, and which of them is at each place of the grid."""
        layout = self.layout
        traces = hashlib.blake2b(self.index.astype("<i4").tobytes(), digest_size=16).hexdigest()
        return f"{layout.order} {layout.form.name} {layout.samples} {layout.start} {layout.header} {traces}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed or looked odd when the file was opened."""
        return self._notes

    @property
    def source_facts(self) -> SourceFacts:
        """What its headers say."""
        return SourceFacts(
            standard="SEG-Y",
            revision=self.revision,
            byte_order=self.byte_order,
            inline_byte=self.inline_byte,
            crossline_byte=self.crossline_byte,
            line_numbers=self.why,
            length_unit=self.length_unit,
            text_header=self.text,
        )

    @cached_property
    def second_reading(self) -> SecondReading:
        """Whether segyio, the reader of most Python programs, opens the file strictly."""
        pair = self.inline_byte, self.crossline_byte
        return strict_reading(self.path, self.layout, self.geometry, pair)

    @property
    def segy_template(self) -> FileTemplate:
        """Everything of the file but its samples."""
        return FileTemplate(self.path, self.layout, geometry=self.geometry, index=self.index, repeats=self.repeats)

    @property
    def fast_orientation(self) -> Orientation:
        """The orientation by which the file is sorted."""
        return self.segy_template.fast_orientation

    def reopened(self) -> "SegyVolume":
        """The same volume with a file handle of its own, which is closed when the volume is no longer used."""
        other = copy(self)
        other._file = TraceFile(self.path, self.layout)
        return other

    def section(self, orientation: Orientation, line: int) -> Section:
        """One section, values [sample, trace]; dead traces are zero.

        Raises:
            SurveyError: there is no such line, or the file was cut since it was opened.
        """
        live = self._geometry.live_along(orientation, line)
        traces = self.traces_along(orientation, line)
        values = self._file.samples(np.where(live, traces, -1)).T  # [trace, sample] -> [sample, trace], not copied
        return Section(orientation, line, values, live)

    def traces_along(self, orientation: Orientation, line: int) -> NDArray[np.int32]:
        """Numbers of the traces of a section in the file, from 0, -1 where there is none: int32[trace].

        Raises:
            SurveyError: there is no such line.
        """
        position = self._geometry.index(orientation, line)
        return self.index[position] if orientation is Orientation.INLINE else self.index[:, position]

    def starts_ms(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """Time of the first sample of each trace of a section by its own header, ms: float64[trace].

        NaN where there is no trace; None where all traces begin at the start of the grid.

        Raises:
            SurveyError: there is no such line, or the file was cut since it was opened.
        """
        if not self._starts_vary:
            return None
        traces = self.traces_along(orientation, line)
        found = np.full(len(traces), np.nan)
        found[traces >= 0] = starts_of(self._file.headers(traces[traces >= 0]), self.layout.order)
        return found

    @cached_property
    def coordinate_fields(self) -> CoordinateFields | None:
        """Where X and Y stand in the trace headers; None where no field can hold them."""
        pair = tuple(byte for byte in (self.inline_byte, self.crossline_byte) if byte is not None)
        return sampled_fields(
            self._geometry, self.index, pair, lambda traces: words_of(self._file.headers(traces), self.layout.order)
        )

    @property
    def angle_unit(self) -> AngleUnit | None:
        """The unit of X and Y where they are angles."""
        return None if self.coordinate_fields is None else self.coordinate_fields.unit

    def coordinates(self, orientation: Orientation, line: int) -> NDArray[np.float64] | None:
        """X and Y of the traces of a section in the units of the file: float64[trace, 2].

        NaN where there is no trace, or it has no position; None where no field can hold coordinates.

        Raises:
            SurveyError: there is no such line, or the file was cut since it was opened.
        """
        if self.coordinate_fields is None:
            return None
        traces = self.traces_along(orientation, line)
        found = np.full((len(traces), 2), np.nan)
        headers = self._file.headers(traces[traces >= 0])
        found[traces >= 0] = self.coordinate_fields.of_headers(headers, self.layout.order)
        return found


def _check_floats(file: TraceFile, null: float | None) -> None:
    """Refuse IBM floats that are declared IEEE, and the reverse, on a sample of traces spread over the file.

    Null values, in either format, and constant traces are left out: they tell nothing of it, and may be huge.
    """
    layout = file.layout
    if layout.form.name not in ("ibm", "ieee"):
        return
    traces = np.unique(np.linspace(0, layout.traces - 1, _SAMPLED_TRACES).astype(np.int64))
    raw = file.read(traces, layout.header, min(layout.trace_bytes, layout.header + _SAMPLED_BYTES))
    words = raw.view(np.dtype("u4").newbyteorder(layout.order)).astype(np.uint32).ravel()
    values = np.asarray(decode(raw, layout.form, layout.order), np.float32)
    nulls = null_words(words, values.ravel(), null)
    rows = words.reshape(values.shape)  # [trace, sample]
    kept = ~(nulls.reshape(values.shape) | (rows == rows[:, :1]).all(axis=1, keepdims=True)).ravel()
    other = other_float(words[kept], layout.form.name)
    if other is None and not absurd(values.ravel()[kept]):
        return
    if other is None:
        raise SurveyError(
            problem=f"{file.path}: decoded as {layout.form}, its amplitudes make no sense (their size, or how "
            "hugely they are spread), and the other float format explains them no better",
            fix="check the file; to read it all the same: "
            f"--format {layout.form.name} (YAML: data.read.segy.format: {layout.form.name})",
        )
    raise SurveyError(
        problem=f"{file.path}: its header declares {layout.form}, but the bits of its samples are those of "
        f"{other.upper()} floats: amplitudes would be wrong by orders of magnitude",
        fix=f"--format {other} (YAML: data.read.segy.format: {other})",
    )
