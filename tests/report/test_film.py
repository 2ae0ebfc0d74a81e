"""A picture of a film has the given classes in their colours, and nothing of the epoch before."""

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from sam_seismic.report import FilmFigure, FilmSection, Ruler, write_frame
from sam_seismic.report.film import Pixels
from sam_seismic.report.style import CORRECT, class_colors
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.volume import Section

FACIES = FaciesTable(("sand", "shale", "salt"))
SHAPES = ((20, 30), (20, 12))


def film_sections() -> list[FilmSection]:
    """An inline and a crossline, sand above shale; the first trace is dead, one voxel is not interpreted."""
    found = []
    for shape, orientation in zip(SHAPES, Orientation, strict=True):
        live = np.ones(shape[1], np.bool_)
        live[0] = False
        truth = np.zeros(shape, np.uint8)
        truth[10:] = 1
        truth[0, 1] = IGNORE
        found.append(FilmSection(Section(orientation, 100, np.zeros(shape, np.float32), live), truth, Ruler()))
    return found


def everywhere(facies: int) -> list[NDArray[np.uint8]]:
    return [np.full(shape, facies, np.uint8) for shape in SHAPES]


def colour_at(figure: FilmFigure, pixels: Pixels, panel: int, sample: float, trace: float) -> tuple[int, ...]:
    """The colour of a voxel in a panel; panels are counted along the rows."""
    x, y = figure.figure.axes[panel].transData.transform((trace, sample))
    return tuple(int(value) for value in pixels[round(pixels.shape[0] - 1 - y), round(x)])


def rgb(colour: str) -> tuple[int, ...]:
    return ImageColor.getrgb(colour)


def test_truth_prediction_and_errors_of_each_section_in_their_colours():
    figure = FilmFigure(film_sections(), FACIES)
    pixels = figure.pixels(everywhere(1), "Epoch 1")
    sand, shale, _ = map(rgb, class_colors(3))
    for row in range(2):
        truth, prediction, errors = range(3 * row, 3 * row + 3)
        assert colour_at(figure, pixels, truth, 5, 6) == sand
        assert colour_at(figure, pixels, truth, 15, 6) == shale
        assert colour_at(figure, pixels, prediction, 5, 6) == colour_at(figure, pixels, prediction, 15, 6) == shale
        assert colour_at(figure, pixels, errors, 5, 6) == sand, "wrong: the true class"
        assert colour_at(figure, pixels, errors, 15, 6) == rgb(CORRECT)


def test_the_share_of_correct_voxels_leaves_out_dead_and_not_interpreted_ones():
    figure = FilmFigure(film_sections(), FACIES)
    figure.pixels(everywhere(1), "Epoch 1")
    titles = [axes.get_title(loc="left") for axes in figure.figure.axes]
    right, scored = 10 * 29, 20 * 29 - 1
    assert titles[:3] == [
        "IL 100, truth",
        f"Prediction, {100 * right / scored:.1f} % correct",
        "Errors (colour: true class)",
    ]
    assert titles[3:] == ["XL 100, truth", f"Prediction, {100 * 110 / 219:.1f} % correct", "Errors"]


def test_nothing_is_left_of_the_epoch_before():
    figure = FilmFigure(film_sections(), FACIES)
    before = figure.pixels(everywhere(1), "Epoch 1 with a very long title indeed")
    after = figure.pixels(everywhere(2), "Epoch 2")
    np.testing.assert_array_equal(after, FilmFigure(film_sections(), FACIES).pixels(everywhere(2), "Epoch 2"))
    assert (before != after).any()
    truth = figure.figure.axes[0].get_window_extent()
    panel = np.s_[-int(truth.y1) : -int(truth.y0) - 1, : int(truth.x1)]
    np.testing.assert_array_equal(before[panel], after[panel])


def test_a_frame_is_the_pixels_as_png(look, tmp_path):
    pixels = FilmFigure(film_sections(), FACIES).pixels(everywhere(1), "Epoch 1")
    write_frame(tmp_path / "film" / "epoch_0001.png", pixels)
    assert look.png(tmp_path / "film" / "epoch_0001.png") == (pixels.shape[1], pixels.shape[0])
    assert pixels.shape[1] == 1000
