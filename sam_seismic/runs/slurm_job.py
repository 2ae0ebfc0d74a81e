"""The variables of a Slurm job come in; what it granted, and whether it was started again, goes out."""

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
        name: cluster, number and array element, the same after a requeue: `hpc/123`, `hpc/120_3`.
        array: whether it is an element of an array.
        restarts: how often Slurm has started it again.
        rank: of this task.
        local_rank: among those on its node.
        tasks: in all.
        nodes: it runs on.
        tasks_per_node: on each of them.
        cpus: of this task; None where Slurm does not say.
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
        """The job whose task this process is; None where Slurm did not start it.

        Args:
            env: of the process.

        Raises:
            UserError: it is in the batch script of a job with several tasks, but `srun` did not start it.
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
        if "SLURM_ARRAY_TASK_ID" in env:  # the last element has the number of the whole array
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
        """Compute on as many cores as were granted."""
        if self.cpus is not None:
            torch.set_num_threads(self.cpus)


def placement(trainer: TrainerConfig, job: SlurmJob | None) -> dict[str, Any]:
    """Where a training runs, in the words of Lightning's Trainer: `devices`, `num_nodes`, and `plugins` to start on.

    Args:
        trainer: what the configuration says.
        job: it runs in; None outside of Slurm.

    Raises:
        ConfigError: the configuration contradicts what Slurm granted.
    """
    if job is None:
        # In a shell that Slurm gave, Lightning would take this process for one of its tasks.
        alone: list[ClusterEnvironment] = [LightningEnvironment()] if "SLURM_JOB_ID" in os.environ else []
        return {
            "devices": trainer.devices,
            "num_nodes": 1 if trainer.num_nodes == "auto" else trainer.num_nodes,
            "plugins": alone,
        }
    devices = len(trainer.devices) if isinstance(trainer.devices, list) else trainer.devices
    wrong = [
        f"trainer.{key}: {asked}, but Slurm granted {granted} {what}"
        for key, asked, granted, what in (
            ("devices", devices, job.tasks_per_node, "tasks on each node, one a device"),
            ("num_nodes", trainer.num_nodes, job.nodes, "nodes"),
        )
        if asked not in ("auto", granted)
    ]
    if wrong:
        raise ConfigError(
            problem="\n  ".join(wrong),
            fix="leave trainer.devices and trainer.num_nodes out, or ask for as much: --nodes, --ntasks-per-node, "
            "--gpus-per-node",
        )
    # What Lightning does on a signal to requeue a job can end in a deadlock: it would save within the handler.
    environment: ClusterEnvironment = SLURMEnvironment(auto_requeue=False)
    return {"devices": job.tasks_per_node, "num_nodes": job.nodes, "plugins": [environment]}
