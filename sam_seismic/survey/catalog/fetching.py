"""The name of a published survey goes in; verified and unpacked files come out, or an error tells how to get them."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.downloads import Progress, Published, download, unpack
from sam_seismic.errors import SurveyError
from sam_seismic.survey import catalog
from sam_seismic.survey.catalog.known import Archive, PublishedSurvey, known_survey

INNER = "data"
"""The folder that an archive holds."""
NamedProgress = Callable[[str, int, int | None], None]
"""Called with (what is being done, bytes done, bytes in all)."""


@dataclass(frozen=True)
class Fetched:
    """What was fetched.

    Args:
        survey: which one.
        root: the folder for `data.root`.
        files: the files that are there now.
        downloaded: whether anything had to be downloaded.
    """

    survey: PublishedSurvey
    root: Path
    files: tuple[Path, ...]
    downloaded: bool


def fetch(
    name: str, root: Path | None = None, *, keep_archive: bool = False, progress: NamedProgress | None = None
) -> Fetched:
    """Download and unpack a published survey, unless its files are there already.

    A transfer that breaks off is resumed by the next call. The archive's checksum is the published one, and
    the folder `data` appears when all files in it are whole.

    Args:
        name: of the survey.
        root: where to put it; by default the place that its configuration names.
        keep_archive: leave the archive beside what was unpacked.
        progress: called with `fetch NAME` as bytes come in, and with `unpack NAME` as they are unpacked.

    Raises:
        UserError: it has no public address, there is no connection or no room, other bytes came than were published,
            or the folder holds something else.
    """
    survey = known_survey(name)
    root = root or Path("data") / name
    if survey.archive is None:
        raise _by_hand(survey, root)
    paths = tuple(survey.folder(root) / known.file for known in survey.files)
    downloaded = not all(path.is_file() for path in paths)
    if downloaded:
        _check_free(root, paths)
        archive = download(
            _published(survey.archive),
            root,
            elsewhere="--output FOLDER",
            room=survey.unpacked_bytes,
            progress=_named(f"fetch {name}", progress),
        )
        members = {f"{INNER}/{known.file}": known.file for known in survey.files}
        unpack(archive, members, root / INNER, progress=_named(f"unpack {name}", progress))
        if not keep_archive:
            archive.unlink()
        paths = tuple(root / INNER / known.file for known in survey.files)
    catalog.f3(root, needed=catalog.F3_VOLUMES)  # their headers say whether they are what was published
    return Fetched(survey, root, paths, downloaded)


def _published(archive: Archive) -> Published:
    return Published(archive.file, archive.address, f"md5:{archive.md5}", archive.size_bytes)


def _named(what: str, progress: NamedProgress | None) -> Progress | None:
    return None if progress is None else lambda done, total: progress(what, done, total)


def _check_free(root: Path, paths: tuple[Path, ...]) -> None:
    """Refuse a folder that holds some of the files, or another folder named `data`.

    Raises:
        SurveyError: some of the files are there, or another folder of that name.
    """
    here = [path for path in (*paths, root / INNER) if path.exists()]
    if here:
        missing = ", ".join(str(path) for path in paths if not path.exists())
        raise SurveyError(
            problem=f"{here[0]}: is there already, but {missing} is not",
            fix=f"move {here[-1]} away, or choose another folder: --output FOLDER",
        )


def _by_hand(survey: PublishedSurvey, root: Path) -> SurveyError:
    """The error for a survey that must be downloaded by hand: it names the page, the files and the next command."""
    forms: dict[str, list[str]] = {}
    for known in survey.files:
        forms.setdefault(known.form, []).append(known.file)
    named = " or ".join(f"{', '.join(files)} ({form})" for form, files in forms.items())
    return SurveyError(
        problem=f"{survey.name} cannot be fetched by a program: its files are given to those who accept the rules "
        f"of the challenge on {survey.page}",
        fix=f"get {named}; the training volume alone is enough to train; put them in {root}, then: "
        f"sam-seismic data verify {survey.name} {shlex.quote(str(root))}",
    )
