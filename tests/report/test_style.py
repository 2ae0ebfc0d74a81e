"""Each class has a distinct colour, and a picture is written completely or not at all."""

from pathlib import Path
from typing import BinaryIO

import matplotlib
import pytest
from matplotlib.colors import to_hex

from sam_seismic.report import facies_legend
from sam_seismic.report.legend import legend_figure
from sam_seismic.report.style import CORRECT, class_colors, house_style, new_figure, write_picture
from sam_seismic.survey.facies import FaciesTable

FACIES = FaciesTable(("upper_ns", "rijnland_chalk", "zechstein"))
LONG = FaciesTable(tuple(f"a_formation_of_a_long_name_{index}" for index in range(8)))


def test_colours_are_distinct_and_independent_of_the_number_of_classes():
    colors = class_colors(254)
    assert len(set(colors)) == 254
    assert CORRECT not in colors
    assert class_colors(3) == colors[:3]
    assert class_colors(12) == colors[:12]


def test_the_legend_shows_each_class_in_its_colour(look, tmp_path: Path):
    figure = legend_figure(LONG)
    assert look.legend(figure) == list(LONG.names)
    handles = figure.legends[0].get_patches()
    assert [to_hex(patch.get_facecolor()) for patch in handles] == list(class_colors(8))
    facies_legend(tmp_path / "facies.png", LONG)
    width, height = look.png(tmp_path / "facies.png")
    box = figure.legends[0].get_window_extent()
    assert (width, height) == (pytest.approx(box.width, abs=2), pytest.approx(box.height, abs=2)), "cut to its content"


def test_a_failed_picture_leaves_the_old_one_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"the old one")

    def fail(file: BinaryIO, **_: object) -> None:
        file.write(b"half")
        raise OSError("disk full")

    figure = new_figure(1, 1)
    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        write_picture(path, figure)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("picture.png", b"the old one")]


def test_pictures_and_matplotlib_settings_of_the_user_do_not_affect_each_other(tmp_path: Path):
    facies_legend(tmp_path / "plain.png", FACIES)
    with matplotlib.rc_context({"font.size": 30, "savefig.dpi": 20, "text.color": "red"}):
        facies_legend(tmp_path / "set.png", FACIES)
        with house_style():
            assert matplotlib.rcParams["savefig.dpi"] == "figure"
        assert matplotlib.rcParams["font.size"] == 30
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "set.png").read_bytes()
