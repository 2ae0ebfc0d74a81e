"""The configuration and data of an experiment come in; its embedding store, which can be filled, goes out."""

import os
import time
from functools import partial
from pathlib import Path
from typing import TypedDict

from sam_seismic.config import Config
from sam_seismic.config.places import cache_folder
from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.errors import UserError
from sam_seismic.files.units import format_bytes
from sam_seismic.listener import Listener
from sam_seismic.survey.fingerprint import fingerprint
from sam_seismic.survey.geometry import Orientation
from sam_seismic.tuning.embedding_store import Group, Recipe, StoredSections, file_size, weights_hash
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.precision import FROZEN_DTYPES
from sam_seismic.tuning.store_filling import StoreFiller


def set_frozen_precision(cut: EncoderCut | None, config: Config) -> None:
    """Convert the frozen part of a network to half precision if the training is in mixed precision."""
    if cut is not None and config.trainer.precision in FROZEN_DTYPES:
        cut.set_precision(FROZEN_DTYPES[config.trainer.precision])


class EmbeddingStore:
    """The stored features of an experiment's sections.

    Args:
        config: the experiment.
        module: data of the experiment.
        cut: encoder of the experiment, with the frozen part in the precision of the training.
    """

    def __init__(self, config: Config, module: SeismicDataModule, cut: EncoderCut) -> None:
        self.folder = store_folder(config.train.store)
        # Of a folder that may not be searched nothing is known; what it lacks is told when it is filled.
        if os.path.exists(self.folder) and not os.path.isdir(self.folder):  # noqa: PTH110, PTH112
            raise UserError(
                problem=f"{self.folder}: is a file, not an embedding store", fix="name a folder in train.store"
            )
        self._batch_size = config.train.batch_size
        weights = weights_hash(cut)
        groups = {}
        for part in (part for name in module.survey.read_in_training for part in module.survey.named(name)):
            amplitude = part.volume.amplitude
            for orientation in Orientation:
                if any(ref.orientation is orientation for ref in part.sections):
                    recipe = Recipe(
                        **cut_facts(config, cut),
                        weights=weights,
                        precision=str(cut.dtype).removeprefix("torch."),
                        survey=fingerprint(amplitude, orientation),
                        center=module.transform.scale.center,
                        clip=module.transform.scale.clip,
                        channels="repeat",
                    )
                    groups[part.name, orientation] = Group(self.folder, recipe, f"{orientation}s of {amplitude.path}")
        self.stored = StoredSections(groups)
        datasets = [module.dataset(name) for name in module.survey.read_in_training]
        self.filler = StoreFiller(datasets, self.stored, cut=cut, transform=module.transform)

    def fill(self, listener: Listener, *, share: tuple[int, int] | None = None, batch_size: int | None = None) -> None:
        """Encode the sections that are not stored yet.

        Args:
            listener: receives the amount and the progress.
            share: (rank, number of ranks) of processes that fill the store together.
            batch_size: sections encoded at a time; None for the batch size of the training.

        Raises:
            UserError: the disk has no room, or a section cannot be read or encoded.
        """
        self.stored.mark_used()  # so that another process does not prune it
        entries, missing = self.filler.entries, self.filler.missing()
        size = sum(file_size(entry.shape) for entry in entries)
        listener.say(
            f"embeddings: {len(entries):,}, {format_bytes(size)}, in {self.folder}, {len(missing):,} to encode"
        )
        if missing:
            self.filler.check_can_store(self.folder, missing)
            start = time.monotonic()
            self.filler.run(
                batch_size=batch_size or self._batch_size,
                share=share,
                progress=partial(listener.progress, "encode"),
            )
            listener.say(f"encoded in {time.monotonic() - start:.0f} s")


def store_folder(chosen: Path | None) -> Path:
    """The folder of a store: the chosen one, or the default in the user's cache."""
    return chosen or cache_folder("embeddings")


class CutFacts(TypedDict):
    """The fields of a recipe that are known without reading weights and amplitudes."""

    size: str
    blocks: int | None
    fit: str
    side: int
    canvas: str


def cut_facts(config: Config, cut: EncoderCut) -> CutFacts:
    """The fields of a recipe that describe the network and the canvas."""
    return {
        "size": config.model.name,
        "blocks": None if cut.frozen.neck else cut.frozen.blocks,
        "fit": config.input.fit,
        "side": config.input.side,
        "canvas": config.input.canvas,
    }
