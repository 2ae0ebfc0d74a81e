"""`sam-seismic embed`: fill the embedding store ahead of a training, list what it holds, remove what is forgotten."""

# ruff: noqa: PLC0415  # torch takes seconds to import: `--help` must not wait for it

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sam_seismic.cli.options import Json
from sam_seismic.cli.tables import show_files
from sam_seismic.cli.terminal import print_json, print_table
from sam_seismic.config import load_config
from sam_seismic.errors import UserError
from sam_seismic.listener.terminal import Terminal

if TYPE_CHECKING:
    from sam_seismic.tuning.embedding_store import StoredGroup

_DAY = 24 * 3600


def embed(
    config: Annotated[Path | None, typer.Option(help="YAML of the experiment whose sections are encoded.")] = None,
    override: Annotated[list[str] | None, typer.Option("--set", help="key=value, e.g. input.canvas=tight.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Sections at a time. Default: train.batch_size.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ... Default: auto.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show what the store holds.")] = False,
    prune: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Remove what no run has used for so many days.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder to list or prune. Default: as trainings without train.store use.")
    ] = None,
    json: Json = False,
) -> None:
    """Encode the sections of an experiment ahead of its training, which would do it first itself.

    Any number of these may run at once; one that was stopped goes on where it was.

    Example: sam-seismic embed --config configs/segy.yaml
    """
    if sum((config is not None, list_, prune is not None)) != 1:
        raise UserError(
            problem="embed does one of three things", fix="give one of --config FILE, --list and --prune DAYS"
        )
    if config is None:
        task = "--list" if list_ else "--prune"
        _refuse({"--set": override, "--batch-size": batch_size, "--device": device}, task, {})
        _tidy(store, prune, json=json)
        return
    elsewhere = {"--store": "name the store in the configuration: --set train.store=FOLDER"}
    _refuse({"--store": store, "--json": json or None}, "--config", elsewhere)
    experiment = load_config(config, override or [])
    from sam_seismic.workflows.embed import EmbedRequest
    from sam_seismic.workflows.embed import embed as run

    with Terminal() as terminal:
        folder = run(EmbedRequest(experiment, batch_size, device or "auto"), terminal)
    if folder is not None:
        show_files([folder])


def _refuse(options: Mapping[str, object], task: str, fixes: Mapping[str, str]) -> None:
    """Refuse options that were given and cannot apply to what is asked for."""
    for name, value in options.items():
        if value is not None:
            raise UserError(problem=f"{name} cannot apply to {task}", fix=fixes.get(name, "leave it out"))


def _tidy(store: Path | None, days: float | None, *, json: bool) -> None:
    """Show what a store holds, or remove what is forgotten and show that."""
    from sam_seismic.workflows.embed import prune_store, stored

    groups = stored(store) if days is None else prune_store(store, days=days)
    if json:
        print_json([_facts(group) for group in groups])
        return
    if not groups:
        print("nothing is kept" if days is None else "nothing was removed")
        return
    title = "Embeddings" if days is None else "Removed"
    print_table(title, ("of", "model", "canvas", "sections", "GB", "last used"), [_row(group) for group in groups])
    total = sum(group.size for group in groups)
    print(f"{len(groups)} groups, {total / 1e9:.2f} GB {'in' if days is None else 'from'} {groups[0].folder.parent}")


def _row(group: "StoredGroup") -> Sequence[str]:
    known = {"model": "of another version", "canvas": ""}
    with suppress(KeyError):  # of another version of sam-seismic
        recipe = group.recipe
        cut = "" if recipe["blocks"] is None else f", {recipe['blocks']} blocks"
        known = {
            "model": f"{recipe['size']}{cut}, {recipe['precision']}",
            "canvas": f"{recipe['canvas']}, {recipe['fit']} {recipe['side']}",
        }
    days = (time.time() - group.used) / _DAY
    return (
        group.about,
        known["model"],
        known["canvas"],
        f"{group.sections:,}",
        f"{group.size / 1e9:.2f}",
        "today" if days < 1 else f"{days:.0f} days ago",
    )


def _facts(group: "StoredGroup") -> dict[str, object]:
    facts = {"folder": str(group.folder), "of": group.about, "sections": group.sections, "bytes": group.size}
    return facts | {"used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(group.used)), "recipe": dict(group.recipe)}
