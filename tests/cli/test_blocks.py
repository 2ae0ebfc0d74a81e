"""What is drawn on the terminal: every character of a map and of a histogram stands for what it should."""

from typing import get_args

import numpy as np
import pytest

from sam_seismic.cli.blocks import HEIGHT, PRINTERS, bar_of, histogram_lines, map_lines, show_block
from sam_seismic.inspection.number_format import format_amount, format_percent
from sam_seismic.report.blocks import Columns, Histogram, LiveMap, ReportBlock


def test_a_map_shades_what_is_partly_live():
    shares = np.array([[1.0, 0.999, 0.5, 0.1], [0.0, 0.001, 1.0, 0.0]])
    lines = map_lines(LiveMap("Live", shares, (100, 2000), (7, 12)), unicode=True)
    assert lines == ["        XL 7-12", "IL 100  █▓▒░", "IL 2000 ·░█·", "        █ all  ▓▒░ some  · none"]


def test_a_wide_map_has_its_crosslines_above_its_ends():
    lines = map_lines(LiveMap("Live", np.ones((1, 60)), (5, 5), (300, 1000)), unicode=True)
    assert lines[0] == " " * 5 + "XL 300" + " " * 50 + "1000"
    assert lines[1] == "IL 5 " + "█" * 60
    assert len(lines) == 3


def test_a_histogram_shows_all_that_is_there():
    counts = np.array([0, 1, 2500, 10000])
    lines = histogram_lines(Histogram("h", np.array([-20.0, -10.0, 0.0, 10.0, 20.0]), counts), unicode=True)
    assert len(lines) == HEIGHT + 1
    columns = ["".join(line.ljust(4)[column] for line in lines[:HEIGHT]) for column in range(4)]
    assert columns == ["      ", "     ▁", "   ███", "██████"]
    assert lines[-1] == "-20 20"


def test_zero_is_marked_where_it_is():
    lines = histogram_lines(Histogram("h", np.linspace(-30, 10, 41), np.ones(40, np.int64)), unicode=True)
    assert lines[-1].index("0") == lines[-1].index("-30") + 2  # of -30 itself
    assert lines[-1][29:31].strip() == "0"


def test_terminals_without_unicode_get_plain_characters():
    assert map_lines(LiveMap("Live", np.array([[1.0, 0.5, 0.0]]), (1, 1), (1, 3)), unicode=False)[1] == "IL 1 #+."
    assert bar_of(3.4, unicode=False) == "###"
    histogram = histogram_lines(Histogram("h", np.arange(4.0), np.array([1, 2, 3])), unicode=False)
    assert all(line.isascii() for line in histogram)


@pytest.mark.parametrize(("length", "bar"), [(0, ""), (0.01, "▏"), (1, "█"), (2.5, "██▌"), (20, "█" * 20)])
def test_a_bar_is_as_long_as_its_share(length: float, bar: str):
    assert bar_of(length, unicode=True) == bar


def test_a_table_stays_within_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    rows = [(str(k), "a rather long name of a facies", "123,456,789,012", "33.3 %", "1,000 of 1,000") for k in range(3)]
    header = ("value", "name", "voxels", "share", "inlines")
    show_block(Columns("Labels", header, rows, [0.1, 0.5, 0.4], ["#ddcc77"] * 3, "A note."))
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 80
    assert shown[-1] == "A note."
    assert "\x1b" not in "".join(shown)


def test_numbers_are_short_and_never_round_to_all_or_nothing():
    assert [format_amount(v) for v in (-12750.4, 0.012345, 3e9, 758.5, 0)] == [
        "-12,750",
        "0.01235",
        "3e+09",
        "758.5",
        "0",
    ]
    assert [format_percent(v) for v in (1, 0.99996, 0.5, 0.0123, 1e-6, 0)] == [
        *("100 %", "99.99 %", "50 %", "1.2 %", "less than 0.01 %", "0 %")
    ]


def test_each_kind_of_block_can_be_printed():
    assert set(PRINTERS) == {block.kind for block in get_args(ReportBlock)}
