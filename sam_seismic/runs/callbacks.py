"""Steps of a training or a test come in; progress for the listener, the mean loss and metrics.csv go out."""

import csv
import io
import math
from pathlib import Path
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from sam_seismic.files.atomic import write_text
from sam_seismic.listener import Listener


class MeanLoss(Callback):
    """Logs `train_loss`, the mean over the steps of an epoch, also if the run was stopped within it and resumed."""

    def __init__(self) -> None:
        self._total: float | Tensor = 0.0
        self._steps = 0

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start from zero. Lightning does not call this for an epoch that is resumed within."""
        self._total, self._steps = 0.0, 0

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, *_: Any
    ) -> None:
        """Add the loss of a step; the sum stays on the device of the loss."""
        self._total = self._total + _loss(trainer, outputs)
        self._steps += 1

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Log the mean over all processes."""
        pl_module.log("train_loss", self._total / self._steps, sync_dist=True)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint saves."""
        return {"total": float(self._total), "steps": self._steps}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what a checkpoint saved."""
        self._total, self._steps = state_dict["total"], state_dict["steps"]


def _loss(trainer: lightning.Trainer, outputs: Any) -> Tensor:
    """The loss of a step, without Lightning's division by the number of batches whose gradients are accumulated."""
    loss: Tensor = outputs["loss"].detach() * trainer.accumulate_grad_batches
    return loss


class TrainingProgress(Callback):
    """Tells the listener of every step, and of the losses and scores of every epoch.

    Args:
        listener: told by the first process only.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Report a step."""
        if trainer.is_global_zero:
            steps = int(trainer.num_training_batches)
            what = f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}"
            self._listener.progress(what, batch_idx + 1, steps, f"loss {float(_loss(trainer, outputs)):.3f}")

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        """Report a batch of a validation, but not of the sanity check before training."""
        if trainer.is_global_zero and not trainer.sanity_checking:
            done, total = (
                int(trainer.fit_loop.epoch_loop.val_loop.batch_progress.current.ready),
                trainer.num_val_batches,
            )
            self._listener.progress("validate", done, int(sum(total)))

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Report the losses and scores of an epoch."""
        if trainer.is_global_zero:
            metrics = trainer.callback_metrics
            shown = {"train_loss": "loss", "val_loss": "val loss", "val_mean_iou": "val mean IoU"}
            values = ", ".join(f"{name} {float(metrics[key]):.3f}" for key, name in shown.items() if key in metrics)
            self._listener.say(f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: {values}")


class TestProgress(Callback):
    """Tells the listener of every batch of a test.

    Args:
        listener: told by the first process only.
        what: name of the work in the progress bar.
    """

    def __init__(self, listener: Listener, what: str) -> None:
        self._listener = listener
        self._what = what

    def on_test_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Report a batch."""
        if trainer.is_global_zero:
            self._listener.progress(self._what, batch_idx + 1, int(sum(trainer.num_test_batches)))


class MetricsFile(Callback):
    """Writes metrics.csv: one row for each epoch, counted from 1.

    A resumed run continues the file of the run; rows of epochs that it trains again are replaced.

    Args:
        path: of metrics.csv.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Write the whole file again, with the row of this epoch."""
        if not trainer.is_global_zero:
            return
        row: dict[str, Any] = {"epoch": trainer.current_epoch + 1, "step": trainer.global_step}
        row |= {"learning_rate": trainer.optimizers[0].param_groups[0]["lr"]}
        metrics = sorted(trainer.callback_metrics.items())
        if (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1):
            metrics = [(name, value) for name, value in metrics if not name.startswith("val_")]  # of an earlier epoch
        row |= {name: _cell(float(value)) for name, value in metrics if not name.endswith("_step")}
        rows = [old for old in self._rows() if int(old["epoch"]) <= trainer.current_epoch] + [row]
        columns = list(dict.fromkeys(name for each in rows for name in each))
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, columns)
        writer.writeheader()
        writer.writerows(rows)
        write_text(self._path, table.getvalue())

    def _rows(self) -> list[dict[str, Any]]:
        if not self._path.is_file():
            return []
        with self._path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))


def _cell(value: float) -> float | str:
    return "" if math.isnan(value) else round(value, 6)
