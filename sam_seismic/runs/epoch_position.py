"""A checkpoint comes in; a resumed run goes on at the same point of its epoch and of its learning rate.

That matters where an epoch has another number of steps than before: with another batch size, or on more devices.
"""

from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic.tasks.facies import FaciesSegmentation

BATCHES = "batches_an_epoch"
"""Key of a checkpoint. Runs of earlier versions have none, and resume as if the number had not changed."""


class EpochPosition(Callback):
    """Records how many batches an epoch has, and translates the position in an epoch of another number of batches.

    Sections are drawn into batches by their size: within an epoch that goes on with another batch size, a few sections
    may be read twice, and others not.
    """

    def on_save_checkpoint(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,  # noqa: ARG002
        checkpoint: dict[str, Any],
    ) -> None:
        """Record the number of batches."""
        checkpoint[BATCHES] = int(trainer.num_training_batches)

    def on_load_checkpoint(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Translate the position; Lightning calls this before it restores its loops from the same checkpoint."""
        if BATCHES not in checkpoint:
            return
        assert isinstance(pl_module, FaciesSegmentation), "the task of a training"
        steps = int(trainer.estimated_stepping_batches) // int(trainer.max_epochs or 1)  # an epoch; it makes the loader
        before, batches = checkpoint[BATCHES], int(trainer.num_training_batches)
        loop = checkpoint["loops"]["fit_loop"]
        progress, epochs = loop["epoch_loop.batch_progress"], loop["epoch_progress"]["current"]["processed"]
        counts = progress["current"]
        given = counts["ready"]
        if before != batches:
            given = batches if progress["is_last_batch"] else given * batches // before
            # A run goes on between two steps, not between two batches of a step.
            given -= given % trainer.accumulate_grad_batches if given < batches else 0
            # At the end of a batch, where the checkpoint was saved, Lightning has not counted it as completed yet.
            progress["current"] = {name: count - counts["ready"] + given for name, count in counts.items()}
        within = 0 if epochs > checkpoint["epoch"] else given * steps // batches
        pl_module.steps_ahead = epochs * steps + within - checkpoint["global_step"]
