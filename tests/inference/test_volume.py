"""Prediction of whole volumes: volumes store the mean of two orientations, a folder stores each section unmerged."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch

from sam_seismic.config import DataConfig, InputConfig, SamConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.errors import SurveyError
from sam_seismic.files import resume_journal as journals
from sam_seismic.files.resume_journal import Journal
from sam_seismic.inference import (
    Facies,
    Output,
    PredictionJob,
    Probability,
    RankExchange,
    predict_sections,
    predict_volume,
)
from sam_seismic.networks import build_network
from sam_seismic.survey.arrays import ArrayResult
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.images import FolderResult, FolderVolume
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.result import Result
from sam_seismic.survey.volume import Section, Volume
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation

BOTH = tuple(Orientation)
GRID = Geometry.complete(range(10, 15), range(30, 37), 9)
LABELS, FLOATS = np.dtype(np.int8), np.dtype(np.float32)
NAMES = [*(f"il_{line}" for line in GRID.inlines), *(f"xl_{line}" for line in GRID.crosslines)]


@pytest.fixture(scope="module")
def task() -> FaciesSegmentation:
    """An untrained network, whose probabilities still differ from section to section."""
    torch.manual_seed(0)
    metadata = CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=InputConfig(side=64),
        model=SamConfig(size="vit_t", weights="random"),
        facies=FaciesTable(("sand", "shale", "salt"), (1, 2, 6)),
        scale=AmplitudeScale(center=0.0, clip=3.0),
        split=(),
        weights_hash=None,
        version="0.1.0",
    )
    return FaciesSegmentation(build_network(metadata.model, 3), metadata).eval()


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
    task: FaciesSegmentation,
    volume: Volume,
    orientations: Sequence[Orientation],
    classes: Result,
    progress: Callable[[int, int], None] = lambda done, total: None,
    **probabilities: Result,
) -> None:
    names = task.metadata.facies.names
    outputs = [Output(classes, Facies(task.metadata.facies))]
    outputs += [Output(result, Probability(names.index(name))) for name, result in probabilities.items()]
    job = PredictionJob(task, volume, tuple(orientations), batch_size=2)
    with Journal([classes.path], {}, steps=job.sections) as journal, ExitStack() as stack:
        journal.claim()
        for output in outputs:
            stack.enter_context(output.result)
        predict_volume(job, outputs, journal=journal, exchange=RankExchange(classes.path), progress=progress)


def array(path: Path, dtype: np.dtype[np.generic]) -> ArrayResult:
    return ArrayResult(path, dtype, geometry=GRID, overwrite=False)


def test_a_folder_stores_each_section_unmerged(task: FaciesSegmentation, volume: MemoryVolume, tmp_path: Path):
    """Sections of both orientations, under their own names, each with its own probabilities."""
    folder = as_folder(volume, tmp_path / "in")
    probability = FolderResult(tmp_path / "p", FLOATS, overwrite=False)
    predict(task, folder, BOTH, FolderResult(tmp_path / "out", LABELS, overwrite=False), shale=probability)
    labels, shale = FolderVolume(tmp_path / "out"), FolderVolume(tmp_path / "p")
    assert sorted(path.stem for path in (tmp_path / "out").iterdir()) == NAMES
    for orientation, line in [(each, line) for each in Orientation for line in folder.lines(each).tolist()]:
        expected = next(predict_sections(task, [folder.section(orientation, line)]))  # [class, sample, trace]
        np.testing.assert_allclose(shale.section(orientation, line).values, expected[1], atol=1e-5)
        ordered = np.sort(expected, axis=0)
        certain = ordered[-1] - ordered[-2] > 1e-4  # a batch of one may round differently
        values = np.array([1, 2, 6])[expected.argmax(axis=0)]
        np.testing.assert_array_equal(labels.section(orientation, line).values[certain], values[certain])


def test_a_folder_gets_unmerged_probabilities_also_with_a_volume(
    task: FaciesSegmentation, volume: MemoryVolume, tmp_path: Path
):
    """The mean for the facies volume must not overwrite the inline probabilities for the folder."""
    folder = as_folder(volume, tmp_path / "in")
    probability = FolderResult(tmp_path / "p", FLOATS, overwrite=False)
    predict(task, folder, BOTH, array(tmp_path / "f.npy", LABELS), shale=probability)
    shale = FolderVolume(tmp_path / "p")
    for orientation, line in ((each, int(line)) for each in BOTH for line in folder.lines(each)):
        expected = next(predict_sections(task, [folder.section(orientation, line)]))  # [class, sample, trace]
        np.testing.assert_allclose(shale.section(orientation, line).values, expected[1], atol=1e-5)


def test_a_volume_gets_the_mean_also_with_a_folder(task: FaciesSegmentation, volume: MemoryVolume, tmp_path: Path):
    """Facies in a folder are not merged, probabilities in a volume are."""
    folder = as_folder(volume, tmp_path / "in")
    probabilities = {name: array(tmp_path / f"{name}.npy", FLOATS) for name in task.metadata.facies.names}
    predict(task, folder, BOTH, FolderResult(tmp_path / "out", LABELS, overwrite=False), **probabilities)
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
    np.testing.assert_allclose(np.load(tmp_path / "salt.npy"), mean, atol=2e-3)  # crosslines wait in half precision
    total = sum(np.load(tmp_path / f"{name}.npy") for name in probabilities)
    np.testing.assert_allclose(total, 1, atol=3e-3)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("orientation", BOTH)
def test_threads_do_not_change_the_bytes(
    task: FaciesSegmentation, volume: MemoryVolume, tmp_path: Path, orientation: Orientation
):
    """Reading and writing on other threads give the same bytes as a plain loop over the batches."""
    probability = array(tmp_path / "p.npy", FLOATS)
    predict(task, volume, [orientation], array(tmp_path / "f.npy", LABELS), shale=probability)
    lines = volume.lines(orientation).tolist()
    expected = []
    for start in range(0, len(lines), 2):
        sections = [volume.section(orientation, line) for line in lines[start : start + 2]]
        expected += [probabilities[1].T for probabilities in predict_sections(task, sections)]  # [trace, sample]
    axis = 0 if orientation is Orientation.INLINE else 1
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), np.stack(expected, axis=axis))


class Damaged(MemoryVolume):
    """A volume whose inline 14 cannot be read."""

    def section(self, orientation: Orientation, line: int) -> Section:
        if line == 14:
            raise SurveyError(problem="IL 14 is damaged", fix="copy the file again")
        return super().section(orientation, line)


class Full(ArrayResult):
    """A result on a disk that has no room for inline 12."""

    def write(self, section: Section) -> None:
        if section.line == 12:
            raise SurveyError(problem="the disk is full", fix="free some space")
        super().write(section)


@pytest.mark.parametrize("broken", ["reading", "writing"])
def test_an_error_on_another_thread_is_raised_unchanged(
    task: FaciesSegmentation, volume: MemoryVolume, tmp_path: Path, broken: str
):
    before = threading.active_count()
    given = Damaged(volume.values, GRID) if broken == "reading" else volume
    kind = Full if broken == "writing" else ArrayResult
    with pytest.raises(SurveyError) as refused:
        predict(task, given, [Orientation.INLINE], kind(tmp_path / "f.npy", LABELS, geometry=GRID, overwrite=False))
    assert (refused.value.problem, refused.value.fix) in {
        ("IL 14 is damaged", "copy the file again"),
        ("the disk is full", "free some space"),
    }
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == before


class Watched(ArrayResult):
    """A result that records the written lines, and their number at each sync."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, LABELS, geometry=GRID, overwrite=False)
        self.written: list[int] = []
        self.synced: list[int] = []

    def write(self, section: Section) -> None:
        super().write(section)
        self.written.append(section.line)

    def sync(self) -> None:
        super().sync()
        self.synced.append(len(self.written))


def test_the_journal_never_counts_sections_that_are_not_written(
    task: FaciesSegmentation, volume: MemoryVolume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It counts whole batches, in order, after a sync; an interrupt records what was written before it."""
    record, recorded = Journal._record, []
    result = Watched(tmp_path / "f.npy")

    def record_and_check(self: Journal, finished: int, files: Sequence[Result]) -> None:
        record(self, finished, files)
        assert result.synced[-1] == finished
        recorded.append((finished, threading.current_thread() is threading.main_thread()))

    monkeypatch.setattr(Journal, "_record", record_and_check)
    monkeypatch.setattr(journals, "SECONDS", 0)
    reported: list[int] = []

    def stop(done: int, total: int) -> None:
        reported.append(done)
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        predict(task, volume, [Orientation.CROSSLINE], result, stop)
    assert result.written == list(GRID.crosslines)[: len(result.written)]
    finished = [count for count, _ in recorded]
    assert finished == [2, 4, 6, 7][: len(finished)]
    assert reported == sorted(reported)
    assert f"{finished[-1]} of 7 steps are finished" in stopped.value.__notes__[0]
    assert not any(main for _, main in recorded), "the network does not wait for the disk"
