"""Labels lie between the horizons and inside the bodies of an interpreter, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest

from sam_seismic.config import BodiesConfig, HorizonsConfig, InterpretationConfig
from sam_seismic.errors import SurveyError
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.labelled import labelled
from sam_seismic.survey.labels.gaps import picked_along, without_gaps
from sam_seismic.survey.labels.horizon_files import Top
from sam_seismic.survey.labels.interpretation import Interpretation, interpret
from sam_seismic.survey.labels.order import first_samples
from sam_seismic.survey.labels.surfaces import Surface
from tests.survey.labels.surfaces import PlacedVolume, grid, places_on, written

GRID = grid()
NONE = 255


def table(path: Path, times: np.ndarray, geometry: Geometry = GRID, *, scale: float = 1.0) -> Path:
    """A surface [inline, crossline] as columns with a header, without its gaps."""
    rows = [
        f"{inline} {crossline} {times[i, j] * scale:.6f}"
        for i, inline in enumerate(geometry.inlines)
        for j, crossline in enumerate(geometry.crosslines)
        if np.isfinite(times[i, j])
    ]
    path.write_text("\n".join(["IL XL TWT", *rows]) + "\n")
    return path


def flat(time: float) -> np.ndarray:
    return np.full(GRID.shape[:2], time)


def made(
    *files: Path, survey: PlacedVolume | None = None, bodies: tuple[Path, ...] = (), **options: object
) -> Interpretation:
    config = InterpretationConfig(
        horizons=HorizonsConfig.model_validate({"files": files, **options}) if files else None,
        bodies=BodiesConfig(files=bodies) if bodies else None,
    )
    return interpret(survey or PlacedVolume(GRID, places_on(GRID)), config)


def cube(found: Interpretation) -> np.ndarray:
    """[inline, crossline, sample], from inlines; from crosslines it is the same."""
    labels = found.labels
    lines = {o: [labels.section(o, int(line)).values for line in labels.geometry.lines(o)] for o in Orientation}
    by_inline = np.stack([values.T for values in lines[Orientation.INLINE]])
    np.testing.assert_array_equal(by_inline, np.stack([values.T for values in lines[Orientation.CROSSLINE]], axis=1))
    return by_inline


def refusal(*files: Path, **options: object) -> SurveyError:
    with pytest.raises(SurveyError) as caught:
        made(*files, **options)  # type: ignore[arg-type]
    return caught.value


def test_a_sample_belongs_to_the_class_whose_top_is_at_or_above_its_time(tmp_path: Path):
    """4 ms samples: a top at 8 ms begins at sample 2, one at 8.1 ms at sample 3; so does what lies below."""
    tops = flat(8.0)
    tops[:, 3:] = 8.1
    found = made(table(tmp_path / "a.dat", tops), table(tmp_path / "b.dat", flat(16.0)))
    values = cube(found)
    assert values[0, 0, :6].tolist() == [NONE, NONE, 0, 0, NONE, NONE]
    assert values[0, 3, :6].tolist() == [NONE, NONE, NONE, 0, NONE, NONE]
    assert found.labels.class_names == ("a",)


@pytest.mark.parametrize(
    ("above", "below", "expected", "names"),
    [
        (False, False, [NONE, 0, 0, 1, NONE], ("a", "b")),
        (True, False, [0, 1, 1, 2, NONE], ("above a", "a", "b")),
        (False, True, [NONE, 0, 0, 1, 2], ("a", "b", "c")),
        (True, True, [0, 1, 1, 2, 3], ("above a", "a", "b", "c")),
    ],
)
def test_what_lies_outside_is_a_class_where_it_is_asked_for(
    tmp_path: Path, above: bool, below: bool, expected: list[int], names: tuple[str, ...]
):
    files = [table(tmp_path / f"{name}.dat", flat(time)) for name, time in (("a", 4), ("b", 12), ("c", 16))]
    found = made(*files, above=above, below=below)
    assert cube(found)[2, 2, :5].tolist() == expected
    assert found.labels.class_names == names


def test_only_where_both_surfaces_are_picked(tmp_path: Path):
    upper, lower = flat(8.0), flat(16.0)
    upper[0], lower[:, 0] = np.nan, np.nan
    values = cube(made(table(tmp_path / "a.dat", upper), table(tmp_path / "b.dat", lower), below=True))
    assert (values[0, :, :4] == NONE).all()
    assert (values[1:, 0] == NONE).all()
    assert values[1, 1, 2] == 0
    assert values[0, 1, 4] == 1, "below a surface nothing else is needed"


def test_gaps_are_interpolated_along_the_lines_that_are_picked():
    times = np.full((4, 6), np.nan)
    times[1, [0, 2, 5]] = 10.0, 20.0, 50.0
    surface = Surface("a", times)
    assert picked_along(surface) is Orientation.INLINE
    assert picked_along(Surface("a", times.T)) is Orientation.CROSSLINE
    np.testing.assert_array_equal(without_gaps(surface, 1).times[1], [10, 15, 20, np.nan, np.nan, 50])
    filled = without_gaps(surface, 2)
    np.testing.assert_array_equal(filled.times[1], [10, 15, 20, 30, 40, 50])
    assert np.isnan(filled.times[[0, 2, 3]]).all(), "nothing between lines"
    assert filled.interpolated == 3
    assert filled.notes == (
        "a: 3 traces are interpolated along inlines, of which no larger share has picks than of crosslines; "
        "--along crossline (in the YAML: along) chooses the others",
    )
    assert without_gaps(surface, 2, Orientation.INLINE).notes == ()
    np.testing.assert_array_equal(without_gaps(Surface("a", times.T), 2).times, filled.times.T)
    assert without_gaps(surface, 0) is surface
    np.testing.assert_array_equal(without_gaps(surface, 2, Orientation.CROSSLINE).times, times)


@pytest.mark.follows("survey/labels/gaps.py", "--along {} (in the YAML: along) chooses the others", elsewhere=True)
def test_gaps_are_filled_along_the_other_lines_where_the_note_is_followed(tmp_path: Path):
    """Picks of every second inline on every second crossline do not show which lines were interpreted."""
    times = np.full(GRID.shape[:2], np.nan)
    times[::2, ::2] = 8.0
    path = table(tmp_path / "a.dat", times)
    (filled,) = made(path, below=True, max_gap=1).surfaces
    (note,) = filled.notes
    other = note.partition("--along ")[2].split()[0]
    assert filled.picked[::2, 1].all()
    (turned,) = made(path, below=True, max_gap=1, along=other).surfaces
    assert turned.picked[1, ::2].all()
    assert (turned.notes, turned.picked[::2, 1].any()) == ((), False)


def test_crossing_surfaces_are_refused_with_counts_and_places_and_the_advice_works(tmp_path: Path):
    upper = flat(8.0)
    upper[1, 2:4] = 40.0
    files = table(tmp_path / "a.dat", upper), table(tmp_path / "b.dat", flat(16.0))
    error = refusal(*files)
    assert "b lies above a on 2 traces, by up to 24 ms: IL 102 XL 302-303" in error.problem
    assert "--priority a b" in error.fix
    kept = cube(made(*files, priority=["a", "b"], below=True))
    assert (kept[1, 2, 9:11].tolist(), kept[0, 0, 1:5].tolist()) == ([NONE, 1], [NONE, 0, 0, 1])
    cut = made(*files, priority=["b"], below=True)
    assert cube(cut)[1, 2, 3:5].tolist() == [NONE, 1]
    assert "a is cut at horizons with priority on 2 traces" in cut.labels.notes
    unknown = refusal(*files, priority=["x"])
    assert "no horizon called x" in unknown.problem
    assert unknown.fix == "name some of a, b"


def test_surfaces_that_meet_within_a_sample_do_not_cross(tmp_path: Path):
    """Snapped picks of two horizons that merge differ by rounding."""
    files = table(tmp_path / "a.dat", flat(8.3)), table(tmp_path / "b.dat", flat(8.1))
    assert (cube(made(*files)) == NONE).all()


@pytest.mark.parametrize(("scale", "told"), [(1.0, ""), (0.001, "s, downwards"), (1000.0, "us, down"), (-1.0, "ms, up"),
                                             (-0.001, "s, upwards")])  # fmt: skip
def test_units_and_directions_are_found_and_told(tmp_path: Path, scale: float, told: str):
    times = 8.0 + 4 * np.arange(24).reshape(4, 6)
    found = made(table(tmp_path / "a.dat", times, scale=scale), below=True)
    np.testing.assert_allclose(found.surfaces[0].times, times, atol=1e-2)
    assert any(told in note for note in found.labels.notes) if told else not found.labels.notes


class LateVolume(PlacedVolume):
    """Crossline 301 and all behind it begin 8 ms later."""

    def starts_ms(self, orientation: Orientation, line: int) -> np.ndarray:
        late = np.where(np.arange(len(self.geometry.crosslines)) > 0, 8.0, 0.0)
        return late if orientation is Orientation.INLINE else np.full(len(self.geometry.inlines), late[line - 300])


def test_times_are_counted_from_the_start_of_each_trace(tmp_path: Path):
    (tmp_path / "salt.csv").write_text("il,xl,time\n102,300,24\n102,305,24\n102,305,32\n102,300,32\n")
    top, salt = table(tmp_path / "a.dat", flat(12.0)), tmp_path / "salt.csv"
    values = cube(made(top, survey=LateVolume(GRID, None), bodies=(salt,), below=True))
    assert [int(np.argmax(values[1, trace] == 0)) for trace in (0, 1)] == [3, 1]
    assert [np.flatnonzero(values[1, trace] == 1).tolist() for trace in (0, 1)] == [[6, 7], [4, 5]]


def test_all_surfaces_of_a_file_have_one_unit(tmp_path: Path):
    """A sea bed at 0.1 ms alone would be taken for 0.1 s."""
    (tmp_path / "tops.dat").write_text("name IL XL TWT\nbed 100 300 0.1\ndeep 100 300 120\ndeep 100 301 124\n")
    bed, deep = made(tmp_path / "tops.dat").surfaces
    assert (bed.times[0, 0], deep.times[0, 0]) == (0.1, 120)


def test_picks_beyond_the_samples_bound_what_is_there(tmp_path: Path):
    deep = flat(100.0)
    deep[0, :2] = 300
    found = made(table(tmp_path / "a.dat", flat(8.0)), table(tmp_path / "b.dat", deep))
    assert (cube(found)[0, 0, 2:] == 0).all()
    assert found.labels.notes == ("b.dat: 2 picks lie above the first or below the last sample of the volume",)


def test_times_of_another_volume_are_refused_and_the_advice_works(tmp_path: Path):
    survey = PlacedVolume(Geometry.complete(GRID.inlines, GRID.crosslines, 50, start_ms=1000), None)
    path = table(tmp_path / "a.dat", flat(8.0))
    with pytest.raises(SurveyError, match="lie outside those of the volume, 1000 to 1196 ms") as refused:
        made(path, survey=survey, below=True)
    assert "--unit s, ms or us, and --upward" in refused.value.fix
    (tmp_path / "b.dat").write_text("IL XL TWT\n100 300 0.004\n100 301 -0.1\n102 302 -0.1\n")
    assert made(tmp_path / "b.dat", unit="s", upward=True, below=True).surfaces[0].times[0, 1] == 100


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("format", ["irap-points", "irap-grid"])
def test_coordinates_alone_are_mapped_to_lines(tmp_path: Path, mirrored: bool, format: str):
    places = places_on(GRID, 73.0, mirrored=mirrored)
    times = 8.0 + 4 * np.arange(24).reshape(4, 6)
    times[2, 1] = np.nan
    path = written(Top("a", GRID, times, places), format, tmp_path / "a.irap")  # type: ignore[arg-type]
    found = made(path, survey=PlacedVolume(GRID, places), below=True)
    np.testing.assert_allclose(found.surfaces[0].times, times, atol=1e-3)
    assert "picks lie 0" in found.labels.notes[0] or "e-" in found.labels.notes[0]


def test_coordinates_between_the_traces_are_refused_and_the_advice_works(tmp_path: Path):
    """Half a bin off is another grid, or another survey."""
    places = places_on(GRID)
    across = (places[1, 0] - places[0, 0]) / 50  # one metre
    shifted = Top("a", GRID, flat(8.0), places + 12 * across)
    error = refusal(written(shifted, "irap-points", tmp_path / "a.irap"), below=True)
    assert "lie farther than 6.25 from any trace" in error.problem
    limit = float(error.fix.partition("--max-residual ")[2].split()[0])
    found = made(tmp_path / "a.irap", below=True, max_residual=limit)
    assert found.surfaces[0].picked.all()


@pytest.mark.follows("survey/labels/surfaces.py", "; to exchange X and Y: --columns")
def test_coordinates_elsewhere_are_refused(tmp_path: Path):
    swapped = Top("a", GRID, flat(8.0), places_on(GRID)[..., ::-1])
    path = written(swapped, "irap-points", tmp_path / "a.irap")
    error = refusal(path, below=True)
    assert "no pick lies in the survey" in error.problem
    assert "to exchange X and Y: --columns y,x,time (" in error.fix
    found = made(path, below=True, columns=["y", "x", "time"])
    assert found.surfaces[0].picked.all()


@pytest.mark.parametrize("turned", [False, True])
def test_x_and_y_belong_to_the_nearest_trace_of_a_single_crooked_line(tmp_path: Path, turned: bool):
    """Of a horizon of a whole survey, only what lies on the line is taken."""
    geometry = grid(range(7, 8), range(300, 306)) if not turned else grid(range(300, 306), range(7, 8))
    offsets = np.array([[0, 0], [10, 0], [20, 0], [20, 10], [20, 20], [30, 20]])
    bend = np.array([605000.0, 6073000.0]) + offsets
    survey = PlacedVolume(geometry, bend.reshape(*geometry.shape[:2], 2))
    rows = [(x + 1, y - 1, 8 + 4 * k) for k, (x, y) in enumerate(bend.tolist())] + [(605900, 6073000, 40)] * 7
    (tmp_path / "a.dat").write_text("X Y TWT\n" + "".join(f"{x} {y} {t}\n" for x, y, t in rows))
    found = made(tmp_path / "a.dat", survey=survey, below=True)
    assert found.surfaces[0].times.ravel().tolist() == [8, 12, 16, 20, 24, 28]
    assert "a.dat: 7 of 13 picks lie on no line of the survey and are left out" in found.labels.notes
    strict = made(tmp_path / "a.dat", survey=survey, below=True, max_residual=900)
    assert "picks share a trace with another one" in " ".join(strict.labels.notes)


@pytest.mark.follows("survey/labels/surfaces.py", "if its lines are numbered otherwise, take its X and Y: --columns")
def test_lines_that_are_numbered_otherwise_are_replaced_by_coordinates(tmp_path: Path):
    """The columns that are advised are those of the file, wherever they stand."""
    (x, y), (x2, y2) = places_on(GRID)[0, 0], places_on(GRID)[1, 2]
    (tmp_path / "a.dat").write_text(f"Z XL IL X Y\n8 5301 2100 {x} {y}\n12 5303 2102 {x2} {y2}\n")
    error = refusal(tmp_path / "a.dat", below=True)
    assert "its inlines are 2100 to 2102" in error.problem
    assert "--columns time,skip,skip,x,y (" in error.fix
    found = made(tmp_path / "a.dat", below=True, columns=["time", "skip", "skip", "x", "y"])
    assert found.surfaces[0].times[[0, 1], [0, 2]].tolist() == [8, 12]


@pytest.mark.follows("survey/labels/affine_grid.py", "--columns il,xl,time")
def test_a_survey_without_coordinates_cannot_map_any(tmp_path: Path):
    path = written(Top("a", GRID, flat(8.0), places_on(GRID)), "irap-points", tmp_path / "a.irap")
    for places in (None, np.zeros((*GRID.shape[:2], 2))):
        with pytest.raises(SurveyError, match="has no coordinates") as refused:
            made(path, survey=PlacedVolume(GRID, places), below=True)
        assert "--columns il,xl,time" in refused.value.fix
    (tmp_path / "b.dat").write_text("100 300 8\n102 301 12\n")
    assert made(tmp_path / "b.dat", survey=PlacedVolume(GRID, None), below=True, columns=["il", "xl", "time"]).surfaces
    crooked = places_on(GRID)
    crooked[1, 1] += 30
    with pytest.raises(SurveyError, match="lie on no regular grid: up to"):
        made(path, survey=PlacedVolume(GRID, crooked), below=True)


def test_notes_name_the_file_that_they_are_about_once(tmp_path: Path):
    """The labels are called after the first file, and the second one may have the note."""
    (tmp_path / "a.dat").write_text("IL XL TWT\n100 300 8\n100 301 8\n")
    (tmp_path / "b.dat").write_text("IL XL TWT\n100 300 12\n101 300 12\n100 301 12\n")
    found = made(tmp_path / "a.dat", tmp_path / "b.dat")
    both = labelled(PlacedVolume(GRID, None), found.labels, FaciesTable(("a",)))
    assert both.notes == ("b.dat: 1 of 3 picks lie on no line of the survey and are left out",)


def test_picks_on_other_lines_are_left_out_and_told(tmp_path: Path):
    (tmp_path / "a.dat").write_text("IL XL TWT\n100 300 8\n101 300 8\n100 301 12\n100 301 10\n")
    found = made(tmp_path / "a.dat", below=True)
    assert np.nansum(found.surfaces[0].times) == 18
    assert "1 of 4 picks lie on no line" in found.labels.notes[0]
    assert "1 pick shares a trace" in found.labels.notes[1]
    (tmp_path / "b.dat").write_text("IL XL TWT\n300 100 8\n301 100 8\n")
    error = refusal(tmp_path / "b.dat", below=True)
    assert "its inlines are 300 to 301" in error.problem
    assert "--columns xl,il,time" in error.fix
    assert made(tmp_path / "b.dat", below=True, columns=["xl", "il", "time"]).surfaces[0].picked.sum() == 2


def test_one_horizon_alone_makes_no_class(tmp_path: Path):
    path = table(tmp_path / "a.dat", flat(8.0))
    error = refusal(path)
    assert "make no class" in error.problem
    assert "--below" in error.fix
    assert made(path, below=True).labels.class_names == ("a",)
    assert made(path, above=True).labels.class_names == ("above a",)


def test_several_surfaces_of_a_file_keep_their_order_and_names(tmp_path: Path):
    (tmp_path / "tops.csv").write_text("IL,XL,X,Y,sand_ms,salt_ms,out_of_order\n100,300,,,8,16,0\n100,301,,,8,,0\n")
    found = made(tmp_path / "tops.csv", below=True)
    assert found.labels.class_names == ("sand", "salt")
    assert cube(found)[0, 0, 1:5].tolist() == [NONE, 0, 0, 1]
    (tmp_path / "other").mkdir()
    again = made(table(tmp_path / "a.dat", flat(8)), table(tmp_path / "other" / "b.dat", flat(16)))
    assert again.labels.class_names == ("a",)


def test_a_box_holds_its_outer_traces_and_ends_above_its_base(tmp_path: Path):
    """IL 102, XL 301 to 304, 8 to 20 ms: samples 2, 3 and 4."""
    (tmp_path / "salt.csv").write_text("il,xl,time\n102,301,8\n102,304,8\n102,304,20\n102,301,20\n")
    horizons = table(tmp_path / "a.dat", flat(4.0))
    found = made(horizons, bodies=(tmp_path / "salt.csv",), below=True)
    values = cube(found)
    assert found.labels.class_names == ("a", "salt")
    inside = np.zeros(values.shape, bool)
    inside[1, 1:5, 2:5] = True
    np.testing.assert_array_equal(values == 1, inside)
    assert (values[~inside & (np.arange(50) >= 1)] == 0).all()
    assert "salt is drawn on 1 inlines, and horizons are picked on 4" in found.labels.notes[-1]


def test_polygons_follow_their_edges(tmp_path: Path):
    """A triangle on a crossline: its tip at IL 102, its base from 100 to 104; and one with a notch on an inline."""
    (tmp_path / "salt.csv").write_text(
        "polygon name;IL;XL;TWT (s)\n1;100;302;0.040\n1;102;302;0.008\n1;104;302;0.040\n\n"
        "1;106;300;0.0\n1;106;305;0.0\n1;106;305;0.06\n1;106;302;0.02\n1;106;300;0.06\n"
    )
    values = cube(made(bodies=(tmp_path / "salt.csv",)))
    assert np.flatnonzero(values[1, 2] == 0).tolist() == list(range(2, 10))
    assert not (values[[0, 2]] == 0).any(), "corners have no thickness"
    assert [int((values[3, trace] == 0).sum()) for trace in range(6)] == [15, 10, 5, 9, 12, 15]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("il,xl,time\n102,301,8\n102,304,8\n", "has 2 vertices"),
        ("il,xl,time\n102,301,8\n104,304,8\n102,304,12\n", "lies neither on one inline nor on one crossline"),
        ("il,xl\n102,301\n", "needs columns of inline, crossline and time"),
        ("il,xl,time\n103,301,8\n103,304,8\n103,304,12\n", "none of its 1 polygons"),
        ("il,xl,time\n102,301,8\n102,304,1e30\n102,304,12\n", "a vertex without"),
    ],
)
def test_polygons_that_cannot_be_meant(tmp_path: Path, text: str, problem: str):
    (tmp_path / "salt.csv").write_text(text)
    with pytest.raises(SurveyError) as refused:
        made(bodies=(tmp_path / "salt.csv",))
    assert problem in refused.value.problem
    assert str(tmp_path / "salt.csv") in refused.value.problem


def test_labels_are_joined_with_the_amplitudes_as_any_label_volume(tmp_path: Path):
    live = GRID.live.copy()
    live[0, 0] = False
    geometry = Geometry(GRID.inlines, GRID.crosslines, 50, 4.0, 0.0, live)
    survey = PlacedVolume(geometry, None)
    found = made(table(tmp_path / "a.dat", flat(4.0)), survey=survey, below=True, above=True)
    joined = labelled(survey, found.labels, FaciesTable(found.labels.class_names))
    values = joined.section(Orientation.INLINE, 100)[1]
    assert (values[:, 0] == NONE).all()
    assert values[:3, 1].tolist() == [0, 1, 1]
    assert found.labels.files == (tmp_path / "a.dat",)


def test_first_samples_are_exact_where_times_fall_on_samples():
    geometry = Geometry.complete([1], [1, 2, 3], 2000, sample_interval_ms=0.3, start_ms=100.1)
    times = np.array([[100.1 + 7 * 0.3, 100.1 + 1234 * 0.3, 99.0]])
    assert first_samples(Surface("a", times), geometry).tolist() == [[7, 1234, 0]]
