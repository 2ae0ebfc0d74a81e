"""Rows of a training with labels on few lines of a survey, against one with labels on all of them."""

import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sam_seismic.config import Config
from sam_seismic.listener import Silent
from sam_seismic.sam import SIZES
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import SyntheticSurvey, model_survey
from sam_seismic.workflows.train import TrainRequest, train

from .encoder import SECTION
from .measure import Settings
from .road import own_folder
from .rows import Row

INLINES = 500
INTERPRETED = 6
NOT_INTERPRETED = -1


def measure(settings: Settings) -> Iterator[Row]:
    """A row for one epoch with a frozen encoder, from opening the files to the end, its store filled on the way."""
    size = next((size for size in settings.sizes if size in SIZES), "vit_t")
    samples, traces = (64, 96) if settings.quick else SECTION
    survey = model_survey((60 if settings.quick else INLINES, traces, samples), 0)
    with own_folder() as folder:
        few = np.linspace(0, len(survey.geometry.inlines) - 1, INTERPRETED).round().astype(int)
        configs = {
            "few": _config(folder, survey, few, size=size, settings=settings),
            "all": _config(folder, survey, np.arange(len(survey.geometry.inlines)), size=size, settings=settings),
        }
        seconds: dict[str, list[float]] = {name: [] for name in configs}
        stored: dict[str, float] = {}
        for number in range(settings.rounds):
            for name in list(configs)[:: 1 - 2 * (number % 2)]:  # another one begins each time
                store, run = folder / f"store-{name}-{number}", folder / f"run-{name}-{number}"
                train_config = configs[name].train.model_copy(update={"store": store})
                begin = time.perf_counter()
                train(TrainRequest(configs[name].model_copy(update={"train": train_config}), run), Silent())
                seconds[name].append(time.perf_counter() - begin)
                stored[name] = sum(path.stat().st_size for path in store.rglob("*") if path.is_file()) / 1e6
                shutil.rmtree(store)
                shutil.rmtree(run)
        yield Row(
            group="sparse",
            what=f"{INTERPRETED} of {len(survey.geometry.inlines)} inlines interpreted: {size}, tight canvas, float32",
            seconds=statistics.median(seconds["few"]),
            against="all of them",
            their_seconds=statistics.median(seconds["all"]),
            memory=stored["few"],
            their_memory=stored["all"],
        )


def _config(folder: Path, survey: SyntheticSurvey, lines: np.ndarray, *, size: str, settings: Settings) -> Config:
    """A training on these lines, written with their labels into a folder; the others are not interpreted."""
    amplitude, labels = folder / "amplitude.sgy", folder / f"labels-{len(lines)}.sgy"
    if not amplitude.exists():
        write_segy(amplitude, survey.amplitude, survey.geometry)
    values = np.full(survey.labels.shape, NOT_INTERPRETED, np.int8)
    values[lines] = survey.labels[lines]
    write_segy(labels, values, survey.geometry, format="int8")
    return Config.model_validate(
        {
            "data": {
                "amplitude": amplitude,
                "labels": labels,
                "classes": survey.facies.names,
                "ignore_values": [NOT_INTERPRETED],
            },
            "input": {"canvas": "tight", "flip": 0},
            "model": {"size": size, "weights": "random"},
            "train": {"epochs": 1, "batch_size": max(settings.batches), "cache": True},
            "trainer": {"accelerator": settings.device.type, "devices": 1, "precision": "32-true"},
        }
    )
