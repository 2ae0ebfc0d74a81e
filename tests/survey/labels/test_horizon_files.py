"""Horizon files: what is written is read again, and the layouts are those of the programs that made them."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sam_seismic.config.choices import HorizonFormatName, WrittenHorizonFormat
from sam_seismic.errors import SurveyError
from sam_seismic.survey.labels.affine_grid import fit_grid
from sam_seismic.survey.labels.horizon_files import HORIZON_FORMATS, PickOptions, Top, read_horizons, writable_as
from tests.survey.labels.surfaces import PlacedVolume, grid, places_on, written

GRID = grid()
TIMES = st.one_of(st.just(float("nan")), st.floats(0.25, 6000).map(lambda time: round(time, 2)))
ENDINGS: dict[HorizonFormatName, str] = {
    "opendtect": ".dat",
    "iesx": ".dat",
    "dug": ".ilclt",
    "irap-grid": ".irap",
    "irap-points": ".irap",
}


@pytest.mark.parametrize("format", [word for word, each in HORIZON_FORMATS.items() if each.write is not None])
@pytest.mark.parametrize("mirrored", [False, True])
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(times=arrays(np.float64, GRID.shape[:2], elements=TIMES), angle=st.floats(0, 359))
def test_a_written_surface_is_read_again(
    tmp_path: Path, format: HorizonFormatName, mirrored: bool, times: np.ndarray, angle: float
):
    """Whatever the rotation and the handedness of the survey: a grid must not come back mirrored."""
    usual = {9999.0, 99999.0}
    times = np.where(np.isin(times, list(usual)), np.nan, times)
    places = places_on(GRID, angle, mirrored=mirrored)
    path = written(Top("base", GRID, times, places), format, tmp_path / f"h{ENDINGS[format]}")
    there = np.isfinite(times)
    if not there.any():
        with pytest.raises(SurveyError, match="holds no"):
            read_horizons(path, PickOptions())
        return
    (picks,) = read_horizons(path, PickOptions())
    if picks.lines is None:
        assert picks.places is not None
        numbers = fit_grid(PlacedVolume(GRID, places)).lines(picks.places)
        np.testing.assert_allclose(numbers, np.rint(numbers), atol=0.01)
    else:
        numbers = picks.lines
    found = np.full(times.shape, np.nan)
    inline, crossline = np.rint(numbers).astype(int).T
    found[np.searchsorted(GRID.inlines, inline), np.searchsorted(GRID.crosslines, crossline)] = picks.times
    np.testing.assert_allclose(found, times, atol=0.005)
    if picks.places is not None:
        at = np.searchsorted(GRID.inlines, inline), np.searchsorted(GRID.crosslines, crossline)
        np.testing.assert_allclose(picks.places, places[at], atol=0.05)


def test_each_file_is_taken_for_its_own_format(tmp_path: Path):
    top = Top("base", GRID, np.full(GRID.shape[:2], 120.5), places_on(GRID))
    for format, ending in ENDINGS.items():
        path = written(top, format, tmp_path / f"{format}{ending}")
        assert next(word for word, each in HORIZON_FORMATS.items() if each.recognises(path, path.read_text())) == format


def test_the_layout_of_opendtect(tmp_path: Path):
    top = Top("base", grid(range(100, 101), range(300, 302)), np.array([[1200.5, np.nan]]), np.full((1, 2, 2), 2.126))
    assert written(top, "opendtect", tmp_path / "a.dat").read_text() == (
        '# "X"\t"Y"\t"Inline"\t"Crossline"\t"Z"\n# - - - - - - - - - -\n2.13\t2.13\t100\t300\t1200.5\n'
    )


def test_the_layout_of_iesx(tmp_path: Path):
    """Column for column as uiexphorizon.cc prints it."""
    top = Top("Top Chalk of the North Sea", grid(range(100, 101), range(300, 301)), np.array([[1200.5]]),
              np.array([[[605835.5, 6073556.25]]]))  # fmt: skip
    first, second, card, end = written(top, "iesx", tmp_path / "a.dat").read_text().splitlines()
    assert first == "PROFILE Top Chalk of the TYPE 1  4 " + "SAM-SEISMIC".ljust(45) + "3d_ci7m.ifdf     m ms"
    assert second == "SNAPPING PARAMETERS 5     0 1"
    assert card == (
        "  6.05835500E+05  6.07355625E+06  0 14  1200.50    300.00    300.00  300 0.0000000E+00 I    100 XX"
    )
    assert end == "EOD"


def test_iesx_as_opendtect_really_writes_it(tmp_path: Path):
    """Each card stands behind an EOD and is repeated in a line with a tab; an undefined Z is wider than its columns."""
    card = "  6.05835500E+05  6.07355625E+06  0 14  1200.50    300.00    300.00  300 3.4028235E+38 I    100 XX"
    undefined = (
        "  6.05835500E+05  6.07355625E+06  0 14340282346638528859811704183484516925440.00    301.00    301.00  301"
        " 3.4028235E+38 I    100 XX"
    )
    lines = ["PROFILE Segment          TYPE 1  4", "SNAPPING PARAMETERS 5     0 1", card, "\t605835.50\t1200.5",
             "EOD" + undefined, "\t1e30", "EOD"]  # fmt: skip
    (tmp_path / "a.dat").write_text("\n".join(lines))
    (picks,) = read_horizons(tmp_path / "a.dat", PickOptions())
    assert picks.lines is not None
    assert (picks.name, picks.times.tolist(), picks.lines.tolist(), picks.nulls) == (
        "Segment", [1200.5], [[100, 300]], 1)  # fmt: skip


def test_the_layout_of_an_irap_grid(tmp_path: Path):
    """19 numbers, then X runs fastest: along the crosslines, which lie east here."""
    geometry = grid(range(100, 102), range(300, 303))
    top = Top("base", geometry, np.array([[1.0, 2, 3], [np.nan, 5, 6]]), places_on(geometry, 0))
    assert written(top, "irap-grid", tmp_path / "a.irap").read_text().splitlines() == [
        "-996 2 12.500000 25.000000",
        "605000.000000 605025.000000 6073000.000000 6073025.000000",
        "3 0.000000 605000.000000 6073000.000000",
        "0 0 0 0 0 0 0",
        "1.0000 2.0000 3.0000 9999900.0000 5.0000 6.0000",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "IL XL TWT(ms)\n100 300 1200.5\n100 301 -999.25\n",
        "# Inline\tCrossline\tZ\n100\t300\t1200.5\n100\t301\t1e30\n",
        "Inline,Crossline,X,Y,time_ms\r\n100,300,1,2,1200.5\r\n100,301,1,2,\r\n",
        "inline;xline;TWT [ms]\n100;300;1200.5\n100;301;NaN\n",
        "# 1: X\n# 2: Y\n# 3: Inline\n# 4: Crossline\n# 5: Z\n# - - -\n1 2 100 300 1200.5\n1 2 100 301 1e30\n",
    ],
)
def test_columns_are_found_by_their_names(tmp_path: Path, text: str):
    (tmp_path / "top.dat").write_text(text)
    (picks,) = read_horizons(tmp_path / "top.dat", PickOptions())
    assert picks.lines is not None
    assert (picks.name, picks.times.tolist(), picks.lines.tolist()) == ("top", [1200.5], [[100, 300]])
    assert picks.nulls == 1


ROW, NEXT = (100, 300, 605000.25, 6073000.5, 1200.5), (102, 301, 605012.75, 6073025.5, 1204.25)


def rows(form: str) -> str:
    """The two rows, each as the form has it: i, x (lines), X, Y, t, and c for t with a decimal comma."""
    return "".join(
        form.format(i=i, x=x, X=X, Y=Y, t=t, c=str(t).replace(".", ",")) + "\n" for i, x, X, Y, t in (ROW, NEXT)
    )


TABLES = {
    "decimal comma, semicolons": "IL;XL;TWT (ms)\n" + rows("{i};{x};{c}"),
    "decimal comma, tabs": "Inline\tCrossline\tTWT\n" + rows("{i}\t{x}\t{c}"),
    "decimal comma, blanks": "Inline Crossline Zeit\n" + rows("{i}  {x}  {c}"),
    "decimal comma, quoted": '"IL","XL","TWT"\n' + rows('"{i}","{x}","{c}"'),
    "quoted, blanks": '"IL" "XL" "TWT"\n' + rows('"{i}" "{x}" "{t}"'),
    "CR LF and the end of file of DOS": ("IL XL TWT\n" + rows("{i} {x} {t}")).replace("\n", "\r\n") + "\x1a",
    "CR": ("IL XL TWT\n" + rows("{i} {x} {t}")).replace("\n", "\r"),
    "another order": "Z X Y XL IL\n" + rows("{t} {X} {Y} {x} {i}"),
    "empty cells between tabs": "Note\tIL\tXL\tNote\tTWT\n" + rows("\t{i}\t{x}\t\t{t}"),
    "a separator at the end": "IL;XL;TWT;\n" + rows("{i};{x};{t};"),
    "an exponent of Fortran": "IL XL TWT\n100 300 1.2005D+03\n102 301 0.120425D4\n",
    "comments of % and //": "% IL XL TWT\n" + rows("{i} {x} {t}") + "// the end\n",
    "Petrel's header of a name a line": "VERSION 1\nBEGIN HEADER\nX\nY\nZ\nFLOAT,Inline\nINT,Xline\nEND HEADER\n"
    + rows("{X} {Y} {t} {i} {x}"),
    "a line's name in words": "Line,Inline,Xline,TWT\n" + rows("NP3D,{i},{x},{t}"),
    "a line and trace number": "LINE TRACE X Y TIME\n" + rows("{i} {x} {X} {Y} {t}"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_as_programs_and_languages_write_them(tmp_path: Path, name: str):
    path = tmp_path / "top.dat"
    path.write_bytes(TABLES[name].encode())
    (picks,) = read_horizons(path, PickOptions())
    assert picks.lines is not None
    assert (picks.times.tolist(), picks.lines.tolist()) == ([1200.5, 1204.25], [[100, 300], [102, 301]])


def test_x_and_y_with_decimal_commas_and_the_fields_of_earthvision(tmp_path: Path):
    (tmp_path / "a.dat").write_text("X\tY\tZ\n605000,25\t6073000,5\t1200,5\n")
    (tmp_path / "b.dat").write_text(
        "# Field: 1 x\n# Field: 2 y\n# Field: 3 z meters\n# End:\n605000.25 6073000.5 1200.5\n"
    )
    for name, unit in (("a.dat", None), ("b.dat", "ms")):
        (picks,) = read_horizons(tmp_path / name, PickOptions())
        assert picks.places is not None
        assert (picks.places.tolist(), picks.times.tolist(), picks.unit) == ([[605000.25, 6073000.5]], [1200.5], unit)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_names_in_any_encoding(tmp_path: Path, encoding: str):
    (tmp_path / "a.dat").write_bytes("# Größe\nName\tIL\tXL\tTWT\nTop Kreide, öst\t100\t300\t8\n".encode(encoding))
    (picks,) = read_horizons(tmp_path / "a.dat", PickOptions())
    assert (picks.name, picks.times.tolist()) == ("Top Kreide, öst", [8])


@pytest.mark.follows("survey/labels/horizon_files/columns.py", "name what each column holds, e.g. --columns")
def test_a_table_whose_first_row_tells_nothing_is_declared(tmp_path: Path):
    (tmp_path / "a.dat").write_text("-1 -2 -3 -4\n100 300 8 7\n")
    with pytest.raises(SurveyError, match="first row is -1 -2 -3 -4") as refused:
        read_horizons(tmp_path / "a.dat", PickOptions())
    assert "e.g. --columns il,xl,time" in refused.value.fix
    (picks,) = read_horizons(tmp_path / "a.dat", PickOptions(("il", "xl", "time")))
    assert picks.times.tolist() == [-3, 8]


def test_a_comma_that_separates_and_is_a_decimal_comma_is_refused(tmp_path: Path):
    (tmp_path / "a.csv").write_text("IL,XL,TWT\n100,300,1200,5\n")
    with pytest.raises(SurveyError, match="names no column for each cell; the first row is 100,300,1200,5"):
        read_horizons(tmp_path / "a.csv", PickOptions())


def test_one_way_times_are_not_taken_for_two_way_times(tmp_path: Path):
    (tmp_path / "a.csv").write_text("IL,XL,OWT\n100,300,600\n")
    with pytest.raises(SurveyError, match="'IL,XL,OWT' names no time or depth"):
        read_horizons(tmp_path / "a.csv", PickOptions())


def test_unusual_values_without_a_pick(tmp_path: Path):
    """-999 is taken as none where all picks are far from it; 0, which may be meant, and others are told."""
    far = "IL XL TWT\n100 300 0\n100 301 -999\n100 302 0\n" + "".join(f"102 {x} 1200\n" for x in range(300, 306))
    (tmp_path / "a.dat").write_text(far + "104 300 7777\n104 301 7777\n")
    (picks,) = read_horizons(tmp_path / "a.dat", PickOptions())
    assert (picks.times.tolist(), picks.nulls) == ([0, 0] + [1200] * 6 + [7777] * 2, 1)
    told = "far from all others: if these mean that there is none, add --no-pick"
    assert picks.notes == (
        "1 pick at -999, far from all others: taken as no pick",
        f"2 picks at 0, {told} 0 (in the YAML: null)",
        f"2 picks at 7777, {told} 7777 (in the YAML: null)",
    )
    (tmp_path / "b.dat").write_text("IL XL TWT\n100 300 0\n100 301 4\n100 302 8\n100 303 2\n")
    (near,) = read_horizons(tmp_path / "b.dat", PickOptions())
    assert (near.times.tolist(), near.notes) == ([0, 4, 8, 2], ())


def test_the_column_that_is_read_is_told_where_several_could_be(tmp_path: Path):
    (tmp_path / "a.csv").write_text("IL,XL,TWT,Depth\n100,300,1200.5,2400\n")
    (tmp_path / "b.csv").write_text("IL,XL,Depth (m)\n100,300,2400\n")
    both, depth = (read_horizons(tmp_path / name, PickOptions())[0] for name in ("a.csv", "b.csv"))
    assert (both.times.tolist(), both.notes) == ([1200.5], ("of TWT and Depth, TWT is read",))
    assert depth.notes == ("its depths are taken in the unit of the volume, which must be a depth volume",)


def test_several_horizons_of_one_file_are_told_by_their_names(tmp_path: Path):
    """OpendTect's header does not name the first column."""
    (tmp_path / "two.dat").write_text(
        '# "Inline"\t"Crossline"\t"Z"\n# - - - -\n"Top A"\t100\t300\t8\n"B"\t100\t300\t16\n"Top A"\t100\t301\t12\n'
    )
    found = read_horizons(tmp_path / "two.dat", PickOptions())
    assert [(picks.name, picks.times.tolist()) for picks in found] == [("Top A", [8, 12]), ("B", [16])]


