"""Rows of whole commands on two processes, one thread each, against one such process: twice as fast at best."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from sam_seismic.config import dump_config
from sam_seismic.runs.status import status_of

from .measure import Settings
from .road import Road, made_road
from .rows import Row

PROCESSES = (1, 2)
PROGRAM = (sys.executable, "-m", "sam_seismic")
BATCH = 4
"""Sections a step, on all processes together."""
EPOCHS = 4
"""Of a training; its time for a step is a mean over all of them, with validation and checkpoints."""


def measure(settings: Settings) -> Iterator[Row]:
    """Rows for training from the store, filling it, and predicting, on the tight canvas."""
    with made_road(settings) as road:
        config = road.config("tight", "float32")
        path = road.folder / "scaling.yaml"
        path.write_text(dump_config(config))
        best = road.folder / "best.ckpt"
        # This one fills the store for the others.
        shutil.copy(_run_of(road, path, 1) / "checkpoints" / "best.ckpt", best)
        works = {
            "training from the store, for one section": lambda count: _train(road, path, count),
            f"`embed`, {road.inlines} sections and start": lambda count: _embed(road, path, count),
            f"`predict`, {road.inlines} sections and start": lambda count: _predict(road, best, count),
        }
        for what, work in works.items():
            found: dict[int, list[float]] = {count: [] for count in PROCESSES}
            for number in range(settings.rounds):
                for count in PROCESSES[:: 1 - 2 * (number % 2)]:  # another one begins each time
                    found[count].append(work(count))
            one, two = (statistics.median(found[count]) for count in PROCESSES)
            yield Row(
                group="scaling",
                what=f"{what}: {road.size}, tight canvas, float32, 2 processes",
                seconds=two,
                against="1 process",
                their_seconds=one,
            )


def _train(road: Road, config: Path, count: int) -> float:
    """Seconds for a section, with as many sections a step on however many processes."""
    pace = status_of(_run_of(road, config, count)).pace
    assert pace is not None, "it has made steps"
    return pace / BATCH


def _run_of(road: Road, config: Path, count: int) -> Path:
    """The folder of a new run; what one keeps of the sections, another one reads."""
    run = road.new("scaled")
    changes = {
        "train.epochs": EPOCHS,
        "train.batch_size": BATCH // count,
        "trainer.devices": count,
        "trainer.strategy": "ddp" if count > 1 else "auto",
    }
    sets = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    words = ["train", "--config", str(config), "--output", str(run), *sets]
    ran = subprocess.run([*PROGRAM, *words], env=_one_thread(), capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} failed:\n{ran.stderr}")
    return run


def _embed(road: Road, config: Path, count: int) -> float:
    store = road.new("scaled-store")
    return _as_tasks(["embed", "--config", str(config), "--set", f"train.store={store}"], count)


def _predict(road: Road, checkpoint: Path, count: int) -> float:
    facies = road.new("facies.sgy")
    words = ["predict", "--checkpoint", str(checkpoint), "--input", str(road.amplitude), "--output", str(facies)]
    return _as_tasks([*words, "--batch-size", "1"], count)


def _as_tasks(words: Sequence[str], count: int) -> float:
    """Seconds of a command, run as the tasks of a job: what Slurm tells them stands in their environment."""
    job = {
        "SLURM_JOB_ID": "1",
        "SLURM_STEP_ID": "0",
        "SLURM_NTASKS": str(count),
        "SLURM_NNODES": "1",
        "SLURM_NTASKS_PER_NODE": str(count),
        "SLURM_CPUS_PER_TASK": "1",
    }
    begin = time.perf_counter()
    with ExitStack() as stack:
        told = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(count)]
        tasks = [
            subprocess.Popen(
                [*PROGRAM, *words, "--device", "cpu"],
                env=_one_thread() | job | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)},
                stdout=subprocess.DEVNULL,
                stderr=file,
            )
            for rank, file in enumerate(told)
        ]
        while None in (ends := [task.poll() for task in tasks]) and not any(ends):
            time.sleep(0.01)
        seconds = time.perf_counter() - begin
        for task in tasks:  # where one fails, the others would wait for it
            task.kill()
            task.wait()
        for end, file in zip(ends, told, strict=True):
            if end:
                file.seek(0)
                raise RuntimeError(f"{' '.join(words)} failed:\n{file.read()}")
    return seconds


def _one_thread() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
