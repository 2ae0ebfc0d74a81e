"""Names in any script are drawn: by a font that has their letters, else as numbers, and the user is told."""

import warnings
from pathlib import Path

import pytest
from matplotlib.font_manager import FontEntry, fontManager

from sam_seismic.report import facies_legend
from sam_seismic.report import letters as module
from sam_seismic.report.legend import legend_figure
from sam_seismic.report.letters import OURS, class_labels, drawable, families, note_on_labels
from sam_seismic.survey.facies import FaciesTable

NO_FONT = "\U0010ffff\U0010fffe"
"""Letters that no font has."""


def test_plain_names_are_drawn_in_our_font():
    names = ("upper_ns", "Ζεχστάιν", "Песчаник", "a $x$ b", "Sändig")
    assert class_labels(names) == list(names)
    assert families(names) == [OURS]
    assert note_on_labels(names) is None


def test_a_name_without_letters_is_a_number_and_is_told(look, tmp_path: Path):
    names = ("sand", NO_FONT)
    assert class_labels(names) == ["sand", "class 1"]
    note = note_on_labels(names)
    assert note is not None
    assert f"class 1 ({NO_FONT})" in note
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert look.legend(legend_figure(FaciesTable(names))) == ["sand", "class 1"]
        facies_legend(tmp_path / "facies.png", FaciesTable(names))


def test_text_that_is_no_name_keeps_what_can_be_drawn():
    """A name of a file, whose bytes may be no UTF-8."""
    assert drawable("line a.sgy\nIL 3") == "line a.sgy\nIL 3"
    assert drawable("a\udcff.npy") == r"a\udcff.npy"


def test_an_installed_font_is_used(monkeypatch: pytest.MonkeyPatch):
    """Any of the system's: here one of matplotlib's own, which has a letter that ours lacks."""
    lacking = "\ue2d1"  # of the private area
    symbols = next(font for font in fontManager.ttflist if font.name == "STIXNonUnicode" and font.style == "normal")
    monkeypatch.setattr(module, "_installed", lambda: ((symbols.name, symbols.fname),))
    module._without_font.cache_clear()
    assert module._lacking(lacking) == {lacking}
    has = module.get_font(symbols.fname).get_charmap()
    letter = next(chr(code) for code in has if module._lacking(chr(code)))
    assert class_labels((letter,)) == [letter]
    assert families([letter]) == [OURS, symbols.name]
    module._without_font.cache_clear()


def test_fonts_that_draw_boxes_are_no_fonts():
    entries = [*fontManager.ttflist, FontEntry(fname="x.ttf", name="Last Resort High-Efficiency")]
    assert entries
    assert not any("last resort" in name.lower() for name, _ in module._installed())


def test_a_dollar_in_a_name_is_a_dollar(tmp_path: Path):
    """Matplotlib would set what stands between two as a formula, or fail."""
    facies_legend(tmp_path / "facies.png", FaciesTable(("a$\\frac$", "b$")))
    assert (tmp_path / "facies.png").stat().st_size > 500
