"""On a real Slurm: two tasks train what one trains, and what interrupts them changes nothing in the result."""

import signal
from pathlib import Path

import pytest

from tests.cluster.runs import (
    CPU,
    TWO,
    log,
    lose,
    preempted,
    rows,
    same_weights,
    steps,
    submitted,
    volume_and_checkpoint,
    write_config,
)
from tests.cluster.slurm import NODES, Cluster


def test_two_tasks_train_what_one_trains(cluster: Cluster, folder: Path):
    """With the same sections a step the loss curve is the same, but for the order of additions."""
    write_config(folder / "alone.yaml", batch_size=4)
    jobs = [
        submitted(cluster, folder, "train", "--config", "small.yaml"),
        submitted(cluster, folder, "train", "--config", "alone.yaml", options=CPU),
    ]
    for job in jobs:
        assert cluster.ended(job)["JobState"] == "COMPLETED", log(folder, job)
    together, alone = rows(folder / "runs" / "small"), rows(folder / "runs" / "alone")
    assert len(together) == len(alone) == 3
    for mine, theirs in zip(together, alone, strict=True):
        assert mine["step"] == theirs["step"]
        for name in ("train_loss", "val_loss", "val_mean_iou"):
            assert mine[name] == pytest.approx(theirs[name], rel=2e-3), name
    assert log(folder, jobs[0]).count("split train") == 1, "one task prints"


def test_preempted_it_goes_on(cluster: Cluster, folder: Path, undisturbed: Path):
    job = submitted(cluster, folder, "train", "--config", "small.yaml", options=(*TWO, "--partition=spare"))
    steps(cluster, folder / "runs" / "small", 5)
    assert preempted(cluster, folder)["JobState"] == "COMPLETED"
    found = cluster.ended(job)
    assert (found["JobState"], found["Restarts"]) == ("COMPLETED", "1"), log(folder, job)
    assert "stopped by SIGTERM after step" in log(folder, job)
    same_weights(folder / "runs" / "small", undisturbed)


def test_a_prediction_that_is_preempted_goes_on(cluster: Cluster, folder: Path):
    """On two tasks, with the bytes of one that nothing interrupted."""
    volume_and_checkpoint(cluster, folder, 2000)
    words = ("predict", "--checkpoint", "runs/small/checkpoints/best.ckpt", "--input", "amplitude.sgy", "--orientation",
        "inline", "--batch-size", "1", "--output")  # fmt: skip
    alone = submitted(cluster, folder, *words, "alone.sgy", options=CPU)
    assert cluster.ended(alone)["JobState"] == "COMPLETED", log(folder, alone)
    job = submitted(cluster, folder, *words, "together.sgy", options=(*TWO, "--partition=spare"))
    journal = folder / ".together.sgy.journal"
    cluster.until(lambda: journal.is_file() and len(journal.read_text().splitlines()) > 1, 120)
    assert preempted(cluster, folder)["JobState"] == "COMPLETED"
    found = cluster.ended(job)
    assert (found["JobState"], found["Restarts"]) == ("COMPLETED", "1"), log(folder, job)
    assert "going on after" in log(folder, job)
    assert (folder / "together.sgy").read_bytes() == (folder / "alone.sgy").read_bytes()
    assert not list(folder.glob(".together*"))


TASK = """#!/bin/sh
[ $SLURM_PROCID = 1 ] || { touch "$SAM_SEISMIC_JOB/done"; exit 0; }
trap 'touch "$SAM_SEISMIC_JOB/stopped"; exit 2' TERM
touch waiting
sleep 100 & wait
"""


def test_preempted_as_it_ends_it_is_done(cluster: Cluster, folder: Path):
    """A task that still had to end is stopped, but once more the job would find its own files in the way."""
    job = submitted(cluster, folder, "predict", options=(*TWO, "--partition=spare"), stand_in=TASK)
    cluster.until((folder / "waiting").is_file, 120)
    assert preempted(cluster, folder)["JobState"] == "COMPLETED"
    found = cluster.ended(job)
    assert (found["JobState"], found["Restarts"]) == ("COMPLETED", "0"), log(folder, job)
    assert not (folder / ".sam-seismic-jobs").exists()


