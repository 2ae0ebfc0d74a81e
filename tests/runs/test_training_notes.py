"""What is noted beside a training: its mean loss, and in its status file how far it is."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sam_seismic.runs.callbacks import MeanLoss
from sam_seismic.runs.status import RunStatus, read_status, write_status
from sam_seismic.runs.status_writer import StatusFile


def mean_of(noted: MeanLoss) -> float:
    """What it would tell at the end of the epoch."""
    told: list[float] = []
    noted.on_train_epoch_end(SimpleNamespace(), SimpleNamespace(log=lambda _, value, **__: told.append(float(value))))
    return told[0]


def test_the_mean_loss_is_of_all_steps_of_an_epoch():
    """Lightning has divided the losses by the batches whose gradients are added up; a resumed run goes on."""
    trainer, noted = SimpleNamespace(accumulate_grad_batches=2), MeanLoss()
    for losses, mean in (((1.0, 2.0, 6.0), 6.0), ((2.0,), 4.0)):
        noted.on_train_epoch_start()
        for loss in losses:
            noted.on_train_batch_end(trainer, SimpleNamespace(), {"loss": torch.tensor(loss)})
        assert mean_of(noted) == pytest.approx(mean)
    resumed = MeanLoss()
    resumed.load_state_dict(noted.state_dict())
    resumed.on_train_batch_end(trainer, SimpleNamespace(), {"loss": torch.tensor(4.0)})
    assert mean_of(resumed) == pytest.approx((4.0 + 8.0) / 2)


def test_a_run_that_goes_on_is_as_far_as_its_checkpoint(tmp_path: Path):
    path = tmp_path / "status.json"
    before = RunStatus("failed", host="a", epoch=3, epochs=10, step=250, steps=1000, checkpoint=200, restarts=1)
    write_status(path, before)
    with StatusFile(path, None).of_run(resumed=True):
        now = read_status(path)
    assert now is not None
    assert (now.state, now.step, now.checkpoint, now.restarts) == ("starting", 200, 200, 2)
    assert (now.epoch, now.epochs, now.steps) == (3, 10, 1000)
    with StatusFile(path, None).of_run(resumed=False):
        anew = read_status(path)
    assert anew is not None
    assert (anew.step, anew.checkpoint, anew.restarts) == (0, None, 0)