@pytest.mark.follows("survey/labels/horizon_files/columns.py", "columns holds, perhaps --columns")
def test_columns_without_a_header_are_declared(tmp_path: Path):
    path = tmp_path / "top.dat"
    path.write_text("100 300 7 1200.5\n100 301 7 5555\n")
    with pytest.raises(SurveyError) as refused:
        read_horizons(path, PickOptions())
    assert "no header says what its columns hold; the first row is 100 300 7 1200.5" in refused.value.problem
    assert "name what each of its 4 columns holds, perhaps --columns il,xl,skip,time " in refused.value.fix
    (picks,) = read_horizons(path, PickOptions(("il", "xl", "skip", "time"), (5555.0,)))
    assert picks.times.tolist() == [1200.5]


def test_our_own_table_with_coordinates_in_degrees(tmp_path: Path):
    (tmp_path / "tops.csv").write_text("IL,XL,X_deg,Y_deg,sand_ms,out_of_order\n10,5,4.1,54.2,100,0\n")
    (sand,) = read_horizons(tmp_path / "tops.csv", PickOptions())
    assert (sand.name, sand.times.tolist(), sand.places) == ("sand", [100], None)


def test_our_own_table_of_tops(tmp_path: Path):
    (tmp_path / "tops.csv").write_text(
        'IL,XL,X,Y,sand_ms,"shale, grey_ms",out_of_order\n10,5,1000.25,2000,100,,0\n10,6,1000.25,2025,104,102,2\n'
    )
    sand, shale = read_horizons(tmp_path / "tops.csv", PickOptions())
    assert (sand.name, sand.times.tolist(), sand.unit) == ("sand", [100, 104], "ms")
    assert shale.lines is not None
    assert (shale.name, shale.times.tolist(), shale.lines.tolist()) == ("shale, grey", [102], [[10, 6]])


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.dat", b"", "begins with nothing"),
        ("a.dat", b"\0\1\2", "is no text"),
        ("a.dat", b"IL XL time\n1 2 3\n1 2 abc\n", "line 3, column 3: abc is no number"),
        ("a.dat", b"IL XL time\n1 2 3\n1 2\n", "line 3 has 2 columns"),
        ("a.dat", b"IL XL time\n1 2 1e30\n", "holds no pick"),
        ("a.irap", b"-996 2 1 1\n0 0 0 0\n2 0 0 0\n0 0 0 0 0 0 0\n1 2 3\n", "3 nodes, and its header says 2 rows of 2"),
        ("a.dat", b"PROFILE a\nSNAPPING\nnonsense\n", "line 3 is no card"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, problem: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SurveyError) as refused:
        read_horizons(tmp_path / name, PickOptions())
    assert problem in refused.value.problem
    assert str(tmp_path / name) in refused.value.problem


