"""Each command that runs the network tells of memory that runs out with what helps, and exit code 2."""

import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sam_seismic.files import resume_journal
from sam_seismic.files.resume_journal import Journal
from sam_seismic.networks import SamNetwork
from sam_seismic.tasks.facies import FaciesSegmentation
from tests.cli.running import Made, Run

GPU = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity of 15.77 GiB")


def too_much(*_: object, **__: object) -> Tensor:
    return torch.empty(1 << 50)


def no_room(*_: object, **__: object) -> Tensor:
    raise GPU


@pytest.mark.parametrize(("full", "where"), [(too_much, "this machine"), (no_room, "the GPU: 2.50 GiB")])
@pytest.mark.parametrize("command", ["train", "eval", "predict"])
def test_commands_tell_what_helps(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, full: object, where: str
):
    monkeypatch.setattr(SamNetwork, "decode", full)
    words = {
        "train": ("--config", made.config, "--output", tmp_path / "run"),
        "eval": ("--checkpoint", made.best, "--device", "cpu"),
        "predict": ("--checkpoint", made.best, "--device", "cpu", "--input", made.amplitude,
            "--output", tmp_path / "f.sgy"),
    }  # fmt: skip
    result = run(command, *words[command])
    assert result.exit_code == 2
    assert f"error: out of memory on {where}" in result.stderr
    assert "Traceback" not in result.stderr
    smaller = (
        "--set train.batch_size=1; --set input.canvas=tight" if command == "train" else "--batch-size 1; --precision"
    )
    assert f"fix: try these in turn, until it fits: {smaller}" in result.stderr
    assert not list(tmp_path.glob(".*"))


def test_a_prediction_that_ran_out_of_memory_is_resumed(
    made: Made, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Smaller batches may serve the rest."""
    monkeypatch.setattr(resume_journal, "SECONDS", 0)
    record, section_logits, noted, count = (
        Journal._record,
        FaciesSegmentation.section_logits,
        threading.Event(),
        iter(range(9)),
    )

    def noting(self: Journal, *given: object) -> None:
        record(self, *given)
        noted.set()

    def third_fails(self: FaciesSegmentation, *given: object) -> list[Tensor]:
        if next(count) == 2:
            noted.wait()
            raise GPU
        return section_logits(self, *given)

    command = ("predict", "--checkpoint", made.best, "--input", made.amplitude, "--output", tmp_path / "f.sgy")
    with monkeypatch.context() as patched:
        patched.setattr(Journal, "_record", noting)
        patched.setattr(FaciesSegmentation, "section_logits", third_fails)
        told = run(*command)
    assert told.exit_code == 2
    assert "out of memory on the GPU" in told.stderr
    assert "of 40 steps are finished and kept: --resume goes on with them" in told.stderr
    resumed = run(*command, "--resume", "--batch-size", "1")
    assert resumed.exit_code == 0, resumed.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["f.sgy"]
