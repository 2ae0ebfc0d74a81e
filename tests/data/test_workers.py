"""When the processes that read sections cannot go on, the training ends with the reason; it never waits forever."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from sam_seismic.config import DataConfig, InputConfig, SplitConfig
from sam_seismic.data.batches import Batch, CanvasBatch, Sample
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.data.frame import Frame
from sam_seismic.data.loader import _collate_shared, _of_workers
from sam_seismic.errors import UserError
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef


def with_memory(size: str) -> tuple[str, ...]:
    """What runs a command with so much shared memory; Docker gives 64 MB."""
    return ("unshare", "--mount", "bash", "-c", f'mount -t tmpfs -o size={size} tmpfs /dev/shm && exec "$@"', "bash")


def volumes(folder: Path) -> dict[str, Path | tuple[str, ...]]:
    shape = (24, 40, 32)
    np.save(folder / "a.npy", np.random.default_rng(0).normal(size=shape).astype(np.float32))
    np.save(folder / "l.npy", (np.arange(32) // 16 * np.ones(shape)).astype(np.uint8))
    return {"amplitude": folder / "a.npy", "labels": folder / "l.npy", "classes": ("sand", "shale")}


@pytest.mark.follows("data/loader.py", "if it was killed, memory was probably short: lower data.workers")
def test_a_killed_worker_ends_the_loader(tmp_path: Path):
    data = DataConfig.model_validate({**volumes(tmp_path), "split": SplitConfig(val=0.2, guard=1), "workers": 1})
    loader = SeismicDataModule(data, InputConfig(side=64), batch_size=1).train_dataloader()
    batches = iter(loader)
    next(batches)
    os.kill(loader._iterator._workers[0].pid, signal.SIGKILL)
    with pytest.raises(UserError, match=r"a process that reads sections has ended: ") as caught:
        list(batches)
    assert "lower data.workers, or set it to 0" in caught.value.fix
    alone = SeismicDataModule(data.model_copy(update={"workers": 0}), InputConfig(side=64), batch_size=1)
    assert len(list(alone.train_dataloader())) == len(loader)


@pytest.mark.follows("data/loader.py", "set data.workers to 0, or {}")
@pytest.mark.follows("data/loader.py", "raise the limit: ulimit -n 4096")
def test_too_few_open_files_end_the_loader(tmp_path: Path):
    """Each batch of a worker needs descriptors of its own; PyTorch advises on its own interface.

    When that happens depends on how fast the two processes are; that the limit is raised, and no worker is needed, does
    not.
    """

    def failing() -> Iterator[Batch]:
        raise RuntimeError("Too many open files. Communication with the workers is no longer possible.")
        yield

    with pytest.raises(UserError, match="cannot hand over sections: too many open files") as caught:
        next(_of_workers(failing()))
    assert caught.value.fix == "set data.workers to 0, or raise the limit: ulimit -n 4096"
    command = caught.value.fix.partition("limit: ")[2]
    words = ["bash", "-c", f"ulimit -S -n 256; {command}; ulimit -n"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "4096\n"
    data = DataConfig.model_validate({**volumes(tmp_path), "split": SplitConfig(val=0.2, guard=1), "workers": 0})
    loader = SeismicDataModule(data, InputConfig(side=64), batch_size=1).train_dataloader()
    assert len(list(loader)) == len(loader)


@pytest.mark.parametrize("limit", [24, 27, 30])
def test_a_worker_without_descriptors_ends_the_loader(tmp_path: Path, limit: int):
    """Its threads hand batches over; where they fail, PyTorch would wait for the batch forever."""
    program = f"""
import resource
from pathlib import Path
from sam_seismic.config import DataConfig, InputConfig
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.errors import UserError
data = DataConfig.model_validate({volumes(tmp_path)!r} | {{"split": {{"val": 0.2, "guard": 1}}, "workers": 1}})
module = SeismicDataModule(data, InputConfig(side=64), batch_size=4)
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))
try:
    kept = [batch for _ in range(9) for batch in module.train_dataloader()]
except UserError as error:
    print(error.problem)
