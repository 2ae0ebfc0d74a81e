"""`sam-seismic data`: list published surveys, download them, and verify their files."""

# ruff: noqa: PLC0415  # `--help` must not wait for slow imports

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.options import Json
from sam_seismic.cli.tables import show_files
from sam_seismic.cli.terminal import print_facts, print_json, print_table
from sam_seismic.files.units import format_bytes
from sam_seismic.listener.terminal import Terminal

if TYPE_CHECKING:
    from sam_seismic.survey.catalog.known import PublishedSurvey
    from sam_seismic.survey.catalog.verifying import FileCheck, Verification

data_app = typer.Typer(help="List, fetch and verify published surveys: f3, seam_ai.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="f3 or seam_ai.")]


@data_app.command("list")
def list_surveys(json: Json = False) -> None:
    """List the known published surveys with their size, licence and files.

    Example: sam-seismic data list
    """
    from sam_seismic.survey.catalog.known import known_surveys

    surveys = known_surveys()
    if json:
        print_json([_survey_facts(survey) for survey in surveys.values()])
        return
    for survey in surveys.values():
        print_facts(f"{survey.name}: {survey.title}", _survey_rows(survey))


@data_app.command()
def fetch(
    name: Name,
    output: Annotated[Path | None, typer.Option(callback=as_meant, help="Where to put it. Default: data/NAME.")] = None,
    keep_archive: Annotated[bool, typer.Option("--keep-archive", help="Keep the archive beside its files.")] = False,
) -> None:
    """Download a published survey and unpack it; an interrupted download is resumed, and the checksum is verified.

    Example: sam-seismic data fetch f3 --output data/f3
    """
    from sam_seismic.survey.catalog.fetching import fetch as run

    with Terminal() as terminal:
        found = run(name, output, keep_archive=keep_archive, progress=terminal.progress)
        if not found.downloaded:
            terminal.say(f"the files of {name} are there already")
    if found.downloaded:
        show_files(found.files)
    print(f"next: {found.survey.next_command(found.root)}")


@data_app.command()
def verify(
    name: Name,
    folder: Annotated[Path, typer.Argument(callback=as_meant, help="The folder of the survey, as data.root names it.")],
    json: Json = False,
) -> None:
    """Compare the files of a folder with the published ones: shapes, types, lengths, checksums, labels, amplitudes.

    Example: sam-seismic data verify seam_ai data/seam_ai
    """
    from sam_seismic.survey.catalog.verifying import verify as run

    with Terminal() as terminal:
        found = run(name, folder, progress=lambda done, total: terminal.progress(f"verify {name}", done, total))
    if json:
        print_json(_verification_facts(found))
    else:
        print_table(f"{found.survey.title} in {folder}", ("file", "volume", "size", "status"), _file_rows(found))
    found.raise_for_fault()
    if not json:
        print(f"next: {found.survey.next_command(folder)}")


def _survey_facts(survey: "PublishedSurvey") -> dict[str, Any]:
    return {
        "name": survey.name,
        "title": survey.title,
        "page": survey.page,
        "licence": survey.licence,
        "fetched": survey.archive is not None,
        "archive_bytes": None if survey.archive is None else survey.archive.size_bytes,
        "unpacked_bytes": survey.unpacked_bytes,
        "splits": list(survey.splits),
        "classes": dict(zip(survey.facies.names, survey.facies.values, strict=True)),
        "files": [
            {"file": known.file, "form": known.form, "volume": known.volume, "shape": list(known.shape)}
            for known in survey.files
        ],
    }


def _survey_rows(survey: "PublishedSurvey") -> list[tuple[str, str]]:
    volumes = {known.volume: known.shape for known in survey.files}
    labelled = {known.volume for known in survey.files if known.labels}
    shapes = [
        f"{volume} {' x '.join(map(str, shape))}{'' if volume in labelled else ' (no labels)'}"
        for volume, shape in volumes.items()
    ]
    classes = [f"{value} {name}" for name, value in zip(survey.facies.names, survey.facies.values, strict=True)]
    size = format_bytes(survey.unpacked_bytes)
    if survey.archive is not None:
        size = f"{format_bytes(survey.archive.size_bytes)} to download, {size} unpacked"
    forms = dict.fromkeys(known.form for known in survey.files)
    files = [f"{form}: " + ", ".join(known.file for known in survey.files if known.form == form) for form in forms]
    return [
        ("volumes", ", ".join(shapes)),
        ("classes", ", ".join(classes)),
        ("splits", ", ".join(survey.splits)),
        ("size", size),
        ("licence", survey.licence),
        *(("files", names) for names in files),
        ("get it", survey.how),
    ]


def _file_rows(found: "Verification") -> list[tuple[str, ...]]:
    return [(check.known.file, check.known.volume, _size(check), _status(check)) for check in found.chosen]


def _size(check: "FileCheck") -> str:
    return "-" if check.size_bytes is None else format_bytes(check.size_bytes)


def _status(check: "FileCheck") -> str:
    return "; ".join(check.problems) or check.status


def _verification_facts(found: "Verification") -> dict[str, Any]:
    return {
        "survey": found.survey.name,
        "folder": str(found.root),
        "volumes": list(found.volumes),
        "files": [
            {
                "file": check.known.file,
                "path": str(check.path),
                "volume": check.known.volume,
                "bytes": check.size_bytes,
                "status": check.status,
                "problems": list(check.problems),
            }
            for check in found.chosen
        ],
    }
