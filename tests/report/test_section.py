"""The picture of a section has the given values, errors at the wrong voxels, and line numbers at their traces."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.report import Ruler, section_picture
from sam_seismic.report.panels import LEAST_ASPECT, MOST_ASPECT, panel_aspect
from sam_seismic.report.section import section_figure
from sam_seismic.report.style import CORRECT, class_colors
from sam_seismic.survey.facies import IGNORE, FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Section

FACIES = FaciesTable(("upper_ns", "rijnland_chalk", "zechstein"))
LONG = FaciesTable(tuple(f"a_formation_of_a_long_name_{index}" for index in range(8)))


@dataclass(frozen=True)
class Case:
    """A section with one dead trace, a truth with two voxels that are not interpreted, a prediction with 3 errors."""

    amplitude: Section
    truth: NDArray[np.uint8]
    prediction: NDArray[np.uint8]

    def figure(self, *, scored: bool = True, ruler: Ruler | None = None) -> Figure:
        return section_figure(
            self.amplitude,
            prediction=self.prediction,
            truth=self.truth if scored else None,
            facies=FACIES,
            ruler=ruler or Ruler(),
            scale=AmplitudeScale(center=0.0, clip=2.0),
        )


WRONG = ((3, 4), (12, 7), (19, 11))


def make_case(samples: int = 20, traces: int = 12) -> Case:
    values = np.random.default_rng(0).normal(size=(samples, traces)).astype(np.float32)
    live = np.ones(traces, dtype=np.bool_)
    live[2] = False
    values[:, 2] = 0
    truth = np.zeros((samples, traces), np.uint8)
    truth[10:] = 1
    prediction = truth.copy()
    for at in WRONG:
        prediction[at] = 2
    prediction[0, :2] = 2  # not interpreted: neither correct nor wrong
    truth[0, :2] = IGNORE
    return Case(Section(Orientation.INLINE, 120, values, live), truth, prediction)


def test_a_scored_section_has_four_panels_with_the_given_values(look):
    case = make_case()
    shown = look.panels(case.figure())
    assert list(shown) == ["Amplitude", "Truth", "Prediction", "Errors (colour: true class)"]
    live = case.amplitude.live
    np.testing.assert_array_equal(look.image(shown["Amplitude"])[:, live], case.amplitude.values[:, live])
    np.testing.assert_array_equal(look.image(shown["Prediction"])[:, live].data, case.prediction[:, live])
    truth = look.image(shown["Truth"])
    np.testing.assert_array_equal(truth.filled(IGNORE)[:, live], case.truth[:, live])
    for axes in shown.values():
        assert look.image(axes).mask[:, 2].all(), "a dead trace is hatched in every panel"
    assert truth.mask[0, :2].all(), "a voxel that is not interpreted is hatched"
    assert shown["Amplitude"].images[0].get_clim() == (-2.0, 2.0)


def test_only_wrong_voxels_are_marked_as_errors(look):
    case = make_case()
    errors = look.panels(case.figure())["Errors (colour: true class)"]
    shown = look.image(errors)
    wrong = ~shown.mask & (shown.data < len(FACIES))
    assert {tuple(map(int, at)) for at in np.argwhere(wrong)} == set(WRONG)
    np.testing.assert_array_equal(shown.mask, (case.truth == IGNORE) | ~case.amplitude.live)
    colors = errors.images[0].to_rgba(shown, bytes=False)
    assert to_hex(colors[12, 7]) == class_colors(3)[1], "in the colour of the true class"
    assert to_hex(colors[5, 5]) == CORRECT


def test_voxels_that_are_not_interpreted_are_hatched_even_if_the_prediction_is_ignore(look):
    """Equal values IGNORE are not a correct prediction."""
    case = make_case()
    case.prediction[0, :2] = IGNORE
    assert look.image(look.panels(case.figure())["Errors (colour: true class)"]).mask[0, :2].all()


def test_the_title_has_the_line_and_the_accuracy_of_interpreted_live_voxels():
    case = make_case()
    scored = 20 * 11 - 2
    assert case.figure().get_suptitle() == f"IL 120, pixel accuracy {100 * (scored - 3) / scored:.1f} %"
    nothing = replace(case, truth=np.full_like(case.truth, IGNORE))
    assert nothing.figure().get_suptitle() == "IL 120"


def test_without_a_truth_the_prediction_is_drawn_over_the_amplitude(look):
    figure = make_case().figure(scored=False)
    shown = look.panels(figure)
    assert list(shown) == ["Amplitude", "Prediction", "Prediction on amplitude"]
    below, above = shown["Prediction on amplitude"].images
    assert below.cmap.name == "greys"
    assert 0.3 < above.get_alpha() < 0.7
    assert figure.get_suptitle() == "IL 120"
    assert look.legend(figure) == [*FACIES.names, "not recorded"]


def test_the_legend_of_a_scored_section_has_all_colours(look):
    assert look.legend(make_case().figure()) == [*FACIES.names, "correct", "not interpreted"]


@pytest.mark.parametrize("scored", [True, False])
def test_panels_of_a_wide_section_are_in_two_rows(look, scored: bool):
    figure = make_case(20, 60).figure(scored=scored)
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (2, 2)
    expected = [*FACIES.names, "correct", "not interpreted"] if scored else [*FACIES.names, "not recorded"]
    assert look.legend(figure) == expected


@pytest.mark.parametrize("scored", [True, False])
@pytest.mark.parametrize(("samples", "traces"), [(255, 701), (1536, 512), (128, 96)])
def test_sections_of_all_shapes_make_pictures_of_readable_size(
    look, tmp_path: Path, samples: int, traces: int, scored: bool
):
    case = make_case(samples, traces)
    path = tmp_path / "new" / "folder" / "section.png"
    section_picture(
        path,
        replace(case.amplitude, values=np.cumsum(case.amplitude.values, axis=1)),  # as smooth as seismic
        prediction=case.prediction,
        truth=case.truth if scored else None,
        facies=LONG,
        ruler=Ruler(np.arange(1000, 1000 + traces, dtype=np.int32), 4.0, 0.0),
        scale=AmplitudeScale(center=0.0, clip=20.0),
    )
    width, height = look.png(path)
    assert 1000 <= width <= 1400
    assert 500 <= height <= 1000


def test_the_aspect_of_panels_is_limited():
    assert panel_aspect(100, 100) == 1.0
    assert 100 / 200 < panel_aspect(100, 200) < 1, "the panel of a long section is long, but less than samples x traces"
    assert panel_aspect(10, 10_000) == LEAST_ASPECT
    assert panel_aspect(10_000, 10) == MOST_ASPECT


def test_the_ruler_marks_round_line_numbers_and_times():
    ruler = Ruler(np.arange(301, 301 + 2 * 12, 2, dtype=np.int32), 4.0, 100.0)
    axes = make_case().figure(ruler=ruler).axes[0]
    marks = {text.get_text(): at for text, at in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True)}
    assert marks["305"] == 2
    assert marks["310"] == 4.5, "a number between two lines lies between their traces"
    assert axes.get_xlabel() == "crossline"
    assert axes.xaxis.get_label_position() == "top"
    assert axes.get_ylabel() == "two-way time (ms)"
    assert axes.get_ylim() == (100.0 + 20 * 4 - 2, 98.0), "downward, to the edges of the voxels"


def test_the_ruler_of_a_cut_section_starts_at_its_first_trace():
    geometry = Geometry.complete(range(100, 110), range(300, 340), 50, sample_interval_ms=2.0, start_ms=8.0)
    ruler = Ruler.of(geometry, Orientation.INLINE, traces=(10, 30))
    assert ruler.across is not None
    assert (ruler.across[0], ruler.across[-1]) == (310, 329)
    assert (ruler.sample_interval_ms, ruler.start_ms) == (2.0, 8.0)
    assert Ruler.of(geometry, Orientation.CROSSLINE).across is geometry.inlines


def test_without_a_grid_traces_and_samples_are_counted():
    axes = make_case().figure().axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("trace", "sample")
    assert axes.get_xlim() == (-0.5, 11.5)
