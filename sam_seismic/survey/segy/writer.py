"""Sections go in; a SEG-Y file comes out: shaped like its source, header for header, or fresh from a grid."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config.choices import ByteOrder, FormatName
from sam_seismic.errors import SurveyError
from sam_seismic.files.disk import check_room, or_limit
from sam_seismic.files.fixed_records import Recorded, RecordFile, RecordLayout
from sam_seismic.files.unfinished import Start, resume_error
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.result import Result, ResultRequest
from sam_seismic.survey.segy.formats import format_holding, format_named
from sam_seismic.survey.segy.samples import encode
from sam_seismic.survey.segy.second_reader import Meant, check_written, drawn_traces
from sam_seismic.survey.segy.skeleton import CopiedSkeleton, FreshLook, FreshSkeleton, Skeleton
from sam_seismic.survey.segy.template import SegyTemplate
from sam_seismic.survey.volume import Section, Volume


class _Filled(Recorded, Result):
    """A skeleton being filled with sections.

    Args:
        path: the final name.
        skeleton: the file around them.
        overwrite: whether an existing file may be replaced.
        start: in one go, or resumable.
        null: what traces that are marked as dead get.
    """

    def __init__(
        self, path: Path, skeleton: Skeleton, *, overwrite: bool, start: Start = Start.ONCE, null: float = 0
    ) -> None:
        super().__init__(path, skeleton.layout.form.given, overwrite=overwrite, start=start, null=null)
        self._skeleton = skeleton
        self._drawn = drawn_traces(skeleton.layout.traces)
        self._meant: dict[int, NDArray[np.generic]] = {}
        """Samples of the drawn traces as they were written, by the trace's number."""

    def open(self) -> None:
        """Write all headers and zeros for all samples."""
        layout = self._skeleton.layout
        fix = "free some disk, or choose another folder with --output"
        check_room(self.path.parent, layout.end, what=str(self.path), fix=fix)
        try:
            self._skeleton.create(self.temporary)
        except OSError as error:
            why = error.strerror or error
            raise SurveyError(problem=f"{self.path}: cannot be written: {why}", fix=or_limit(error, fix)) from error
        self._open_traces()

    def reopen(self) -> None:
        """Go on with the file that an earlier run left.

        Raises:
            SurveyError: it is not there, or shorter.
        """
        if not self.temporary.is_file() or self.temporary.stat().st_size < self._skeleton.layout.end:
            raise resume_error(self.temporary)
        self._open_traces()

    def write(self, section: Section) -> None:
        """Write the traces of one section; dead ones stay missing, or get the null value where the file holds them.

        Raises:
            SurveyError: the section is not one of this grid, or a value has no place in the format.
        """
        geometry, layout = self._skeleton.geometry, self._skeleton.layout
        position = geometry.index(section.orientation, section.line)
        inline = section.orientation is Orientation.INLINE
        numbers = self._skeleton.index[position] if inline else self._skeleton.index[:, position]
        live = geometry.live_along(section.orientation, section.line) & section.live
        if section.shape != (layout.samples, len(numbers)):
            raise SurveyError(
                problem=f"{self.path}: {section.name} has {section.shape} samples and traces, the file "
                f"{(layout.samples, len(numbers))}",
                fix="write whole sections of the volume that the result is shaped like",
            )
        traces = np.where(live[:, None], section.values.T, self.null)  # [trace, sample]
        self._put(numbers, traces)
        for passed_over, read in self._repeats_among(numbers):
            self._put(np.array([passed_over], np.int32), traces[numbers == read])

    def publish(self) -> None:
        """Give the file its final name, once segyio has read in it what was meant.

        Raises:
            SurveyError: it reads something else.
        """
        skeleton = self._skeleton
        copied = isinstance(skeleton, CopiedSkeleton)
        check_written(self.path, self.temporary, Meant(skeleton.layout, skeleton.headers_at, self._meant, copied))
        super().publish()

    def _open_traces(self) -> None:
        layout = self._skeleton.layout
        stored = np.dtype(layout.form.stored).newbyteorder(layout.order)
        records = RecordLayout(stored, (layout.samples,), start=layout.start + layout.header, stride=layout.trace_bytes)
        self._records = RecordFile(self.temporary, records)

    def _put(self, numbers: NDArray[np.int32], traces: NDArray[np.generic]) -> None:
        """Write [trace, sample] to the numbers that are not -1."""
        there = numbers >= 0
        stored = encode(traces[there], self._skeleton.layout.form, self._skeleton.layout.order)
        self.records.write(numbers[there], stored)
        values = traces[there] if self._skeleton.layout.form.name == "ibm" else stored
        for place in np.flatnonzero(np.isin(numbers[there], self._drawn)).tolist():
            self._meant[int(numbers[there][place])] = values[place].copy()

    def _repeats_among(self, numbers: NDArray[np.int32]) -> list[tuple[int, int]]:
        repeats = self._skeleton.repeats
        here = repeats[np.isin(repeats[:, 1], numbers)]
        return [(int(passed_over), int(read)) for passed_over, read in here]


