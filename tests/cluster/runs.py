"""Small experiments for the cluster: how they are submitted, and what their runs left."""

import csv
import sys
from pathlib import Path

import torch
import yaml

from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import model_survey
from tests.cluster.slurm import Cluster

SCRIPT = Path(__file__).parents[2] / "run_sbatch.sh"
CPU = ("--gpus-per-task=0", "--cpus-per-task=1")
"""Options for nodes without GPUs."""
TWO = (*CPU, "--nodes=2", "--ntasks-per-node=1")


def write_config(path: Path, *, batch_size: int, epochs: int = 3) -> None:
    config = {
        "data": {
            "source": "synthetic",
            "synthetic": {"shape": [48, 32, 48]},
            "orientation": "inline",
            "split": {"val": 0.2, "test": 0, "guard": 2},
        },
        "input": {"side": 64},
        "model": {"size": "vit_t", "weights": "random", "encoder": "full"},
        "train": {"epochs": epochs, "batch_size": batch_size, "checkpoint_every": 4},
        "trainer": {"accelerator": "cpu"},
    }
    path.write_text(yaml.safe_dump(config))


def submitted(
    cluster: Cluster, folder: Path, *words: str, options: tuple[str, ...] = TWO, stand_in: str | None = None
) -> str:
    """Submit a command; the number of the job.

    Args:
        cluster: that is up.
        folder: to submit from.
        words: of the command.
        options: of sbatch.
        stand_in: a shell script that runs in place of the program.
    """
    program = Path(sys.prefix) / "bin" / "sam-seismic"
    if stand_in is not None:
        program = folder / "program.sh"
        program.write_text(stand_in)
        program.chmod(0o755)
    return cluster.submit(SCRIPT, words, *options, folder=folder, SAM_SEISMIC_PROGRAM=str(program))


def volume_and_checkpoint(cluster: Cluster, folder: Path, inlines: int) -> None:
    """Make what a prediction needs: amplitude.sgy, and a run of one epoch."""
    survey = model_survey((inlines, 32, 48), 1)
    write_segy(folder / "amplitude.sgy", survey.amplitude, survey.geometry, format="ieee")
    write_config(folder / "small.yaml", batch_size=2, epochs=1)
    train = submitted(cluster, folder, "train", "--config", "small.yaml", options=CPU)
    assert cluster.ended(train)["JobState"] == "COMPLETED", log(folder, train)


def lose(cluster: Cluster, node: str, job: str) -> dict[str, str]:
    """Let a node that a job is at be lost, and come back; what Slurm knows of the job when it has ended."""
    cluster.kill_node(node)
    try:
        cluster.until(lambda: cluster.job(job)["Restarts"] == "1", 120)
    finally:
        cluster.start_node(node)
    return cluster.ended(job)


def log(folder: Path, job: str) -> str:
    return (folder / f"sam-seismic-{job}.out").read_text()


def last(run: Path) -> dict[str, object]:
    found: dict[str, object] = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    return found


def rows(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open() as file:
        return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(file)]


def steps(cluster: Cluster, run: Path, count: int) -> None:
    """Wait until a run has come so far."""
    path = run / "status.json"
    cluster.until(lambda: path.is_file() and yaml.safe_load(path.read_text())["step"] >= count, 120)


def same_weights(one: Path, other: Path) -> None:
    """Bit by bit."""
    first, second = last(one), last(other)
    assert first["global_step"] == second["global_step"]
    for name, value in first["state_dict"].items():  # type: ignore[attr-defined]
        assert torch.equal(value, second["state_dict"][name]), name  # type: ignore[index]
    assert rows(one) == rows(other)


def preempted(cluster: Cluster, folder: Path) -> dict[str, str]:
    """Let a job of higher priority have both nodes; what Slurm knows of that one when it has ended."""
    urgent = folder / "urgent.sh"
    urgent.write_text("#!/bin/sh\nsleep 1\n")
    return cluster.ended(cluster.submit(urgent, [], "--nodes=2", "--exclusive", folder=folder))
