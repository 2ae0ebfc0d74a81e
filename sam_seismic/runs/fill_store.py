"""An embedding store comes in; before training begins, every process fills its share of it."""

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic.errors import UserError
from sam_seismic.listener import Listener
from sam_seismic.tuning.store import EmbeddingStore


class FillStore(Callback):
    """Fills the store before training begins, each process its share, on the device of the training.

    Args:
        store: of this experiment.
        listener: is told on the first process.
    """

    def __init__(self, store: EmbeddingStore, listener: Listener) -> None:
        self._store = store
        self._listener = listener

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """Fill it, and wait until all processes have.

        Raises:
            UserError: this process, or another one, could not encode its share.
        """
        world, failed = trainer.world_size, None
        try:
            self._store.fill(self._listener, share=(trainer.global_rank, world) if world > 1 else None)
        except (UserError, OSError) as error:
            failed = error
        # All must hear of it: a process that waits for one that has ended would end in a fault of its own.
        if trainer.strategy.reduce_boolean_decision(failed is None, all=True):
            return
        raise failed or UserError(
            problem="another process of this training could not encode its share of the sections",
            fix="see what it said; what was encoded until then is kept",
        )

    def on_train_epoch_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:  # noqa: ARG002
        """A long run keeps its embeddings from being taken for forgotten."""
        self._store.stored.use()
