"""Whole volumes from sections: where two orientations meet they are averaged, a folder gets each section back."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch

from sam_seismic.config import DataConfig, InputConfig, ModelConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.inference import Facies, Output, Probability, predict_sections, predict_volume
from sam_seismic.inference.volume import count_sections
from sam_seismic.sam import build_sam
from sam_seismic.survey.arrays import ArrayResult
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.images import FolderResult, FolderVolume
from sam_seismic.survey.journal import Journal
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Geometry, Orientation, Volume
from sam_seismic.tasks.checkpoint import Card
from sam_seismic.tasks.facies import FaciesSegmentation

BOTH = tuple(Orientation)
GRID = Geometry.complete(range(10, 15), range(30, 37), 9)
LABELS, FLOATS = np.dtype(np.int8), np.dtype(np.float32)
NAMES = [*(f"il_{line}" for line in GRID.inlines), *(f"xl_{line}" for line in GRID.crosslines)]


@pytest.fixture(scope="module")
def task() -> FaciesSegmentation:
    """Untrained: its probabilities still differ from section to section."""
    torch.manual_seed(0)
    card = Card(
        data=DataConfig(source="synthetic"),
        inputs=InputConfig(side=64),
        model=ModelConfig(size="vit_t", weights="random"),
        facies=FaciesTable(("sand", "shale", "salt"), (1, 2, 6)),
        scale=AmplitudeScale(center=0.0, clip=3.0),
        split=(),
        weights_hash=None,
        version="0.1.0",
    )
    return FaciesSegmentation(build_sam("vit_t"), card).eval()


@pytest.fixture
def volume() -> MemoryVolume:
    return MemoryVolume(np.random.default_rng(0).normal(size=GRID.shape).astype(np.float32), GRID)


def as_folder(volume: Volume, path: Path) -> FolderVolume:
    """All sections of a volume, of both orientations, as pictures."""
    with FolderResult(path, FLOATS, overwrite=False) as result:
        for orientation in BOTH:
            for line in volume.lines(orientation).tolist():
                result.write(volume.section(orientation, line))
    return FolderVolume(path)


def predict(
    task: FaciesSegmentation, volume: Volume, orientations: Sequence[Orientation], classes: Result, **planes: Result
) -> None:
    names = task.card.facies.names
    outputs = [Output(classes, Facies(task.card.facies))]
    outputs += [Output(result, Probability(names.index(name))) for name, result in planes.items()]
    with Journal([classes.path], {}, steps=count_sections(volume, orientations)) as journal, ExitStack() as stack:
        journal.claim()
        for output in outputs:
            stack.enter_context(output.result)
        predict_volume(
            task,
            volume,
            orientations,
            outputs,
            journal=journal,
            batch_size=2,
            done=lambda done, total: None,
        )


def array(path: Path, dtype: np.dtype[np.generic]) -> ArrayResult:
    return ArrayResult(path, dtype, geometry=GRID, overwrite=False)


def test_a_folder_gets_each_section_back(task: FaciesSegmentation, volume: MemoryVolume, tmp_path: Path):
    """Sections of both orientations, under their own names, each with its own probabilities."""
    folder = as_folder(volume, tmp_path / "in")
    probability = FolderResult(tmp_path / "p", FLOATS, overwrite=False)
    predict(task, folder, BOTH, FolderResult(tmp_path / "out", LABELS, overwrite=False), shale=probability)
    labels, shale = FolderVolume(tmp_path / "out"), FolderVolume(tmp_path / "p")
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == NAMES
    for orientation, line, _ in folder.sections():
        expected = next(predict_sections(task, [folder.section(orientation, line)]))  # [class, sample, trace]
        np.testing.assert_allclose(shale.section(orientation, line).values, expected[1], atol=1e-5)
        decided = np.sort(expected, axis=0)
        sure = decided[-1] - decided[-2] > 1e-4  # a batch of one may round differently
        values = np.array([1, 2, 6])[expected.argmax(axis=0)]
        np.testing.assert_array_equal(labels.section(orientation, line).values[sure], values[sure])


def test_volumes_get_the_mean_even_beside_a_folder(task: FaciesSegmentation, volume: MemoryVolume, tmp_path: Path):
    """Facies as a folder, probabilities as a volume: each in its own way."""
    folder = as_folder(volume, tmp_path / "in")
    planes = {name: array(tmp_path / f"{name}.npy", FLOATS) for name in task.card.facies.names}
    predict(task, folder, BOTH, FolderResult(tmp_path / "out", LABELS, overwrite=False), **planes)
    for orientation in BOTH:
        predict(
            task,
            volume,
            [orientation],
            array(tmp_path / f"{orientation}.npy", LABELS),
            salt=(array(tmp_path / f"{orientation}_salt.npy", FLOATS)),
        )
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == NAMES
    mean = (np.load(tmp_path / "inline_salt.npy") + np.load(tmp_path / "crossline_salt.npy")) / 2
    np.testing.assert_allclose(np.load(tmp_path / "salt.npy"), mean, atol=2e-3)  # half precision in the merge
    total = sum(np.load(tmp_path / f"{name}.npy") for name in planes)
    np.testing.assert_allclose(total, 1, atol=3e-3)
    assert not list(tmp_path.glob(".*"))
