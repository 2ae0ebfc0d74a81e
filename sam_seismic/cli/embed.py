"""`sam-seismic embed`: fill the embedding store ahead of a training, list it, or remove what no run uses any more."""

# ruff: noqa: PLC0415  # torch takes seconds to import: `--help` must not wait for it

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.invocation import Invocation
from sam_seismic.cli.options import Json, Override
from sam_seismic.cli.tables import show_files
from sam_seismic.cli.terminal import print_json, print_table
from sam_seismic.config import load_config
from sam_seismic.errors import UserError
from sam_seismic.files.units import counted, format_bytes

if TYPE_CHECKING:
    from sam_seismic.tuning.stored_groups import StoredGroup

_DAY = 24 * 3600


def embed(
    config: Annotated[
        Path | None, typer.Option(callback=as_meant, help="YAML of the experiment whose sections are encoded.")
    ] = None,
    override: Override = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Sections at a time. Default: train.batch_size.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, ... Default: auto.")] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show what the store holds.")] = False,
    prune: Annotated[
        float | None,
        typer.Option(min=0, metavar="DAYS", help="Remove embeddings unused for so many days."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            callback=as_meant, help="Folder to list or prune. Default: the store of trainings without train.store."
        ),
    ] = None,
    json: Json = False,
) -> Invocation[Any, Any]:
    """Encode the sections of an experiment before its training; without this, the training does it first.

    Several may fill one store at the same time. One that was stopped goes on where it stopped when it is run again.

    Example: sam-seismic embed --config configs/segy.yaml
    """
    if sum((config is not None, list_, prune is not None)) != 1:
        raise UserError(
            problem="embed does one of three things", fix="give one of --config FILE, --list and --prune DAYS"
        )
    if config is None:
        purpose = "--list" if list_ else "--prune"
        _refuse({"--set": override, "--batch-size": batch_size, "--device": device}, purpose, {})
        from sam_seismic.workflows.embed import StoreRequest, tidy_store

        return Invocation(StoreRequest(store, prune), tidy_store, partial(_show_groups, pruned=not list_, json=json))
    fixes = {"--store": "name the store in the configuration: --set train.store=FOLDER"}
    _refuse({"--store": store, "--json": json or None}, "--config", fixes)
    experiment = load_config(config, override or [])
    from sam_seismic.workflows.embed import EmbedRequest
    from sam_seismic.workflows.embed import embed as run

    def show(folder: Path | None) -> None:
        if folder is not None:  # only the first task of a Slurm job has it
            show_files([folder])

    return Invocation(EmbedRequest(experiment, batch_size, device or "auto"), run, show)


def _refuse(options: Mapping[str, object], purpose: str, fixes: Mapping[str, str]) -> None:
    """Refuse options that were given and cannot apply to the purpose of the command."""
    for name, value in options.items():
        if value is not None:
            raise UserError(problem=f"{name} cannot apply to {purpose}", fix=fixes.get(name, "leave it out"))


def _show_groups(groups: "Sequence[StoredGroup]", *, pruned: bool, json: bool) -> None:
    """Print the groups that a store holds, or those that were removed from it."""
    if json:
        print_json([_facts(group) for group in groups])
        return
    if not groups:
        print("nothing was removed" if pruned else "nothing is kept")
        return
    columns = ("of", "model", "canvas", "sections", "size", "last used")
    print_table("Removed" if pruned else "Embeddings", columns, [_row(group) for group in groups])
    total = sum(group.size for group in groups)
    print(
        f"{counted(len(groups), 'group')}, {format_bytes(total)} {'from' if pruned else 'in'} {groups[0].folder.parent}"
    )


def _row(group: "StoredGroup") -> Sequence[str]:
    known = {"model": "of another version", "canvas": ""}
    with suppress(KeyError):  # another version of sam-seismic wrote the recipe
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
        format_bytes(group.size),
        "today" if days < 1 else f"{counted(round(days), 'day')} ago",
    )


def _facts(group: "StoredGroup") -> dict[str, object]:
    facts = {"folder": str(group.folder), "of": group.about, "sections": group.sections, "bytes": group.size}
    return facts | {"used": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(group.used)), "recipe": dict(group.recipe)}
