"""The paths of several SEG-Y files come in; their joint volume goes out, each file read by its own headers."""

from collections.abc import Sequence
from pathlib import Path

from sam_seismic.config import SegyOptions
from sam_seismic.errors import SurveyError
from sam_seismic.survey.segy import SegyVolume
from sam_seismic.survey.several.volume import MOST_OPEN, SegyFiles

Pair = tuple[int, int]
"""Header bytes of the inline and of the crossline number."""


def open_segy_files(
    files: Sequence[Path], options: SegyOptions | None = None, *, null: float | None = None, path: Path
) -> SegyFiles:
    """Open several SEG-Y files as one volume.

    Byte order, sample format and header bytes are found for each file. A file whose headers leave it open which bytes
    number its lines, such as one of a single line, is read by those of the first file that shows it.

    Args:
        files: two or more, in their order: of traces that several of them hold, those of the first are read.
        options: what to believe of each file instead of finding it out.
        null: a value that means "nothing".
        path: what the volume is called.

    Raises:
        SurveyError: a file cannot be read, is named twice, or they are not of one survey.
    """
    options = options if options is not None else SegyOptions()
    _check_options(path, options)
    _check_once(files)
    opened = [_opened(file, options, null, many=len(files) > MOST_OPEN) for file in files]
    clear = next((each for each in opened if not isinstance(each, SurveyError) and not _is_unclear(each)), None)
    volumes, notes = [], []
    for file, found in zip(files, opened, strict=True):
        if clear is not None and (isinstance(found, SurveyError) or _is_unclear(found)):
            pair = _pair(clear)
            named = options.model_copy(update={"inline_byte": pair[0], "crossline_byte": pair[1]})
            retried = _opened(file, named, null, many=len(files) > MOST_OPEN)
            if not isinstance(retried, SurveyError):
                if isinstance(found, SurveyError) or _bytes(found) != pair:
                    notes.append(f"{file.name}: line numbers at bytes {pair[0]}/{pair[1]}, as in {clear.path.name}")
                volumes.append(retried)
                continue
        if isinstance(found, SurveyError):
            raise found
        volumes.append(found)
    _check_alike(volumes)
    return SegyFiles(volumes, path, tuple(notes))


def _opened(file: Path, options: SegyOptions, null: float | None, *, many: bool) -> SegyVolume | SurveyError:
    """A file, or why it cannot be opened; of many, none stays open."""
    try:
        volume = SegyVolume(file, options, null=null)
    except SurveyError as error:
        return error
    if not many:
        return volume
    _ = volume.coordinate_fields  # found once, not by each of those that are opened again
    return volume.reopened()


def _bytes(volume: SegyVolume) -> Pair | None:
    """Header bytes of the line numbers; None where they are in no field."""
    return (volume.inline_byte, volume.crossline_byte) if volume.inline_byte and volume.crossline_byte else None


def _pair(volume: SegyVolume) -> Pair:
    pair = _bytes(volume)
    assert pair is not None, "asked of a volume whose headers show its lines"
    return pair


def _is_unclear(volume: SegyVolume) -> bool:
    """Whether a file does not show by itself which bytes number its lines: it has none, or is a single line."""
    return _bytes(volume) is None or min(volume.index.shape) == 1


def _check_options(path: Path, options: SegyOptions) -> None:
    """Refuse options that number the lines of each file from 1."""
    given = {
        "grid_from_coordinates": options.grid_from_coordinates,
        "traces_per_line": options.traces_per_line,
    }
    if named := [name for name, value in given.items() if value]:
        raise SurveyError(
            problem=f"{path}: segy.{named[0]} cannot apply to several files of one survey: it numbers the lines of "
            "each file from 1",
            fix="leave it out; files without line numbers in their headers can be read one by one only",
        )


def _check_once(files: Sequence[Path]) -> None:
    seen: dict[Path, Path] = {}
    for file in files:
        resolved = file.resolve()
        if resolved in seen:
            raise SurveyError(problem=f"{file}: is named twice, also as {seen[resolved]}", fix="name each file once")
        seen[resolved] = file


def _check_alike(volumes: Sequence[SegyVolume]) -> None:
    """Refuse files without line numbers, and integers beside floats: they are not on one scale."""
    for volume in volumes:
        if _bytes(volume) is None:
            raise SurveyError(
                problem=f"{volume.path}: no header field numbers its lines ({volume.why}), so its place in the survey "
                "is not known; 2D lines are surveys of their own",
                fix="leave it out; if header bytes hold its line numbers, name them: --inline-byte 9 --crossline-byte "
                "21 (YAML: data.read.segy.inline_byte, data.read.segy.crossline_byte)",
            )
    first = volumes[0]
    for other in volumes[1:]:
        if (other.dtype.kind == "f") != (first.dtype.kind == "f"):
            raise SurveyError(
                problem=f"{other.path}: holds {other.encoding} samples, {first.path.name} {first.encoding}: floats and "
                "integers are not of one survey",
                fix="leave out the file of another volume, such as labels; or export all with one sample format",
            )
