"""An experiment and its survey come in; what its embedding store will hold, and whether there is room, goes out."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sam_seismic.config import Config
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.canvas import CanvasTransform
from sam_seismic.data.datamodule import data_module
from sam_seismic.data.dataset import SectionDataset
from sam_seismic.errors import UserError
from sam_seismic.files.units import format_bytes
from sam_seismic.inspection.number_format import percent
from sam_seismic.networks import find_weights
from sam_seismic.report.blocks import Facts
from sam_seismic.survey.parts import Survey
from sam_seismic.survey.volume import Orientation
from sam_seismic.tasks.building import build_task
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.embedding_store import Group, Recipe, StoredSections, file_size, stored_groups
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.store import TRAINED_ON, EmbeddingStore, cut_facts, set_frozen_precision, store_folder
from sam_seismic.tuning.store_filling import StoreFiller

LOOKED_UP = 1 << 30
"""Bytes of weights, and of amplitudes, up to which it takes a second or two to tell what is kept already."""


@dataclass(frozen=True)
class EmbeddingEstimate:
    """What a training keeps of its sections.

    Args:
        folder: of the store.
        sections: how many are trained and validated on.
        shapes: of what is kept, one a variant of a section.
        kept: how many of them are in the store already; None where it would take long to know.
        free: bytes left on the disk.
        warnings: what the training would refuse.
    """

    folder: Path
    sections: int
    shapes: tuple[tuple[int, int, int], ...]
    kept: int | None
    free: int
    warnings: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(file_size(shape) for shape in self.shapes)

    @property
    def numbers(self) -> int:
        """Numbers that are kept of all of it."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def facts(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "folder": str(self.folder),
            "sections": self.sections,
            "embeddings": len(self.shapes),
            "bytes": self.size,
            "kept": self.kept,
            "disk_free": self.free,
        }

    def block(self) -> Facts:
        """For people."""
        count = len(self.shapes)
        kept = "not looked up: that would take long" if self.kept is None else f"{self.kept:,} of {count:,}"
        rows = [
            ("folder", str(self.folder)),
            ("keeps", f"{count:,} variants of {self.sections:,} sections in {format_bytes(self.size)}"),
            ("of the disk", f"{percent(self.size / max(1, self.free))} of the {format_bytes(self.free)} that are free"),
            ("kept already", kept),
        ]
        return Facts("Embedding store", rows)


def estimate_embeddings(config: Config, survey: Survey, blank: FaciesSegmentation) -> EmbeddingEstimate | None:
    """What a training keeps; None where it keeps nothing.

    Args:
        config: the experiment.
        survey: that it reads.
        blank: its network, which need not have content.

    Raises:
        UserError: a section cannot be read.
    """
    if not config.caches:
        return None
    folder = store_folder(config.train.store)
    filling, kept = _foreseen(config, survey, blank, folder), None
    if not _may_be_kept(config, _cut_of(blank), folder):
        kept = 0
    elif _cheap(config, survey):
        filling = _known(config)
        kept = len(filling.entries) - len(filling.missing())
    warnings: tuple[str, ...] = ()
    try:
        filling.check_room(folder, filling.missing())
    except UserError as error:
        warnings = (f"{error.problem}: {error.fix}",)
    there = next(each for each in (folder, *folder.absolute().parents) if each.is_dir())
    sections = sum(len(part.sections) for name in TRAINED_ON for part in survey.named(name))
    shapes = tuple(entry.shape for entry in filling.entries)
    return EmbeddingEstimate(folder, sections, shapes, kept, shutil.disk_usage(there).free, warnings)


def _foreseen(config: Config, survey: Survey, blank: FaciesSegmentation, folder: Path) -> StoreFiller:
    """The filling of a store in which nothing is kept."""
    recipe = Recipe(**dict.fromkeys(Recipe.__dataclass_fields__, "not known"))  # type: ignore[arg-type]
    parts = [part for name in TRAINED_ON for part in survey.named(name)]
    group = Group(folder, recipe, "not known")
    transform = CanvasTransform(AmplitudeScale(0.0, 1.0), config.input)
    return StoreFiller(
        [
            SectionDataset(survey.named(name), transform, seed=config.train.seed if name == "train" else None)
            for name in TRAINED_ON
        ],
        StoredSections({(part.name, orientation): group for part in parts for orientation in Orientation}),
        cut=_cut_of(blank),
        transform=transform,
    )


def _cut_of(task: FaciesSegmentation) -> EncoderCut:
    assert task.network.cut is not None, "the configuration knows what can be kept"
    return task.network.cut


def _may_be_kept(config: Config, cut: EncoderCut, folder: Path) -> bool:
    """Whether anything in the store could be of this experiment, by what is known without reading weights."""
    known = cut_facts(config, cut)
    return any(known.items() <= dict(group.recipe).items() for group in stored_groups(folder))


def _cheap(config: Config, survey: Survey) -> bool:
    """Whether it is quick to tell what of it is kept: weights are hashed, and sections read to fit the scale."""
    try:
        weights = find_weights(config.model)
        files = {file for name in TRAINED_ON for part in survey.named(name) for file in part.volume.amplitude.files}
        read = sum(file.stat().st_size for file in files if file.is_file())
        return max(read, 0 if weights is None else weights.stat().st_size) <= LOOKED_UP
    except (UserError, OSError):
        return False


def _known(config: Config) -> StoreFiller:
    """The filling, as the training would begin it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.train.seed)  # random weights are those of the training
        module = data_module(config.data, config.input, batch_size=config.train.batch_size, seed=config.train.seed)
        task = build_task(config, module)
    cut = _cut_of(task)
    set_frozen_precision(cut, config)
    return EmbeddingStore(config, module, cut).filler
