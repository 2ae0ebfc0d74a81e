"""The environment of a Slurm job comes in; what Slurm granted it, and how often it was restarted, goes out."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

from sam_seismic.config import TrainerConfig
from sam_seismic.errors import ConfigError, UserError


@dataclass(frozen=True)
class SlurmJob:
    """A Slurm job, as one of its tasks sees it.

    Args:
        name: cluster, number and array element: `hpc/123`, `hpc/120_3`. It stays the same after a requeue.
        array: whether the job is an element of an array.
        restarts: how often Slurm has requeued and started it again.
        rank: number of this task among all tasks.
        local_rank: number of this task among those on its node.
        tasks: number of all tasks.
        nodes: number of nodes.
        tasks_per_node: number of tasks on each node.
        cpus: cores of this task; None if Slurm does not say.
    """

    name: str
    array: bool
    restarts: int
    rank: int
    local_rank: int
    tasks: int
    nodes: int
    tasks_per_node: int
    cpus: int | None

    @classmethod
    def current(cls, env: Mapping[str, str] | None = None) -> Self | None:
        """The job of which this process is a task; None if Slurm did not start the process.

        Args:
            env: environment variables; None for those of this process.

        Raises:
            UserError: the process runs in the batch script of a job with several tasks, and not under `srun`.
        """
        env = os.environ if env is None else env
        if "SLURM_JOB_ID" not in env:
            return None
        if "SLURM_STEP_ID" not in env or "SLURM_PROCID" not in env:
            if int(env.get("SLURM_NTASKS", "1")) > 1:
                raise UserError(
                    problem=f"Slurm granted {env['SLURM_NTASKS']} tasks, but only one process runs, outside of srun",
                    fix="submit run_sbatch.sh, or put srun before the command",
                )
            return None
        number = env["SLURM_JOB_ID"]
        if "SLURM_ARRAY_TASK_ID" in env:  # SLURM_JOB_ID of the last element is the number of the whole array
            number = f"{env['SLURM_ARRAY_JOB_ID']}_{env['SLURM_ARRAY_TASK_ID']}"
        tasks, nodes = int(env.get("SLURM_NTASKS", "1")), int(env.get("SLURM_NNODES", "1"))
        cpus = env.get("SLURM_CPUS_PER_TASK")
        return cls(
            name=f"{env.get('SLURM_CLUSTER_NAME', 'slurm')}/{number}",
            array="SLURM_ARRAY_TASK_ID" in env,
            restarts=int(env.get("SLURM_RESTART_COUNT", "0")),
            rank=int(env["SLURM_PROCID"]),
            local_rank=int(env.get("SLURM_LOCALID", "0")),
            tasks=tasks,
            nodes=nodes,
            tasks_per_node=int(env.get("SLURM_NTASKS_PER_NODE", str(tasks // nodes))),
            cpus=None if cpus is None else int(cpus),
        )

    def limit_threads(self) -> None:
        """Have torch use as many threads as cores were granted."""
        if self.cpus is not None:
            torch.set_num_threads(self.cpus)


def placement(trainer: TrainerConfig, job: SlurmJob | None) -> dict[str, Any]:
    """Where a training runs, as arguments of Lightning's Trainer: `devices`, `num_nodes` and `plugins`.

    Args:
        trainer: the `trainer:` section of the configuration.
        job: the Slurm job that the training runs in; None outside of Slurm.

    Raises:
        ConfigError: the configuration contradicts what Slurm granted.
    """
    if job is None:
        # In an interactive shell of Slurm, Lightning would assume that srun started this process.
        alone: list[ClusterEnvironment] = [LightningEnvironment()] if "SLURM_JOB_ID" in os.environ else []
        return {
            "devices": trainer.devices,
            "num_nodes": 1 if trainer.num_nodes == "auto" else trainer.num_nodes,
            "plugins": alone,
        }
    wrong = contradictions(trainer, "but Slurm granted", tasks_per_node=job.tasks_per_node, nodes=job.nodes)
    if wrong:
        raise ConfigError(
            problem="\n  ".join(wrong),
            fix="leave trainer.devices and trainer.num_nodes out, or ask for as much: --nodes, --ntasks-per-node, "
            "--gpus-per-node",
        )
    # Lightning's own requeue saves a checkpoint within the signal handler, which can end in a deadlock.
    environment: ClusterEnvironment = SLURMEnvironment(auto_requeue=False)
    return {"devices": job.tasks_per_node, "num_nodes": job.nodes, "plugins": [environment]}


def contradictions(trainer: TrainerConfig, but: str, *, tasks_per_node: int, nodes: int) -> list[str]:
    """A sentence for each number of devices or nodes in a configuration that differs from that of the job.

    Args:
        trainer: the `trainer:` section of the configuration.
        but: beginning of the second half of each sentence, for example `but Slurm granted`.
        tasks_per_node: of the job; each task computes on one device.
        nodes: of the job.
    """
    devices = len(trainer.devices) if isinstance(trainer.devices, list) else trainer.devices
    return [
        f"trainer.{key}: {asked}, {but} {number} {what}"
        for key, asked, number, what in (
            ("devices", devices, tasks_per_node, "tasks on each node, one a device"),
            ("num_nodes", trainer.num_nodes, nodes, "nodes"),
        )
        if asked not in ("auto", number)
    ]