def test_a_job_that_is_done_does_nothing_when_it_is_queued_again(cluster: Cluster, folder: Path):
    """Its node was lost as it ended, say."""
    script = "#!/bin/sh\necho run >>runs\ntouch $SAM_SEISMIC_JOB/done\nsleep 100\n"
    job = submitted(cluster, folder, "predict", options=CPU, stand_in=script)
    cluster.until((folder / "runs").is_file, 120)
    assert lose(cluster, NODES[0], job)["JobState"] == "COMPLETED"
    assert "nothing is left to do" in log(folder, job)
    assert (folder / "runs").read_text() == "run\n"
    assert not (folder / ".sam-seismic-jobs").exists()


SLOW = """
import os, time
if os.environ.get("SLURM_RESTART_COUNT", "0") == "0" and "SLURM_PROCID" in os.environ:
    import sam_seismic.tasks.facies as facies
    step = facies.FaciesSegmentation.training_step
    def slow(self, batch):
        time.sleep(4)
        return step(self, batch)
    facies.FaciesSegmentation.training_step = slow
"""


def test_before_its_time_limit_it_is_queued_again(
    cluster: Cluster, folder: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
):
    """With a limit of two minutes, whose signal Slurm sends within the first one; the second try has all the time."""
    (folder / "sitecustomize.py").write_text(SLOW)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    limit = ("--time=2", "--signal=B:USR1@60")
    job = submitted(cluster, folder, "train", "--config", "small.yaml", options=(*TWO, *limit))
    cluster.until(lambda: cluster.job(job).get("Restarts") == "1", 300)
    cluster.set_time_limit(job, minutes=60)
    found = cluster.ended(job)
    assert (found["JobState"], found["Restarts"]) == ("COMPLETED", "1"), log(folder, job)
    said = log(folder, job)
    assert "time is nearly up: asking for a checkpoint" in said
    assert "stopped by SIGUSR1 after step" in said
    same_weights(folder / "runs" / "small", undisturbed)
    assert not (folder / ".sam-seismic-jobs").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_a_task_is_killed(cluster: Cluster, folder: Path, undisturbed: Path, rank: int):
    job = submitted(cluster, folder, "train", "--config", "small.yaml")
    steps(cluster, folder / "runs" / "small", 5)
    cluster.signal_task(job, rank, signal.SIGKILL)
    found = cluster.ended(job)
    assert (found["JobState"], found["Restarts"]) == ("COMPLETED", "1"), log(folder, job)
    assert "lost a task: queued again" in log(folder, job)
    same_weights(folder / "runs" / "small", undisturbed)


@pytest.mark.parametrize("node", NODES)
def test_a_node_is_lost(cluster: Cluster, folder: Path, undisturbed: Path, node: str):
    """The first one runs the batch script, too: nobody is left to ask for another try but Slurm itself.

    There may be more than one restart: Slurm sends the end of the first try again to a node that was lost, and on a
    slow machine that reaches the second try, whose job has the same number.
    """
    job = submitted(cluster, folder, "train", "--config", "small.yaml")
    steps(cluster, folder / "runs" / "small", 5)
    found = lose(cluster, node, job)
    assert found["JobState"] == "COMPLETED", log(folder, job)
    assert int(found["Restarts"]) >= 1, log(folder, job)
    same_weights(folder / "runs" / "small", undisturbed)


FAILING = """
import os
if os.environ.get("SLURM_PROCID") == "1":
    import sam_seismic.tasks.facies as facies
    step = facies.FaciesSegmentation.training_step
    def failing(self, batch):
        if self.global_step == 3:
            raise ArithmeticError("made to fail")
        return step(self, batch)
    facies.FaciesSegmentation.training_step = failing
"""


