"""On a real Slurm, in a real container: the job that is preempted goes on, and ends as it does outside of one.

The image takes minutes to build, so it is not built here: `scripts/try_container.sh IMAGE` builds it, and
SAM_SEISMIC_IMAGE=IMAGE names it to these tests.
"""

import os
from pathlib import Path

import pytest

from tests.cluster.runs import CPU, TWO, log, preempted, same_weights, steps, submitted
from tests.cluster.slurm import Cluster

IMAGE = os.environ.get("SAM_SEISMIC_IMAGE")
pytestmark = pytest.mark.skipif(
    IMAGE is None, reason="SAM_SEISMIC_IMAGE names no image: scripts/try_container.sh builds one"
)


@pytest.fixture
def in_container(folder: Path) -> Path:
    """Where jobs run in the container, because it lies there."""
    assert IMAGE is not None
    (folder / "Singularity.sif").symlink_to(Path(IMAGE).resolve())
    return folder


def test_two_tasks_are_preempted_and_go_on(cluster: Cluster, in_container: Path, undisturbed: Path):
    """What serves an image gets the signal, too, and would end before the checkpoint is written."""
    job = submitted(cluster, in_container, "train", "--config", "small.yaml", options=(*TWO, "--partition=spare"))
    steps(cluster, in_container / "runs" / "small", 5)
    assert preempted(cluster, in_container)["JobState"] == "COMPLETED"
    found = cluster.ended(job)
    assert (found["JobState"], found["Restarts"]) == ("COMPLETED", "1"), log(in_container, job)
    assert "Singularity.sif sam-seismic train" in log(in_container, job)
    assert "stopped by SIGTERM after step" in log(in_container, job)
    same_weights(in_container / "runs" / "small", undisturbed)


def test_an_error_in_the_container_ends_the_job(cluster: Cluster, in_container: Path):
    job = submitted(cluster, in_container, "train", "--config", "none.yaml", options=CPU)
    assert cluster.ended(job)["JobState"] == "FAILED"
    assert "there is no such configuration file" in log(in_container, job)
