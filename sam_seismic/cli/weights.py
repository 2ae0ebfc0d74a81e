"""`sam-seismic weights`: list the official weights of SAM, download them, and verify a weights file."""

# ruff: noqa: PLC0415  # torch takes seconds to import

from pathlib import Path
from typing import Annotated

import typer

from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.options import Json
from sam_seismic.cli.tables import show_files
from sam_seismic.cli.terminal import print_facts, print_json, print_table
from sam_seismic.files.units import format_bytes
from sam_seismic.listener.terminal import Terminal

weights_app = typer.Typer(help="List, fetch and verify the official SAM weights.", no_args_is_help=True)


@weights_app.command("list")
def list_weights(json: Json = False) -> None:
    """List the published weights, and which of them are on this machine.

    Example: sam-seismic weights list
    """
    from sam_seismic.sam.weights import OFFICIAL, weights_folder

    folder = weights_folder()
    facts = [
        {
            "name": size,
            "file": str(folder / weights.file),
            "bytes": weights.size_bytes,
            "here": (folder / weights.file).is_file(),
            "address": weights.address,
        }
        for size, weights in OFFICIAL.items()
    ]
    if json:
        print_json(facts)
        return
    rows = [
        (str(fact["name"]), format_bytes(weights.size_bytes), "yes" if fact["here"] else "no", weights.file)
        for fact, weights in zip(facts, OFFICIAL.values(), strict=True)
    ]
    print_table(f"Official SAM weights in {folder}", ("name", "size", "here", "file"), rows)


@weights_app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="vit_b, vit_l or vit_h.")],
    folder: Annotated[
        Path | None, typer.Option(callback=as_meant, help="Where to put the file. Default: the weights folder.")
    ] = None,
) -> None:
    """Download official weights; an interrupted download is resumed, and the checksum is verified.

    Example: sam-seismic weights fetch vit_b
    """
    from sam_seismic.sam.weights import fetch as run

    with Terminal() as terminal:
        path = run(name, folder, progress=lambda done, total: terminal.progress(f"fetch {name}", done, total))
    show_files([path])


@weights_app.command()
def verify(
    path: Annotated[Path, typer.Argument(callback=as_meant, help="A weights file.")], json: Json = False
) -> None:
    """Show which SAM a file holds, what `train` takes from it, and whether it is an official file.

    What `train` could not use is refused here, too.

    Example: sam-seismic weights verify weights/sam_vit_b_01ec64.pth
    """
    from sam_seismic.sam.weights import verify as run

    found = run(path)
    if json:
        print_json(found.as_dict())
        return
    rows = [
        ("size", found.content.size),
        *found.content.rows(),
        ("SHA-256", found.sha256),
        ("official", "yes" if found.official else "no"),
    ]
    print_facts(str(path), rows)
