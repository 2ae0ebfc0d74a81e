"""Losses, gradients and weights of a training come in; it ends before a number that is not finite is trained or saved.

All processes of a distributed training decide together, so that none waits for another one that has ended.
"""

from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from sam_seismic.config import Config, TrainConfig
from sam_seismic.errors import UserError
from sam_seismic.listener import Listener
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.tuning.finite import all_finite
from sam_seismic.tuning.parameters import trainable_parameters
from sam_seismic.tuning.sharding import local_part

MOST_SKIPPED = 20
"""Steps that mixed precision may skip in a row. Each halves the factor of the loss, which is 2^16 at first: by then it
is below 1, and gradients that still overflow do not overflow because of it."""


class NotFiniteError(Exception):
    """A number of a training is NaN or infinite; its message says which one, and at which step."""


class FiniteNumbers(Callback):
    """Ends a training with NotFiniteError before a step, a best epoch or a checkpoint that is not finite.

    With `16-mixed` the loss is multiplied by a factor, and a step whose gradients overflow is skipped and the factor
    halved. Such steps are counted, and told at the end of the training.

    Args:
        listener: told by the first process only.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._first_step = 0
        self._skipped = 0
        self._in_a_row = 0
        self._loss: Tensor | float = 0.0
        """Sum of the losses since the last step: of several batches where gradients are accumulated."""

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Count from here on."""
        self._first_step, self._skipped, self._in_a_row, self._loss = trainer.global_step, 0, 0, 0.0

    def on_before_backward(
        self,
        trainer: lightning.Trainer,  # noqa: ARG002
        pl_module: lightning.LightningModule,  # noqa: ARG002
        loss: Tensor,
    ) -> None:
        """Remember the loss until the step, which waits for the device anyway."""
        self._loss = self._loss + loss.detach().sum()

    def on_before_optimizer_step(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        optimizer: Optimizer,
    ) -> None:
        """Look at the loss and the gradients of a step.

        Raises:
            NotFiniteError: one of them is not finite, on any process, and mixed precision cannot skip the step.
        """
        loss, self._loss = self._loss, 0.0
        norm = _gradient_norm(optimizer)
        # Together, since each look at a number waits for the GPU.
        loss_is, gradients_are = torch.stack([torch.as_tensor(loss).to(norm), norm]).isfinite().tolist()
        if not _any_process(trainer, here=not (loss_is and gradients_are)):
            self._in_a_row = 0
            return
        if _any_process(trainer, here=not loss_is):
            raise NotFiniteError(f"the loss of {_next_step(trainer)} is not a finite number")
        self._skipped, self._in_a_row = self._skipped + 1, self._in_a_row + 1
        if not _skips_steps(trainer) or self._in_a_row > MOST_SKIPPED:
            raise NotFiniteError(f"the gradients of {_next_step(trainer)} are not finite numbers")

    def on_validation_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Look at the loss of a validation, before its epoch can become the best one.

        Raises:
            NotFiniteError: it is not finite. Its processes have the same one.
        """
        loss = trainer.callback_metrics.get("val_loss")
        if loss is not None and not loss.isfinite():
            raise NotFiniteError(f"the validation loss after {_last_step(trainer)} is not a finite number")

    def on_save_checkpoint(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        checkpoint: dict[str, Any],  # noqa: ARG002
    ) -> None:
        """Look at the trained weights before they are saved.

        Raises:
            NotFiniteError: one is not finite, on any process.
        """
        if _any_process(trainer, here=not all_finite(trainable_parameters(pl_module))):
            raise NotFiniteError(f"the weights after {_last_step(trainer)} are not finite numbers")

    def on_train_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Tell how many steps were skipped.

        Raises:
            NotFiniteError: all of them were, so that nothing was trained.
        """
        steps = trainer.global_step - self._first_step
        if not self._skipped:
            return
        if self._skipped == steps:
            raise NotFiniteError(f"the gradients of all {steps} steps were not finite numbers")
        self._listener.say(
            f"note: mixed precision skipped {self._skipped:,} of {steps:,} steps, whose gradients overflowed"
        )


def not_finite(error: NotFiniteError, config: Config, folder: RunFolder) -> UserError:
    """What a user is told of a training that has ended with this error.

    Args:
        error: that ended it.
        config: the experiment.
        folder: of the run, with the checkpoints that it has written.
    """
    kept = " and ".join(path.name for path in (folder.best, folder.last) if path.is_file())
    remedies = finite_remedies(config)
    turns = "one of these, the first that helps: " if len(remedies) > 1 else ""
    return UserError(
        problem=f"{folder.path}: {error}: the training was stopped; "
        + (f"kept from earlier steps: {kept}" if kept else "there is no checkpoint yet"),
        fix=f"train anew{', with --overwrite and' if kept else ' with'} {turns}{'; '.join(remedies)}",
    )


def finite_remedies(config: Config) -> list[str]:
    """Options with which a training stays finite that did not, those that are likelier to help first.

    Args:
        config: the experiment.
    """
    train, default = config.train, TrainConfig()
    slower = min(default.learning_rate, train.learning_rate / 10)
    rates = [f"--set train.learning_rate={slower:g} (it was {train.learning_rate:g})"]
    if train.encoder_rate > default.encoder_rate:
        rates.append(f"--set train.encoder_rate={default.encoder_rate:g} (it was {train.encoder_rate:g})")
    clip = [] if config.trainer.gradient_clip_val is not None else ["--set trainer.gradient_clip_val=1"]
    wider = {"16-mixed": ("bf16-mixed", "32-true"), "bf16-mixed": ("32-true",), "32-true": ()}
    precision = [f"--set trainer.precision={wide}" for wide in wider[config.trainer.precision]]
    half_first = config.trainer.precision == "16-mixed" and train.learning_rate <= default.learning_rate
    return precision + rates + clip if half_first else rates + clip + precision


def _gradient_norm(optimizer: Optimizer) -> Tensor:
    """The norm of all gradients, of sharded ones that of this process; it is not finite if one of them is not."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return get_total_norm([local_part(each.grad) for each in parameters if each.grad is not None])


def _skips_steps(trainer: lightning.Trainer) -> bool:
    """Whether the precision has a scaler of the loss, which skips steps whose gradients are not finite."""
    return getattr(trainer.precision_plugin, "scaler", None) is not None


def _any_process(trainer: lightning.Trainer, *, here: bool) -> bool:
    """Whether something is so on any process. A collective operation: all processes call it."""
    return bool(trainer.strategy.reduce_boolean_decision(here, all=False))


def _next_step(trainer: lightning.Trainer) -> str:
    return f"step {trainer.global_step + 1} (epoch {trainer.current_epoch + 1})"


def _last_step(trainer: lightning.Trainer) -> str:
    return f"step {trainer.global_step} (epoch {trainer.current_epoch + 1})"
