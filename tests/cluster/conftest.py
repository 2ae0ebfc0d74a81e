"""A Slurm of two nodes for the tests of this folder, and small experiments for it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.runs import log, submitted, write_config
from tests.cluster.slurm import Cluster, why_not


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster that is up."""
    if (why := why_not()) is not None:
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # sockets need a short path
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where jobs are submitted from, with the configuration of a small experiment."""
    write_config(tmp_path / "small.yaml", batch_size=2)
    return tmp_path


@pytest.fixture(scope="session")
def undisturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two tasks that nothing interrupted."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_config(folder / "small.yaml", batch_size=2)
    job = submitted(cluster, folder, "train", "--config", "small.yaml")
    assert cluster.ended(job)["JobState"] == "COMPLETED", log(folder, job)
    return folder / "runs" / "small"