def test_a_task_that_fails_ends_the_job(cluster: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """At once, with its error, and the job is not queued again."""
    (folder / "sitecustomize.py").write_text(FAILING)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    job = submitted(cluster, folder, "train", "--config", "small.yaml")
    found = cluster.ended(job)
    assert (found["JobState"], found["Restarts"]) == ("FAILED", "0")
    said = log(folder, job)
    assert "ArithmeticError: made to fail" in said
    assert "failed, see above" in said
    assert not (folder / ".sam-seismic-jobs").exists()


def test_an_array_with_an_element_that_fails(cluster: Cluster, folder: Path):
    """Three results and one error; submitted again, it runs that one only."""
    names = [f"c{number}.yaml" for number in range(4)]
    for name in names:
        write_config(folder / name, batch_size=4, epochs=1)
    good = (folder / names[2]).read_text()
    (folder / names[2]).write_text(good.replace("vit_t", "vit_x"))
    words = ["train", *(word for name in names for word in ("--config", name))]
    array = submitted(cluster, folder, *words, options=(*CPU, "--array=0-3"))
    ends = {element: cluster.ended(f"{array}_{element}")["JobState"] for element in range(4)}
    assert ends == {0: "COMPLETED", 1: "COMPLETED", 2: "FAILED", 3: "COMPLETED"}
    before = {name: (folder / "runs" / name / "metrics.csv").stat().st_mtime_ns for name in ("c0", "c1", "c3")}
    (folder / names[2]).write_text(good)
    again = submitted(cluster, folder, *words, options=(*CPU, "--array=0-3"))
    assert {cluster.ended(f"{again}_{element}")["JobState"] for element in range(4)} == {"COMPLETED"}
    assert (folder / "runs" / "c2" / "metrics.csv").is_file()
    for name, time in before.items():
        assert (folder / "runs" / name / "metrics.csv").stat().st_mtime_ns == time


def test_a_configuration_that_contradicts_the_grant(cluster: Cluster, folder: Path):
    job = submitted(cluster, folder, "train", "--config", "small.yaml", "--set", "trainer.devices=4")
    assert cluster.ended(job)["JobState"] == "FAILED"
    assert "trainer.devices: 4, but Slurm granted 1 tasks on each node" in log(folder, job)


def test_a_volume_and_a_store_are_made_together(cluster: Cluster, folder: Path):
    """Two tasks write the bytes that one writes."""
    volume_and_checkpoint(cluster, folder, 24)
    jobs = []
    for name, options in (("alone", CPU), ("together", TWO)):
        words = ("predict", "--checkpoint", "runs/small/checkpoints/best.ckpt", "--input", "amplitude.sgy", "--output",
            f"{name}.sgy", "--probabilities", f"{name}_p.sgy", "--orientation", "both")  # fmt: skip
        jobs.append(submitted(cluster, folder, *words, options=options))
        frozen = ("--set", "model.encoder=frozen", "--set", f"train.store={folder / name}", "--batch-size", "1")
        jobs.append(submitted(cluster, folder, "embed", "--config", "small.yaml", *frozen, options=options))
    for job in jobs:
        assert cluster.ended(job)["JobState"] == "COMPLETED", log(folder, job)
    volumes = sorted(path.name for path in folder.glob("alone*.sgy"))
    assert len(volumes) > 2
    for name in volumes:
        other = folder / name.replace("alone", "together")
        assert (folder / name).read_bytes() == other.read_bytes(), name
    kept = {path.relative_to(folder / "alone") for path in (folder / "alone").rglob("*.npy")}
    assert kept
    for path in kept:
        assert (folder / "alone" / path).read_bytes() == (folder / "together" / path).read_bytes()
    assert not list(folder.glob(".*.exchange"))


def test_a_cancelled_job_is_not_queued_again(cluster: Cluster, folder: Path, undisturbed: Path):
    """It stops with a checkpoint, which whoever wants to can go on from."""
    job = submitted(cluster, folder, "train", "--config", "small.yaml")
    steps(cluster, folder / "runs" / "small", 5)
    cluster.cancel(job)
    found = cluster.ended(job)
    assert (found["JobState"], found["Restarts"]) == ("CANCELLED", "0"), log(folder, job)
    cluster.until(lambda: not cluster.busy(), 60)
    assert cluster.job(job)["JobState"] == "CANCELLED"
    again = submitted(cluster, folder, "train", "--config", "small.yaml", "--resume")
    assert cluster.ended(again)["JobState"] == "COMPLETED", log(folder, again)
    same_weights(folder / "runs" / "small", undisturbed)
