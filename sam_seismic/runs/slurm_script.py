"""A command and what it wants of a cluster come in; a batch script goes out, and into the queue."""

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
_LINE = re.compile(r"#+SBATCH +--(?P<name>[a-z-]+)(?:=.*)?")


@dataclass(frozen=True)
class JobResources:
    """What a job wants of a cluster; None leaves it to run_sbatch.sh or to the cluster.

    Args:
        nodes: how many.
        gpus: of each node; one task runs on each. 0: one task a node, on its CPU.
        cpus: of each task.
        time: limit, as Slurm writes it: 4:00:00.
        partition, account: to charge.
        array: elements, as Slurm writes them: 0-3, 2, 0-9%2.
        container: image to run in; None: Singularity.sif where it lies here, else the program that runs now.
    """

    nodes: int = 1
    gpus: int = 1
    cpus: int | None = None
    time: str | None = None
    partition: str | None = None
    account: str | None = None
    array: str | None = None
    container: Path | None = None

    def lines(self) -> dict[str, str]:
        """Options of sbatch, by name."""
        given = {
            "partition": self.partition,
            "account": self.account,
            "time": self.time,
            "array": self.array,
            "nodes": str(self.nodes),
            "ntasks-per-node": str(max(1, self.gpus)),
            "gpus-per-task": "1" if self.gpus else None,
            "cpus-per-task": None if self.cpus is None else str(self.cpus),
        }
        return {name: value for name, value in given.items() if value is not None}


def batch_script(wish: JobResources, words: Sequence[str]) -> str:
    """The batch script of a command: run_sbatch.sh, with what the job wants, and the command itself.

    Args:
        wish: of the cluster.
        words: of the command, without the name of the program.
    """
    options = wish.lines()
    replaced = {*options, "partition", "account", "gpus-per-task"}
    first, *lines = _template().read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if (found := _LINE.match(line)) is None or found["name"] not in replaced]
    wanted = [f"#SBATCH --{name}={value}" for name, value in options.items()]
    start = next(number for number, line in enumerate(kept) if line and not line.startswith("#"))
    place = (
        f"SAM_SEISMIC_CONTAINER={shlex.quote(str(wish.container.absolute()))}"
        if wish.container is not None
        else f"SAM_SEISMIC_PROGRAM={shlex.quote(str(Path(sys.prefix) / 'bin' / 'sam-seismic'))}"
    )
    own = [place, f"set -- {shlex.join(words)}"]
    return "\n".join([first, *wanted, *kept[:start], *own, *kept[start:]]) + "\n"


def submit(script: str) -> str:
    """Queue a batch script; the number of the job.

    Raises:
        UserError: there is no Slurm here, or it refuses the job.
    """
    if shutil.which("sbatch") is None:
        raise UserError(
            problem="there is no sbatch here, so this is no machine that submits to Slurm",
            fix="log in to the cluster, or add --dry-run to see the script",
        )
    ran = subprocess.run(["sbatch", "--parsable"], input=script, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise UserError(
            problem=f"sbatch refuses the job: {ran.stderr.strip().removeprefix('sbatch: error: ')}",
            fix="give what this cluster asks for, such as --partition and --account; --dry-run shows the script",
        )
    return ran.stdout.strip().partition(";")[0]


def _template() -> Path:
    """The batch script: inside an installed package, beside one that is run from its repository."""
    package = Path(__file__).parents[1]
    inside = package / SCRIPT
    return inside if inside.is_file() else package.parent / SCRIPT
