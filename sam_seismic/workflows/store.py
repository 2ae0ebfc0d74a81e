"""An experiment comes in; what it keeps of its sections, where, and how that gets there before training goes out."""

import time
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback

from sam_seismic.config import Config
from sam_seismic.config.places import cache_folder
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.errors import UserError
from sam_seismic.survey.disk import in_words
from sam_seismic.survey.fingerprint import fingerprint
from sam_seismic.survey.volume import Orientation
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.cut import HALVES, hold
from sam_seismic.tuning.embeddings import Group, KeptSections, Recipe, file_size, weights_hash
from sam_seismic.tuning.filling import Filling
from sam_seismic.workflows.listener import Listener

TRAINED_ON = ("train", "val")
"""The splits that are read again and again."""


def hold_frozen(task: FaciesSegmentation, config: Config) -> None:
    """Hold the frozen part of the encoder in half precision where the training is mixed."""
    blocks = config.model.blocks_below
    if blocks != 0 and config.trainer.precision in HALVES:
        hold(task.image_encoder, blocks, HALVES[config.trainer.precision])


class Store:
    """What an experiment keeps, and where.

    Args:
        config: the experiment.
        module: its data.
        task: its network, the frozen part held as it is trained on.
    """

    def __init__(self, config: Config, module: SeismicDataModule, task: FaciesSegmentation) -> None:
        self.folder = store_folder(config.train.store)
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(
                problem=f"{self.folder}: is a file, not an embedding store", fix="name a folder in train.store"
            )
        self._batch_size = config.train.batch_size
        blocks, encoder = config.model.blocks_below, task.image_encoder
        weights = weights_hash(encoder, blocks)
        groups = {}
        for part in (part for name in TRAINED_ON for part in module.survey.named(name)):
            amplitude = part.volume.amplitude
            for orientation in Orientation:
                if any(ref.orientation is orientation for ref in part.sections):
                    recipe = Recipe(
                        weights=weights,
                        size=config.model.size,
                        blocks=blocks,
                        precision=str(encoder.pos_embed.dtype).removeprefix("torch."),
                        survey=fingerprint(amplitude, orientation),
                        center=module.scale.center,
                        clip=module.scale.clip,
                        channels="repeat",
                        fit=config.input.fit,
                        side=config.input.side,
                        canvas=config.input.canvas,
                    )
                    groups[part.name, orientation] = Group(self.folder, recipe, f"{orientation}s of {amplitude.path}")
        self.kept = KeptSections(groups)
        datasets = [module.dataset(name) for name in TRAINED_ON]
        self.filling = Filling(
            datasets, self.kept, encoder=encoder, blocks=blocks, scale=module.scale, inputs=config.input
        )

    def fill(self, listener: Listener, *, share: tuple[int, int] | None = None, batch_size: int | None = None) -> None:
        """Encode what is missing.

        Args:
            listener: is told how much and how far.
            share: (which, of how many) processes that fill it together.
            batch_size: sections at a time; None for that of the training.

        Raises:
            UserError: the disk has no room, or a section cannot be read or encoded.
        """
        self.kept.use()  # from now on nobody takes it for forgotten
        entries, missing = self.filling.entries, self.filling.missing()
        size = sum(file_size(entry.shape) for entry in entries)
        listener.say(f"embeddings: {len(entries):,}, {in_words(size)}, in {self.folder}, {len(missing):,} to encode")
        if missing:
            self.filling.check_room(self.folder, missing)
            start = time.monotonic()
            self.filling.run(
                batch_size=batch_size or self._batch_size,
                share=share,
                done=lambda done, total: listener.progress("encode", done, total),
            )
            listener.say(f"encoded in {time.monotonic() - start:.0f} s")


class FillStore(Callback):
    """Fills the store before training begins, each process its share, on the device of the training.

    Args:
        store: of this experiment.
        listener: is told on the first process.
    """

    def __init__(self, store: Store, listener: Listener) -> None:
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
        self._store.kept.use()


def store_folder(chosen: Path | None) -> Path:
    """The folder of a store: the one that was chosen, else in the user's cache."""
    return chosen or cache_folder("embeddings")