class SegyResult(_Filled):
    """A SEG-Y result: the headers, trace order and byte order of its source, with new samples.

    Args:
        path: the final name.
        dtype: type of the samples: int8 (format 8), int16 (3), float32 (5), or another that SEG-Y holds.
        source: what it is shaped like. The headers of a volume that is SEG-Y or was converted from it are copied byte
            for byte; for the grid of another volume, or a grid given as such, a plain file of revision 1 is made.
        overwrite: whether an existing file may be replaced.
        note: one line for the text header: what this file is.
        form: sample format to store them in; None for the one that holds the type exactly.
        start: in one go, or resumable.
        null: what traces that are in the file but marked as dead get.

    Raises:
        SurveyError: the path exists and may not be replaced, or is the source itself; SEG-Y cannot hold the type or
            the grid.
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[np.generic],
        *,
        source: Volume | SegyTemplate | Geometry,
        overwrite: bool,
        note: str,
        form: FormatName | None = None,
        start: Start = Start.ONCE,
        null: float = 0,
    ) -> None:
        stored = format_holding(np.dtype(dtype)) if form is None else format_named(form)
        template = (source.segy_template or source.geometry) if isinstance(source, Volume) else source
        skeleton: Skeleton
        if isinstance(template, SegyTemplate):
            if path.exists() and template.path.exists() and path.samefile(template.path):
                raise SurveyError(problem=f"{path}: is the input itself", fix="choose another name for the output")
            skeleton = CopiedSkeleton(template, stored, note=note)
        else:
            skeleton = FreshSkeleton(path, template, stored, look=FreshLook(text=(note,)))
        super().__init__(path, skeleton, overwrite=overwrite, start=start, null=null)


def segy_result(request: ResultRequest) -> SegyResult:
    """A result as it is asked for; its headers are those of the SEG-Y that the source is or was converted from."""
    return SegyResult(
        request.path,
        request.dtype,
        source=request.source,
        overwrite=request.overwrite,
        note=request.note,
        form=request.form,
        start=request.start,
        null=request.null,
    )


def write_segy(  # noqa: PLR0913  # each is one fact of the file
    path: Path,
    volume: NDArray[np.generic] | Iterable[NDArray[np.generic]],
    geometry: Geometry,
    *,
    format: FormatName = "ieee",
    inline_byte: int = 189,
    crossline_byte: int = 193,
    endian: ByteOrder = "big",
    text: Sequence[str] = (),
    coordinates: NDArray[np.float64] | None = None,
) -> None:
    """Write a plain SEG-Y file of revision 1; it appears under its name, in place of an older one, when it is whole.

    Args:
        path: the file.
        volume: [inline, crossline, sample], or its inlines one after the other, each [crossline, sample]; values of
            dead traces are not used.
        geometry: the grid; places that are not live get no trace.
        format: how samples are stored.
        inline_byte: position of the inline number in the trace headers.
        crossline_byte: position of the crossline number.
        endian: byte order.
        text: lines for the text header.
        coordinates: float64[inline, crossline, 2], X and Y in metres, stored as centimetres at 181 and 185.

    Raises:
        SurveyError: the volume does not have the shape of the grid, or SEG-Y cannot hold it.
    """
    form = format_named(format)
    look = FreshLook(inline_byte, crossline_byte, ">" if endian == "big" else "<", text, coordinates)
    skeleton = FreshSkeleton(path, geometry, form, look=look)
    with _Filled(path, skeleton, overwrite=True) as result:
        _fill(result, volume, geometry)


def _fill(result: Result, volume: Iterable[NDArray[np.generic]], geometry: Geometry) -> None:
    """Write the inlines [crossline, sample] of a volume, as many as the grid has."""
    inlines = iter(volume)
    for line in geometry.inlines.tolist():
        traces = next(inlines, None)
        if traces is None:
            raise _miscounted(result.path, geometry)
        live = geometry.live_along(Orientation.INLINE, line)
        result.write(Section(Orientation.INLINE, line, traces.T, live))  # [crossline, sample] -> [sample, trace]
    if next(inlines, None) is not None:
        raise _miscounted(result.path, geometry)


def _miscounted(path: Path, geometry: Geometry) -> SurveyError:
    return SurveyError(
        problem=f"{path}: the volume does not have {len(geometry.inlines)} inlines as its geometry does",
        fix="give one [crossline, sample] array for each inline",
    )