@pytest.mark.follows("survey/labels/horizon_files/iesx.py", "--horizon-format columns --columns x,y,time")
def test_a_table_that_begins_like_iesx_is_read_by_declared_columns(tmp_path: Path):
    (tmp_path / "a.dat").write_text("PROFILE of the top\n605000 6073000 8\n")
    with pytest.raises(SurveyError, match="line 2 is no card"):
        read_horizons(tmp_path / "a.dat", PickOptions())
    (picks,) = read_horizons(tmp_path / "a.dat", PickOptions(("x", "y", "time")), format="columns")
    assert picks.times.tolist() == [8]


@pytest.mark.follows("survey/labels/horizon_files/__init__.py", "leave --columns out, or name --horizon-format columns")
def test_declared_columns_must_be_able_to_apply(tmp_path: Path):
    path = written(Top("base", GRID, np.full(GRID.shape[:2], 8.0), places_on(GRID)), "iesx", tmp_path / "a.dat")
    with pytest.raises(SurveyError, match="cannot apply to IESX"):
        read_horizons(path, PickOptions(("x", "y", "time")), format="iesx")
    assert read_horizons(path, PickOptions(), format="iesx")
    tops = written(Top("base", GRID, np.full(GRID.shape[:2], 8.0), places_on(GRID)), "opendtect", tmp_path / "b.dat")
    declared = PickOptions(("skip", "skip", "il", "xl", "time"))
    with pytest.raises(SurveyError, match="cannot apply to OpendTect"):
        read_horizons(tops, declared, format="opendtect")
    for format in (None, "columns"):
        assert read_horizons(tops, declared, format=format)[0].places is None  # type: ignore[arg-type]
    with pytest.raises(SurveyError, match="hold no il and xl"):
        read_horizons(path, PickOptions(("x", "time", "skip")), format="columns")


