"""Settings go in; a survey, its labels, weights and configurations come out, for rows of whole commands."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from sam_seismic.config import Config
from sam_seismic.sam import SIZES, ImageEncoder, build_sam
from sam_seismic.survey.synthetic import model_survey
from sam_seismic.workflows.demo import write_pair

from .encoder import SECTION
from .measure import Settings
from .peers import randomise
from .rows import Row

INLINES = 20
"""Of which the last fifth are to measure on."""


@dataclass(frozen=True)
class Road:
    """What whole commands are run on.

    Args:
        folder: for everything.
        device: to run on.
        size: of the network.
        encoder: its image encoder, float32 on that device.
        classes: names of the facies.
        batch: sections at a time.
        inlines: of the survey.
    """

    folder: Path
    device: torch.device
    size: str
    encoder: ImageEncoder
    classes: tuple[str, ...]
    batch: int
    inlines: int

    @property
    def amplitude(self) -> Path:
        """A SEG-Y."""
        return self.folder / "amplitude.sgy"

    def new(self, name: str) -> Path:
        """A path where nothing is."""
        path = self.folder / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        return path

    def config(
        self, canvas: str, precision: str, *, cache: bool = True, epochs: int = 2, refill: bool = True
    ) -> Config:
        """A frozen encoder, without augmentation; with a store, a new one unless said, or encoding in each step."""
        store = (self.new("store") if refill else self.folder / "store") if cache else None
        return Config.model_validate(
            {
                "data": {
                    "amplitude": self.amplitude,
                    "labels": self.folder / "labels.sgy",
                    "classes": self.classes,
                    "split": {"along": "inline", "val": 0.2, "test": 0, "guard": 0},
                },
                "input": {"canvas": canvas, "flip": 0},
                "model": {"size": self.size, "weights": self.folder / "weights.pth"},
                "train": {"epochs": epochs, "batch_size": self.batch, "cache": cache, "store": store},
                "trainer": {
                    "accelerator": self.device.type,
                    "devices": 1,
                    "precision": "32-true" if precision == "float32" else "bf16-mixed",
                },
            }
        )

    def row(self, group: str, what: str, *, canvas: str, precision: str) -> Row:
        """A row of these settings, without figures."""
        what = f"{what}, {self.size}, {canvas} canvas, {precision}, batch {self.batch}"
        return Row(group=group, what=what, seconds=0)


@contextmanager
def made_road(settings: Settings) -> Iterator[Road]:
    """Make it all, with random weights of the first size; it is removed in the end."""
    with own_folder() as folder:
        samples, traces = (64, 96) if settings.quick else SECTION
        inlines = INLINES // 2 if settings.quick else INLINES
        survey = model_survey((inlines, traces, samples), 0)
        write_pair(survey, folder / "amplitude.sgy", folder / "labels.sgy")
        size = next((size for size in settings.sizes if size in SIZES), "vit_t")
        sam = build_sam(size).eval()
        randomise(sam, 0)
        torch.save(sam.state_dict(), folder / "weights.pth")
        encoder = sam.image_encoder.to(settings.device)
        yield Road(folder, settings.device, size, encoder, survey.facies.names, max(settings.batches), inlines)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that is removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    # Headers of large files are remembered; nobody's own cache is touched.
    before = os.environ.get("SAM_SEISMIC_CACHE")
    os.environ["SAM_SEISMIC_CACHE"] = str(folder / "cache")
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
        if before is None:
            del os.environ["SAM_SEISMIC_CACHE"]
        else:
            os.environ["SAM_SEISMIC_CACHE"] = before