""".replace("PosixPath", "Path")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "the worker processes cannot hand over sections: too many open files\n", done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("message", ["Caught RuntimeError in DataLoader worker process 0.", "a size differs"])
def test_other_errors_stay_as_they_are(message: str):
    def failing() -> Iterator[Batch]:
        raise RuntimeError(message)
        yield

    with pytest.raises(RuntimeError, match=message):
        next(_of_workers(failing()))


class Crowded(CanvasBatch):
    """A batch for which there is no shared memory."""

    def share_memory(self) -> "Crowded":
        raise RuntimeError("unable to allocate shared memory(shm): No space left on device (28)\na second line")


def test_a_batch_without_room_is_told_in_its_place():
    sample = Sample(
        torch.zeros(3, 64, 64),
        Frame((40, 32), (64, 64), (40, 32)),
        torch.zeros(40, 32),
        SectionRef(Orientation.INLINE, 3),
    )
    told = _collate_shared([sample], Crowded)
    assert isinstance(told, UserError)
    assert told.problem.endswith("unable to allocate shared memory(shm): No space left on device (28)")
    assert "--shm-size" in told.fix
    batch = _collate_shared([sample], CanvasBatch)
    assert isinstance(batch, CanvasBatch)
    assert batch.images[0].is_shared()


def can_mount() -> bool:
    """Whether this process may mount file systems, which root may, unless a container forbids it."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*with_memory("1m"), "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.follows("data/loader.py", "set data.workers to 0, or mend /dev/shm, which must exist, have room and be")
def test_workers_that_cannot_start_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """PyTorch would print a traceback beside the error, which named no file."""
    data = DataConfig.model_validate({**volumes(tmp_path), "split": SplitConfig(val=0.2, guard=1), "workers": 1})
    loader = SeismicDataModule(data, InputConfig(side=64), batch_size=1).train_dataloader()
    for number, told, fix in (
        (errno.EROFS, "cannot start: read-only file system", "/dev/shm"),
        (errno.EMFILE, "cannot hand over sections: too many open files", "ulimit -n 4096"),
    ):
        failing = OSError(number, os.strerror(number))
        monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", Mock(side_effect=failing))
        with pytest.raises(UserError, match=f"the worker processes {told}") as caught:
            next(iter(loader))
        assert caught.value.fix.startswith("set data.workers to 0, or ")
        assert fix in caught.value.fix
        assert loader._iterator is None
    alone = SeismicDataModule(data.model_copy(update={"workers": 0}), InputConfig(side=64), batch_size=1)
    next(iter(alone.train_dataloader()))
    monkeypatch.undo()
    next(iter(loader))


READING = """
import sys
from pathlib import Path
from sam_seismic.config import load_config
from sam_seismic.tasks.building import data_module
config = load_config(Path(sys.argv[1]), ["input={fit: resize, side: 320}", *sys.argv[2:]])
print(len(list(data_module(config.data, config.input, batch_size=1, seed=0).train_dataloader())))
"""
"""A program that reads all training batches with its worker, and holds them."""


@pytest.mark.follows("data/loader.py", "enlarge /dev/shm: in Docker --shm-size 2g", elsewhere=True)
@pytest.mark.skipif(not can_mount(), reason="this process may not mount a small /dev/shm")
def test_a_small_shared_memory_ends_a_training(tmp_path: Path):
    """PyTorch's worker would drop the batch with a traceback, and the training would wait for it."""
    words = [f"{name}={value}" for name, value in volumes(tmp_path).items() if name != "classes"]
    config = "data: {classes: [sand, shale], orientation: inline, workers: 1, split: {val: 0.2, guard: 1}}\n"
    (tmp_path / "small.yaml").write_text(config + "model: {size: vit_t, weights: random, encoder: full}\n")
    given = [word for name in words for word in ("--set", f"data.{name}")]
    command = [sys.executable, "-m", "sam_seismic", "train", "--config", "small.yaml", "--output", "run", *given]
    command += ["--set", "input={fit: resize, side: 320}", "--set", "trainer={accelerator: cpu}"]
    command += ["--set", "train.batch_size=1"]
    done = subprocess.run([*with_memory("1m"), *command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "the worker processes cannot hand over sections: unable to allocate shared memory" in done.stderr
    assert "fix: set data.workers to 0, or enlarge /dev/shm: in Docker --shm-size 2g" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
    size = done.stderr.partition("--shm-size ")[2].split()[0]
    reading = [sys.executable, "-c", READING, str(tmp_path / "small.yaml"), *(f"data.{name}" for name in words)]
    done = subprocess.run(
        [*with_memory(size), *reading], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "13\n"), done.stderr