def test_formats_with_coordinates_need_some(tmp_path: Path):
    top = Top("base", GRID, np.full(GRID.shape[:2], 8.0), None)
    for format in ("opendtect", "iesx", "irap-grid", "irap-points"):
        with pytest.raises(SurveyError, match="the survey has no coordinates") as refused:
            HORIZON_FORMATS[format].check(top, tmp_path / "a.dat")
        assert "--horizon-format dug with a name in .ilclt" in refused.value.fix
    assert read_horizons(written(top, "dug", tmp_path / "a.ilclt"), PickOptions())[0].times[0] == 8


@pytest.mark.follows("survey/labels/horizon_files/irap_grid.py", "--horizon-format irap-points")
def test_an_irap_grid_needs_right_angles(tmp_path: Path):
    places = places_on(GRID)
    places[..., 0] += np.arange(len(GRID.inlines))[:, None] * 5.0
    top = Top("base", GRID, np.full(GRID.shape[:2], 8.0), places)
    with pytest.raises(SurveyError, match="not at right angles") as refused:
        written(top, "irap-grid", tmp_path / "a.irap")
    assert "--horizon-format irap-points" in refused.value.fix
    written(top, "irap-points", tmp_path / "b.irap")


@pytest.mark.follows("survey/labels/horizon_files/__init__.py", "or name a format: --horizon-format opendtect")
def test_the_ending_names_the_format_or_fits_it():
    assert writable_as(Path("a.csv"), None) == "csv"
    assert writable_as(Path("a.ilclt"), None) == "dug"
    assert writable_as(Path("a.dat"), "opendtect") == "opendtect"
    with pytest.raises(SurveyError, match="written as CSV"):
        writable_as(Path("a.dat"), None)
    with pytest.raises(SurveyError, match="end in") as refused:
        writable_as(Path("a.sgy"), "opendtect")
    assert refused.value.fix == "name it a.dat"


def test_each_format_of_the_choices_is_in_the_table():
    assert set(get_args(HorizonFormatName)) == set(HORIZON_FORMATS)
    written = {word for word, each in HORIZON_FORMATS.items() if each.write is not None}
    assert set(get_args(WrittenHorizonFormat)) == written | {"csv"}, "the CSV is one table of all tops"
