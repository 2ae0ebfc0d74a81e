"""An experiment and its survey come in; the content and size of its embedding store go out."""

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
from sam_seismic.files.folders import nearest_existing
from sam_seismic.files.units import format_bytes
from sam_seismic.inspection.number_format import format_percent
from sam_seismic.report.blocks import Facts
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Survey
from sam_seismic.tasks.building import build_task
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.initial_weights import find_initial_weights
from sam_seismic.tuning.embedding_store import Group, Recipe, StoredSections, file_size
from sam_seismic.tuning.encoder_cut import EncoderCut
from sam_seismic.tuning.store import EmbeddingStore, cut_facts, set_frozen_precision, store_folder
from sam_seismic.tuning.store_filling import StoreFiller
from sam_seismic.tuning.stored_groups import stored_groups

LOOKUP_LIMIT = 1 << 30
"""Largest size in bytes of weights, and of amplitudes, at which looking up stored embeddings takes a few seconds."""


@dataclass(frozen=True)
class EmbeddingEstimate:
    """Content of the embedding store of a training.

    Args:
        folder: folder of the store.
        sections: number of training and validation sections.
        shapes: shape of each embedding, one for each variant of a section.
        stored: number of embeddings that are stored already; None if looking it up would take long.
        free: free bytes on the disk.
        warnings: problems with which the training would stop.
    """

    folder: Path
    sections: int
    shapes: tuple[tuple[int, int, int], ...]
    stored: int | None
    free: int
    warnings: tuple[str, ...]

    @property
    def size(self) -> int:
        """Size of all embeddings in bytes."""
        return sum(file_size(shape) for shape in self.shapes)

    @property
    def numbers(self) -> int:
        """Count of numbers in all embeddings."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def facts(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "folder": str(self.folder),
            "sections": self.sections,
            "embeddings": len(self.shapes),
            "bytes": self.size,
            "kept": self.stored,
            "disk_free": self.free,
        }

    def block(self) -> Facts:
        """The estimate as a table."""
        count = len(self.shapes)
        stored = "not looked up: that would take long" if self.stored is None else f"{self.stored:,} of {count:,}"
        rows = [
            ("folder", str(self.folder)),
            ("stores", f"{count:,} variants of {self.sections:,} sections in {format_bytes(self.size)}"),
            (
                "of the disk",
                f"{format_percent(self.size / max(1, self.free))} of the {format_bytes(self.free)} that are free",
            ),
            ("stored already", stored),
        ]
        return Facts("Embedding store", rows)


def estimate_embeddings(config: Config, survey: Survey, task: FaciesSegmentation) -> EmbeddingEstimate | None:
    """Estimate the embedding store of a training; None if it uses no store.

    Args:
        config: the experiment.
        survey: survey of the experiment.
        task: task of the experiment, possibly on the `meta` device.

    Raises:
        UserError: a section cannot be read.
    """
    if not config.caches:
        return None
    folder = store_folder(config.train.store)
    filler, stored = _empty_store_filler(config, survey, task, folder), None
    if not _may_be_stored(config, _cut_of(task), folder):
        stored = 0
    elif _quick_to_look_up(config, survey):
        filler = _actual_filler(config)
        stored = len(filler.entries) - len(filler.missing())
    warnings: tuple[str, ...] = ()
    try:
        filler.check_can_store(folder, filler.missing())
    except UserError as error:
        warnings = (f"{error.problem}: {error.fix}",)
    free = shutil.disk_usage(nearest_existing(folder)).free
    sections = sum(len(part.sections) for name in survey.read_in_training for part in survey.named(name))
    shapes = tuple(entry.shape for entry in filler.entries)
    return EmbeddingEstimate(folder, sections, shapes, stored, free, warnings)


def _empty_store_filler(config: Config, survey: Survey, task: FaciesSegmentation, folder: Path) -> StoreFiller:
    """The filler of a store in which nothing is stored."""
    recipe = Recipe(**dict.fromkeys(Recipe.__dataclass_fields__, "not known"))  # type: ignore[arg-type]
    parts = [part for name in survey.read_in_training for part in survey.named(name)]
    group = Group(folder, recipe, "not known")
    transform = CanvasTransform(AmplitudeScale(0.0, 1.0), config.input)
    return StoreFiller(
        [
            SectionDataset(survey.named(name), transform, seed=config.train.seed if name == "train" else None)
            for name in survey.read_in_training
        ],
        StoredSections({(part.name, orientation): group for part in parts for orientation in Orientation}),
        cut=_cut_of(task),
        transform=transform,
    )


def _cut_of(task: FaciesSegmentation) -> EncoderCut:
    assert task.network.cut is not None, "checked by Config.caches"
    return task.network.cut


def _may_be_stored(config: Config, cut: EncoderCut, folder: Path) -> bool:
    """Whether the store has a group that may belong to this experiment, as far as is known without reading weights."""
    known = cut_facts(config, cut)
    return any(known.items() <= dict(group.recipe).items() for group in stored_groups(folder))


def _quick_to_look_up(config: Config, survey: Survey) -> bool:
    """Whether looking up embeddings is quick: weights must be hashed, and sections read to fit the amplitude scale."""
    try:
        weights = find_initial_weights(config.model).file
        files = {
            file
            for name in survey.read_in_training
            for part in survey.named(name)
            for file in part.volume.amplitude.files
        }
        read = sum(file.stat().st_size for file in files if file.is_file())
        return max(read, 0 if weights is None else weights.stat().st_size) <= LOOKUP_LIMIT
    except (UserError, OSError):
        return False


def _actual_filler(config: Config) -> StoreFiller:
    """The filler, as the training would begin it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.train.seed)  # the same random weights as in the training
        module = data_module(config.data, config.input, batch_size=config.train.batch_size, seed=config.train.seed)
        task = build_task(config, module)
    cut = _cut_of(task)
    set_frozen_precision(cut, config)
    return EmbeddingStore(config, module, cut).filler
