"""Records of a training: its mean loss, and the progress in its status file."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sam_seismic.runs.callbacks import MeanLoss
from sam_seismic.runs.status import RunStatus, read_status, write_status
from sam_seismic.runs.status_writer import StatusFile


def mean_of(callback: MeanLoss) -> float:
    """The value that it logs at the end of an epoch."""
    logged: list[float] = []
    module = SimpleNamespace(log=lambda _, value, **__: logged.append(float(value)))
    callback.on_train_epoch_end(SimpleNamespace(), module)
    return logged[0]


def test_the_mean_loss_is_over_all_steps_of_an_epoch():
    """Lightning divides losses by the number of accumulated batches; a resumed run continues the mean."""
    trainer, callback = SimpleNamespace(accumulate_grad_batches=2), MeanLoss()
    for losses, mean in (((1.0, 2.0, 6.0), 6.0), ((2.0,), 4.0)):
        callback.on_train_epoch_start()
        for loss in losses:
            callback.on_train_batch_end(trainer, SimpleNamespace(), {"loss": torch.tensor(loss)})
        assert mean_of(callback) == pytest.approx(mean)
    resumed = MeanLoss()
    resumed.load_state_dict(callback.state_dict())
    resumed.on_train_batch_end(trainer, SimpleNamespace(), {"loss": torch.tensor(4.0)})
    assert mean_of(resumed) == pytest.approx((4.0 + 8.0) / 2)


def test_a_resumed_run_counts_from_its_checkpoint(tmp_path: Path):
    path = tmp_path / "status.json"
    before = RunStatus("failed", host="a", epoch=3, epochs=10, step=250, steps=1000, checkpoint=200, restarts=1)
    write_status(path, before)
    with StatusFile(path, None).of_run(resumed=True):
        now = read_status(path)
    assert now is not None
    assert (now.state, now.step, now.checkpoint, now.restarts) == ("starting", 200, 200, 2)
    assert (now.epoch, now.epochs, now.steps) == (3, 10, 1000)
    with StatusFile(path, None).of_run(resumed=False):
        restarted = read_status(path)
    assert restarted is not None
    assert (restarted.step, restarted.checkpoint, restarted.restarts) == (0, None, 0)
