"""The learning curves have the values of metrics.csv, with the best epoch marked."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sam_seismic.errors import UserError
from sam_seismic.report import learning_curve
from sam_seismic.report.training import learning_figure, read_curves

HEADER = "epoch,step,train_loss,val_loss,val_mean_iou,val_iou/upper_ns,learning_rate\n"


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], Path]:
    def write(rows: str) -> Path:
        path = tmp_path / "metrics.csv"
        path.write_text(HEADER + rows, encoding="utf-8")
        return path

    return write


def test_empty_cells_are_gaps_not_zeros(table: Callable[[str], Path]):
    path = table("0,10,1.5,,,,0.1\n1,20,,1.2,0.5,,0.1\n2,30,1.0,nan,0.4,,0.1\n")
    curves = read_curves(path, ("train_loss", "val_loss", "val_mean_iou", "not_there"))
    assert (curves["train_loss"].epochs, curves["train_loss"].values) == ((0, 2), (1.5, 1.0))
    assert (curves["val_loss"].epochs, curves["val_loss"].values) == ((1,), (1.2,))
    assert curves["val_mean_iou"].best == (1, 0.5)
    assert curves["not_there"].epochs == ()


def test_the_later_row_of_a_repeated_epoch_counts(table: Callable[[str], Path]):
    path = table("0,10,3,,,,\n1,20,2,,,,\n1,20,1,,,,\n")
    assert read_curves(path, ("train_loss",))["train_loss"].values == (3.0, 1.0)


def test_the_first_of_equally_good_epochs_is_the_best(table: Callable[[str], Path]):
    path = table("0,1,,,0.2,,\n1,2,,,0.7,,\n2,3,,,0.7,,\n")
    assert read_curves(path, ("val_mean_iou",))["val_mean_iou"].best == (1, 0.7)


def test_learning_curve_shows_losses_and_marks_the_best_epoch(table: Callable[[str], Path]):
    loss, quality = learning_figure(table("0,10,1.5,1.4,0.3,,\n1,20,1.1,1.2,0.62,,\n2,30,1.0,1.3,0.6,,\n")).axes
    lines = {line.get_label(): line for line in (*loss.lines, *quality.lines)}
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), [1.5, 1.1, 1.0])
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), [1.4, 1.2, 1.3])
    np.testing.assert_array_equal(quality.lines[0].get_ydata(), [0.3, 0.62, 0.6])
    assert lines["best: 0.620, epoch 1"].get_xydata().tolist() == [[1.0, 0.62]]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]


def test_notes_stand_below_the_curves_and_take_no_room_from_them(table: Callable[[str], Path]):
    path = table("0,10,1.5,1.4,0.3,,\n1,20,1.1,1.2,0.62,,\n")
    plain, noted = (
        learning_figure(path),
        learning_figure(path, ["IL 18 is the only line. " * 10, "no epoch was better"]),
    )
    text = noted.get_supxlabel()
    assert text.startswith("note: IL 18 is the only line.")
    assert text.endswith("\nnote: no epoch was better")
    assert max(map(len, text.splitlines())) <= 140
    for figure in (plain, noted):
        figure.canvas.draw()
    heights = [figure.axes[0].get_window_extent().height for figure in (plain, noted)]
    assert heights[1] == pytest.approx(heights[0], rel=0.1)


@pytest.mark.parametrize("rows", ["0,10,1.5,1.4,0.3,,\n", "0,10,1.5,,,,\n", "", "5,10,,,,,\n"])
def test_a_curve_of_at_most_one_epoch_has_whole_epochs_as_ticks(look, rows: str, table: Callable[[str], Path]):
    path = table(rows)
    learning_curve(path.parent / "report" / "curve.png", path)
    look.png(path.parent / "report" / "curve.png")
    figure = learning_figure(path)
    figure.canvas.draw()
    assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())


def test_an_invalid_table_is_refused(table: Callable[[str], Path], tmp_path: Path):
    with pytest.raises(UserError, match="there is no such table"):
        learning_curve(tmp_path / "curve.png", tmp_path / "nothing.csv")
    with pytest.raises(UserError, match="'best' in the column val_loss is not a number"):
        learning_curve(tmp_path / "curve.png", table("0,10,1.5,best,0.3,,\n"))
    assert not (tmp_path / "curve.png").exists()
