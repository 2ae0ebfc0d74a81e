"""An embedding store comes in; before training begins, each process fills its share of it."""

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic.errors import UserError
from sam_seismic.listener import Listener
from sam_seismic.tuning.store import EmbeddingStore


class FillStore(Callback):
    """Fills the store before training begins, each process its share, on the device of the training.

    Args:
        store: of this experiment.
        listener: told by the first process only.
    """

    def __init__(self, store: EmbeddingStore, listener: Listener) -> None:
        self._store = store
        self._listener = listener

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Fill this process's share, and wait until all processes have filled theirs.

        Raises:
            UserError: this process, or another one, could not encode its share.
        """
        world, failed = trainer.world_size, None
        try:
            self._store.fill(self._listener, share=(trainer.global_rank, world) if world > 1 else None)
        except (UserError, OSError) as error:
            failed = error
        # Agree on failure; otherwise the other processes hang.
        if trainer.strategy.reduce_boolean_decision(failed is None, all=True):
            return
        raise failed or UserError(
            problem="another process of this training could not encode its share of the sections",
            fix="fix the problem that it reports; sections that were encoded before remain in the store",
        )

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Mark the embeddings as used, so that `embed --prune` does not remove them during a long run."""
        self._store.stored.mark_used()
