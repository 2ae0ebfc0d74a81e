"""A command and the resources of its job come in; a batch script goes out, which can be queued in Slurm."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.errors import UserError

SCRIPT = "run_sbatch.sh"
CONTAINER = "Singularity.sif"
"""The image that run_sbatch.sh uses if it lies in the folder that the job is submitted from."""
JOB_VARIABLES = frozenset({
    "SLURM_CLUSTER_NAME", "SLURM_JOBID", "SLURM_JOB_ACCOUNT", "SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_JOB_NODELIST",
    "SLURM_JOB_NUM_NODES", "SLURM_JOB_PARTITION", "SLURM_JOB_UID", "SLURM_JOB_USER", "SLURM_NNODES", "SLURM_NTASKS",
    "SLURM_SUBMIT_DIR", "SLURM_SUBMIT_HOST", "SLURM_TMPDIR",
})  # fmt: skip
"""Variables that Slurm sets in each job, alike in all of its tasks; SLURM_TMPDIR is set by many clusters."""
ARRAY_VARIABLES = frozenset({"SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_ID"})
"""Variables that Slurm sets in the elements of an array."""
_DIRECTIVE = re.compile(r"#+SBATCH +--(?P<name>[a-z-]+)(?:=.*)?")


@dataclass(frozen=True)
class JobResources:
    """Resources that a job requests; None: the default of run_sbatch.sh or of the cluster.

    Args:
        nodes: number of nodes.
        gpus: number of GPUs of each node; one task runs on each. 0: one task a node, on its CPU.
        cpus: cores of each task.
        time: time limit in Slurm's form: 4:00:00.
        partition: to queue in.
        account: to charge.
        array: elements in Slurm's form: 0-3, 2, 0-9%2.
        container: image to run in; None: Singularity.sif if it lies in this folder, else the program that runs now.
    """

    nodes: int = 1
    gpus: int = 1
    cpus: int | None = None
    time: str | None = None
    partition: str | None = None
    account: str | None = None
    array: str | None = None
    container: Path | None = None

    @property
    def tasks_per_node(self) -> int:
        """One task a GPU, or one on the CPU."""
        return max(1, self.gpus)

    def sbatch_options(self) -> dict[str, str]:
        """Values of the options of sbatch, by name."""
        given = {
            "partition": self.partition,
            "account": self.account,
            "time": self.time,
            "array": self.array,
            "nodes": str(self.nodes),
            "ntasks-per-node": str(self.tasks_per_node),
            "gpus-per-task": "1" if self.gpus else None,
            "cpus-per-task": None if self.cpus is None else str(self.cpus),
        }
        return {name: value for name, value in given.items() if value is not None}


def check_program(resources: JobResources) -> list[str]:
    """Refuse a job without a program to run; returns warnings about what compute nodes may lack.

    Raises:
        UserError: the container cannot be read, or there is none and the program is not installed.
    """
    default = Path(CONTAINER)
    image = resources.container or (default if default.exists() else None)
    if image is None:
        if not os.access(_program(), os.X_OK):
            raise UserError(
                problem=f"{_program()}: there is no such program for the job to run",
                fix="install sam-seismic into this environment, or give --container IMAGE",
            )
        return []
    if not os.access(image, os.R_OK):
        raise UserError(
            problem=f"{image}: {'cannot be read' if image.exists() else 'there is no such container image'}",
            fix="give an image as --container, as docs/cluster.md shows, or leave it out",
        )
    if shutil.which("apptainer") is None and shutil.which("singularity") is None:
        return [f"{image} needs apptainer or singularity, which is not on the path here; it must be on compute nodes"]
    return []


def batch_script(resources: JobResources, words: Sequence[str]) -> str:
    """The batch script of a command: run_sbatch.sh, with the options and the command of this job.

    Args:
        resources: of the job.
        words: the command and its arguments, without the name of the program.
    """
    options = resources.sbatch_options()
    replaced = {*options, "partition", "account", "gpus-per-task"}
    first, *lines = _template().read_text(encoding="utf-8").splitlines()
    template = [line for line in lines if (found := _DIRECTIVE.match(line)) is None or found["name"] not in replaced]
    directives = [f"#SBATCH --{name}={value}" for name, value in options.items()]
    start = next(number for number, line in enumerate(template) if line and not line.startswith("#"))
    variable = (
        f"SAM_SEISMIC_CONTAINER={shlex.quote(str(resources.container.absolute()))}"
        if resources.container is not None
        else f"SAM_SEISMIC_PROGRAM={shlex.quote(str(_program()))}"
    )
    own = [variable, f"set -- {shlex.join(words)}"]
    return "\n".join([first, *directives, *template[:start], *own, *template[start:]]) + "\n"


def queue_script(script: str) -> str:
    """Queue a batch script, and return the number of its job.

    Raises:
        UserError: there is no Slurm here, or it refuses the job.
    """
    if shutil.which("sbatch") is None:
        raise UserError(
            problem="there is no sbatch here, so this machine cannot submit to Slurm",
            fix="log in to the cluster, or add --dry-run to see the script",
        )
    ran = subprocess.run(["sbatch", "--parsable"], input=script, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise UserError(
            problem=f"sbatch refuses the job: {ran.stderr.strip().removeprefix('sbatch: error: ')}",
            fix="give what this cluster asks for, such as --partition and --account; --dry-run shows the script",
        )
    return ran.stdout.strip().partition(";")[0]


def _program() -> Path:
    """The program that runs now."""
    return Path(sys.prefix) / "bin" / "sam-seismic"


def _template() -> Path:
    """run_sbatch.sh: inside an installed package, beside the package in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / SCRIPT
    return inside if inside.is_file() else package.parent / SCRIPT
