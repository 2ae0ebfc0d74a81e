"""The picture of a confusion matrix has percentages of the true class, voxel counts and IoU."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.report import confusion_picture
from sam_seismic.report.scores import confusion_figure, row_shares, short_count
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.facies import FaciesTable

FACIES = FaciesTable(("upper_ns", "rijnland_chalk", "zechstein"))

CONFUSION = np.array([[6_000_000, 2_000_000, 0], [1, 11_999, 0], [0, 0, 0]], dtype=np.int64)
SCORES = FaciesScores(FACIES.names, CONFUSION)


def test_confusion_is_shown_in_percent_of_the_true_class_with_counts(look):
    matrix, bars = confusion_figure(SCORES).axes
    np.testing.assert_allclose(row_shares(CONFUSION)[0], [75, 25, 0])
    shown = look.image(matrix)
    np.testing.assert_allclose(shown[:2], row_shares(CONFUSION)[:2])
    assert shown.mask[2].all(), "an absent class has no shares, not shares of zero"
    texts = [text.get_text() for text in matrix.texts]
    assert texts == ["75.0", "6 M", "25.0", "2 M", "0", "<0.1", "1", "100.0", "12 k", "0"]
    assert [label.get_text() for label in matrix.get_yticklabels()] == list(FACIES.names)
    assert [label.get_text() for label in matrix.get_xticklabels()] == list(FACIES.names)
    assert [text.get_text() for text in bars.texts] == [f"{SCORES.iou[0]:.3f}", f"{SCORES.iou[1]:.3f}", "absent"]
    np.testing.assert_allclose([bar.get_width() for bar in bars.patches], [*SCORES.iou[:2], 0])


def test_a_class_that_was_never_trained_on_is_marked_at_its_iou():
    bars = confusion_figure(SCORES, ["rijnland_chalk"]).axes[1]
    texts = [text.get_text() for text in bars.texts]
    assert texts == [f"{SCORES.iou[0]:.3f}", f"{SCORES.iou[1]:.3f}, never trained on", "absent"]


def test_confusion_title_holds_the_scores_of_all_classes():
    title = confusion_figure(SCORES).get_suptitle()
    assert f"pixel accuracy {SCORES.pixel_accuracy:.3f}" in title
    assert f"mean class accuracy {SCORES.mean_class_accuracy:.3f}" in title
    assert f"mean IoU {SCORES.mean_iou:.3f}" in title


@pytest.mark.parametrize("classes", [2, 8, 40])
def test_confusion_of_few_and_many_classes(look, tmp_path: Path, classes: int):
    confusion = np.random.default_rng(0).integers(0, 10**7, (classes, classes))
    names = tuple(f"a_long_class_name_{index}" for index in range(classes))
    confusion_picture(tmp_path / "confusion.png", FaciesScores(names, confusion))
    width, height = look.png(tmp_path / "confusion.png")
    assert 500 < height < width < 2500


def test_a_picture_can_be_drawn_without_scored_voxels(look, tmp_path: Path):
    confusion_picture(tmp_path / "confusion.png", FaciesScores(FACIES.names, np.zeros((3, 3), np.int64)))
    look.png(tmp_path / "confusion.png")


@pytest.mark.parametrize(
    ("voxels", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1 k"),
        (12_345, "12.3 k"),
        (999_600, "1 M"),
        (4_560_000, "4.56 M"),
        (2 * 10**9, "2 G"),
    ],
)
def test_counts_have_three_digits(voxels: int, text: str):
    assert short_count(voxels) == text
