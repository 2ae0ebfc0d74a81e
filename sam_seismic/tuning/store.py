"""An experiment comes in; what it keeps of its sections, where, and how that gets there before training goes out."""

import time
from pathlib import Path

from sam_seismic.config import Config
from sam_seismic.config.places import cache_folder
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.errors import UserError
from sam_seismic.files.units import format_bytes
from sam_seismic.listener import Listener
from sam_seismic.sam import ImageEncoder
from sam_seismic.survey.fingerprint import fingerprint
from sam_seismic.survey.volume import Orientation
from sam_seismic.tuning.cut import HALVES, hold
from sam_seismic.tuning.embedding_store import Group, KeptSections, Recipe, file_size, weights_hash
from sam_seismic.tuning.store_filling import StoreFiller

TRAINED_ON = ("train", "val")
"""The splits that are read again and again."""


def hold_frozen(encoder: ImageEncoder, config: Config) -> None:
    """Hold the frozen part of the encoder in half precision where the training is mixed."""
    blocks = config.model.blocks_below
    if blocks != 0 and config.trainer.precision in HALVES:
        hold(encoder, blocks, HALVES[config.trainer.precision])


class Store:
    """What an experiment keeps, and where.

    Args:
        config: the experiment.
        module: its data.
        encoder: of its network, the frozen part held as it is trained on.
    """

    def __init__(self, config: Config, module: SeismicDataModule, encoder: ImageEncoder) -> None:
        self.folder = store_folder(config.train.store)
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(
                problem=f"{self.folder}: is a file, not an embedding store", fix="name a folder in train.store"
            )
        self._batch_size = config.train.batch_size
        blocks = config.model.blocks_below
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
        self.filling = StoreFiller(
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
        listener.say(
            f"embeddings: {len(entries):,}, {format_bytes(size)}, in {self.folder}, {len(missing):,} to encode"
        )
        if missing:
            self.filling.check_room(self.folder, missing)
            start = time.monotonic()
            self.filling.run(
                batch_size=batch_size or self._batch_size,
                share=share,
                done=lambda done, total: listener.progress("encode", done, total),
            )
            listener.say(f"encoded in {time.monotonic() - start:.0f} s")


def store_folder(chosen: Path | None) -> Path:
    """The folder of a store: the one that was chosen, else in the user's cache."""
    return chosen or cache_folder("embeddings")
