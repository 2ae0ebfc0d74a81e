"""Sections go in; a SEG-Y file comes out: shaped like its source, header for header, or fresh from a grid."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sam_seismic.errors import SurveyError
from sam_seismic.survey.result import Result, check_room
from sam_seismic.survey.segy.formats import FormatName, format_holding, format_named
from sam_seismic.survey.segy.reader import SegyVolume
from sam_seismic.survey.segy.samples import encode
from sam_seismic.survey.segy.skeleton import CopiedSkeleton, FreshLook, FreshSkeleton, Skeleton
from sam_seismic.survey.volume import Geometry, Orientation, Section, Volume


class _Filled(Result):
    """A skeleton being filled with sections.

    Args:
        path: the final name.
        dtype: type of the samples that are written.
        skeleton: the file around them.
        overwrite: whether an existing file may be replaced.
    """

    def __init__(self, path: Path, dtype: np.dtype[np.generic], *, skeleton: Skeleton, overwrite: bool) -> None:
        super().__init__(path, dtype, overwrite=overwrite)
        self._skeleton = skeleton
        self._traces: np.memmap[tuple[int], np.dtype[np.void]] | None = None

    def open(self) -> None:
        """Write all headers and zeros for all samples."""
        layout = self._skeleton.layout
        fix = "free some disk, or choose another folder with --output"
        check_room(self.path.parent, layout.end, what=str(self.path), fix=fix)
        try:
            self._skeleton.create(self.temporary)
        except OSError as error:
            why = error.strerror or error
            raise SurveyError(problem=f"{self.path}: cannot be written: {why}", fix=fix) from error
        trace = np.dtype(
            [
                ("header", np.void, layout.header),
                ("samples", np.dtype(layout.form.stored).newbyteorder(layout.order), (layout.samples,)),
            ]
        )
        # The zeros have claimed their place on the disk, so that a full one is found out here and not in the mapping.
        self._traces = np.memmap(self.temporary, trace, mode="r+", offset=layout.start, shape=(layout.traces,))

    def write(self, section: Section) -> None:
        """Write the live traces of one section; the dead ones stay missing, or zero where the file holds them.

        Raises:
            SurveyError: the section is not one of this grid, or a value has no place in the format.
        """
        assert self._traces is not None, "write inside the with block"
        geometry, layout = self._skeleton.geometry, self._skeleton.layout
        position = geometry.index(section.orientation, section.line)
        inline = section.orientation is Orientation.INLINE
        numbers = self._skeleton.index[position] if inline else self._skeleton.index[:, position]
        live = geometry.live[position] if inline else geometry.live[:, position]
        if section.shape != (layout.samples, len(numbers)):
            raise SurveyError(
                problem=f"{self.path}: {section.name} has {section.shape} samples and traces, the file "
                f"{(layout.samples, len(numbers))}",
                fix="write whole sections of the volume that the result is shaped like",
            )
        values = section.values[:, live].T  # [sample, trace] -> [trace, sample]
        self._traces["samples"][numbers[live]] = encode(values, layout.form, layout.order)

    def close(self) -> None:
        """Flush and close the temporary file."""
        if self._traces is not None:
            self._traces.flush()
            self._traces = None


class SegyResult(_Filled):
    """A SEG-Y result: the headers, trace order and byte order of its source, with new samples.

    Args:
        path: the final name.
        dtype: type of the samples: int8 (format 8), int16 (3), float32 (5), or another that SEG-Y holds.
        source: the volume it is shaped like. Of SEG-Y the headers are copied byte for byte; for the grid of any other,
            or one given as such, a plain file of revision 1 is made.
        overwrite: whether an existing file may be replaced.
        note: one line for the text header: what this file is.

    Raises:
        SurveyError: the path exists and may not be replaced, or is the source itself; SEG-Y cannot hold the type or
            the grid.
    """

    def __init__(
        self, path: Path, dtype: np.dtype[np.generic], *, source: Volume | Geometry, overwrite: bool, note: str
    ) -> None:
        form = format_holding(np.dtype(dtype))
        skeleton: Skeleton
        if isinstance(source, SegyVolume):
            if path.exists() and path.samefile(source.path):
                raise SurveyError(problem=f"{path}: is the input itself", fix="choose another name for the output")
            skeleton = CopiedSkeleton(source, form, note=note)
        else:
            geometry = source.geometry if isinstance(source, Volume) else source
            skeleton = FreshSkeleton(path, geometry, form, look=FreshLook(text=(note,)))
        super().__init__(path, np.dtype(dtype), skeleton=skeleton, overwrite=overwrite)


def write_segy(  # noqa: PLR0913  # each is one fact of the file
    path: Path,
    volume: NDArray[np.generic] | Iterable[NDArray[np.generic]],
    geometry: Geometry,
    *,
    format: FormatName = "ieee",
    inline_byte: int = 189,
    crossline_byte: int = 193,
    endian: Literal["big", "little"] = "big",
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
    with _Filled(path, form.given, skeleton=skeleton, overwrite=True) as result:
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
