"""A training that ended no better than it began, or than a guess, is told in words; one that improved is not."""

from pathlib import Path

import numpy as np

from sam_seismic.config import TrainConfig
from sam_seismic.report.training import Curve
from sam_seismic.runs.status import RunStatus, read_status, write_status
from sam_seismic.runs.status_writer import StatusFile
from sam_seismic.runs.training_notes import progress_notes, training_notes
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import LabelledVolume
from sam_seismic.survey.memory import MemoryVolume
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.splits import SectionRef

RATE = TrainConfig(learning_rate=1e-3)


def notes(*scores: float) -> tuple[str, ...]:
    return progress_notes(Curve(tuple(range(1, len(scores) + 1)), scores), RATE)


def test_a_training_that_improved_is_not_spoken_of():
    assert notes(0.3, 0.29, 0.31) == ()
    assert notes(0.3) == ()  # a single epoch cannot be compared
    assert notes(1.0, 1.0) == ()


def test_a_training_that_only_got_worse_is_told_with_a_lower_rate():
    (note,) = notes(0.5, 0.4, 0.45)
    assert "no epoch was better on the validation lines than epoch 1, with a mean IoU of 0.500" in note
    assert "train.learning_rate: 0.0001 (now 0.001)" in note


def test_a_training_that_stood_still_is_told():
    (note,) = notes(0.161, 0.16101, 0.161)
    assert "was 0.161 after each of 3 epochs: the network learned nothing" in note


def test_the_best_epoch_is_compared_with_the_guesses(tmp_path: Path):
    """By depth, half of the voxels of each class of the validation line are right: a mean IoU of 1/3."""
    labels = np.uint8([[[0, 0, 1, 1]], [[0, 1, 0, 1]]])  # [inline, crossline, sample]: train, val
    grid = Geometry.complete(range(2), range(1), 4)
    volume = LabelledVolume(
        MemoryVolume(labels.astype(np.float32), grid), MemoryVolume(labels, grid), FaciesTable(("a", "b"))
    )
    parts = {
        name: Part(name, volume, (SectionRef(Orientation.INLINE, line),)) for line, name in enumerate(("train", "val"))
    }
    survey, table = Survey(parts, volume.facies), tmp_path / "metrics.csv"
    table.write_text("epoch,val_mean_iou\n1,0.2\n2,0.32\n")
    (note,) = training_notes(table, survey, RATE)
    assert (
        "the network (mean IoU 0.320) is no better on the validation lines than the guess by depth only (0.333)" in note
    )
    table.write_text("epoch,val_mean_iou\n1,0.2\n2,0.34\n")
    assert training_notes(table, survey, RATE) == ()


def test_notes_stand_in_the_status(tmp_path: Path):
    path = tmp_path / "status.json"
    status = StatusFile(path, None)
    with status.of_run(resumed=False):
        status.add_notes(["IL 18 is the only line"])
    found = read_status(path)
    assert found is not None
    assert (found.state, list(found.notes)) == ("finished", ["IL 18 is the only line"])
    write_status(path, RunStatus("training"))
    assert read_status(path) is not None
