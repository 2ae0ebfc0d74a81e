"""`sam-seismic submit`: another command as a Slurm job, after a check of all that the command needs."""

# ruff: noqa: PLC0415, PLR0913  # torch takes seconds to import; the parameters of a command are its options

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sam_seismic.cli.app import app
from sam_seismic.cli.array_element import refuse_shared_output
from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.invocation import Invocation
from sam_seismic.errors import UserError
from sam_seismic.files.user_paths import set_later
from sam_seismic.runs.slurm_script import ARRAY_VARIABLES, JOB_VARIABLES, JobResources

if TYPE_CHECKING:
    from sam_seismic.workflows.submit import Submission

SUBMITTABLE = ("train", "embed", "experiment", "eval", "predict", "score", "convert", "demo")
"""The commands that run long enough to be submitted: the keys of `workflows.submit.CHECKS`, known without torch."""


def submit(
    context: typer.Context,
    command: Annotated[str, typer.Argument(metavar="COMMAND", help=f"One of {', '.join(SUBMITTABLE)}.")],
    *,
    nodes: Annotated[int, typer.Option(min=1, help="Number of nodes.")] = 1,
    gpus: Annotated[int, typer.Option(min=0, help="GPUs of each node, one task each; 0: one task a node, no GPU.")] = 1,
    cpus: Annotated[int | None, typer.Option(min=1, help="Cores of each task. Default: as run_sbatch.sh.")] = None,
    time: Annotated[str | None, typer.Option(help="Time limit in Slurm's form: 4:00:00.")] = None,
    partition: Annotated[str | None, typer.Option(help="Partition to queue in. Default: the cluster's.")] = None,
    account: Annotated[str | None, typer.Option(help="Account to charge. Default: yours.")] = None,
    array: Annotated[
        str | None, typer.Option(help="Elements to run, e.g. 0-3%2. Default: several --config that are not finished.")
    ] = None,
    container: Annotated[
        Path | None,
        typer.Option(callback=as_meant, help="Container image to run in. Default: the program that runs now."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the batch script; submit nothing.")] = False,
) -> Invocation[Any, Any]:
    """Run a command as a Slurm job. Options of submit come first, then the command with its own.

    What the command needs is checked first: configuration, data, weights or checkpoint, outputs, disk, container.

    Example: sam-seismic submit --partition gpu --nodes 2 --gpus 4 train --config configs/f3.yaml
    """
    if command not in SUBMITTABLE:
        raise UserError(problem=f"{command}: cannot be submitted", fix=f"submit one of {', '.join(SUBMITTABLE)}")
    several = context.args.count("--config") > 1
    with set_later(JOB_VARIABLES | (ARRAY_VARIABLES if several or array is not None else frozenset())):
        requests = _requests(command, context.args)
    from sam_seismic.workflows.submit import SubmitRequest
    from sam_seismic.workflows.submit import submit as run

    resources = JobResources(nodes, gpus, cpus, time, partition, account, array, container)
    return Invocation(SubmitRequest(command, context.args, requests, resources, dry_run), run, _show)


def _requests(command: str, arguments: list[str]) -> list[Any]:
    """What a command line asks of its workflow; for several configurations a request for each.

    Raises:
        UserError, UsageError: the command itself would refuse its arguments.
    """
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup), "the application has several commands"
    chosen = group.commands[command]
    context = chosen.make_context(command, list(arguments))

    def request(**changed: object) -> Any:
        context.params |= changed
        invocation = chosen.invoke(context)
        assert isinstance(invocation, Invocation), "each command that can be submitted returns one"
        return invocation.request  # not carried out here

    configs = context.params.get("configs")
    if configs is None:
        return [request()]
    refuse_shared_output(configs, context.params["output"])
    return [request(configs=[config]) for config in configs]


def _show(submission: "Submission") -> None:
    if submission.number is None:
        print(submission.script, end="")
    else:
        print(f"submitted job {submission.number}; its log is sam-seismic-{submission.number}.out")
