"""`sam-seismic submit`: any command as a Slurm job, after a look at what would make it fail in the end."""

# ruff: noqa: PLC0415, PLR0913  # torch takes seconds to import; the parameters of a command are its options

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sam_seismic.cli.app import app
from sam_seismic.cli.options import taken_from
from sam_seismic.config import load_config
from sam_seismic.errors import UserError
from sam_seismic.listener.terminal import Terminal
from sam_seismic.runs.slurm_script import JobResources, batch_script
from sam_seismic.runs.slurm_script import submit as queue

if TYPE_CHECKING:
    from sam_seismic.listener import Listener

JOBS = ("train", "embed", "eval", "predict", "score", "convert", "demo")
"""Commands that make sense as a job."""


def submit(
    context: typer.Context,
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="What to run: train, embed, predict, ...")],
    *,
    nodes: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    gpus: Annotated[int, typer.Option(min=0, help="Of each node, one task each; 0: one task a node, on its CPU.")] = 1,
    cpus: Annotated[int | None, typer.Option(min=1, help="Cores of each task. Default: as run_sbatch.sh.")] = None,
    time: Annotated[str | None, typer.Option(help="Limit, as Slurm writes it: 4:00:00.")] = None,
    partition: Annotated[str | None, typer.Option(help="To wait in. Default: the cluster's.")] = None,
    account: Annotated[str | None, typer.Option(help="To charge. Default: yours.")] = None,
    array: Annotated[
        str | None, typer.Option(help="Elements to run, e.g. 0-3%2. Default: several --config that are not finished.")
    ] = None,
    container: Annotated[
        Path | None, typer.Option(exists=True, help="Image to run in. Default: the program that runs now.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the batch script; submit nothing.")] = False,
) -> None:
    """Run a command as a Slurm job. Options of submit come first, then the command with its own.

    What would fail after hours in a queue is looked at first: configuration, data, weights, outputs, disk, container.

    Example: sam-seismic submit --partition gpu --nodes 2 --gpus 4 train --config configs/f3.yaml
    """
    given = _parsed(command, context.args)
    wish = JobResources(nodes, gpus, cpus, time, partition, account, array, container)
    with Terminal() as terminal:
        elements = _foresee(command, given, terminal)
    if elements is not None and array is None:
        wish = replace(wish, array=elements)
    script = batch_script(wish, [command, *context.args])
    if dry_run:
        print(script, end="")
        return
    number = queue(script)
    print(f"submitted job {number}; its log is sam-seismic-{number}.out")


def _parsed(command: str, words: list[str]) -> Mapping[str, Any]:
    """The options of the command that is to wait, refused as that would refuse them."""
    if command not in JOBS:
        raise UserError(problem=f"{command}: cannot be submitted", fix=f"submit one of {', '.join(JOBS)}")
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup), "it has commands"
    chosen = group.commands[command]
    return chosen.make_context(command, list(words)).params


def _foresee(command: str, given: Mapping[str, Any], listener: "Listener") -> str | None:
    """Look at what the command needs; the elements of the array that it is to run as, if it is one."""
    from sam_seismic.inference.outputs import OutputRequest
    from sam_seismic.workflows.predict import PredictRequest
    from sam_seismic.workflows.submit import check_encoding, check_prediction, check_training, unfinished

    if command == "train":
        configs: list[Path] = given["configs"]
        experiments = [load_config(config, given["override"] or []) for config in configs]
        runs = [
            given["output"] or experiment.output or Path("runs") / config.stem
            for config, experiment in zip(configs, experiments, strict=True)
        ]
        several = len(configs) > 1
        waiting = unfinished(runs) if several else [0]
        if not waiting:
            raise UserError(problem="all of these runs are finished", fix="look at them: sam-seismic status runs/*")
        for number in waiting:
            check_training(
                experiments[number],
                runs[number],
                listener,
                resume=given["resume"],
                overwrite=given["overwrite"],
            )
        return ",".join(map(str, waiting)) if several else None
    if command == "embed" and given["config"] is not None:
        check_encoding(load_config(given["config"], given["override"] or []), listener)
    if command == "predict":
        wanted = OutputRequest(
            *(given[name] for name in ("output", "probabilities", "confidence", "entropy", "horizons"))
        )
        request = PredictRequest(
            given["checkpoint"],
            given["input_"],
            wanted,
            read=taken_from(dict(given)),
            overwrite=given["overwrite"],
            resume=given["resume"],
        )
        check_prediction(request, listener)
    return None
