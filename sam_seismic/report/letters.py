"""Texts of a picture come in; the fonts that have their letters go out, or texts that our own font can draw."""

from collections.abc import Iterable, Sequence
from functools import cache

from matplotlib.font_manager import fontManager, get_font

OURS = "DejaVu Sans"
"""The font of all pictures: it comes with matplotlib, so it is on every cluster."""
_BOXES = ("last resort", "lastresort", "blank", "fallback font")
"""In the names of fonts that draw a box, or nothing, for every letter."""


def families(texts: Iterable[str]) -> list[str]:
    """Our font, and installed ones for the letters that it lacks."""
    found, lacking = [OURS], _lacking("".join(texts))
    for name, path in _installed() if lacking else ():
        has = {letter for letter in lacking if get_font(path).get_char_index(ord(letter))}
        if has:
            found.append(name)
            lacking -= has
        if not lacking:
            break
    return found


def is_drawable(text: str) -> bool:
    """Whether an installed font, or several, have all letters of a text."""
    return not _without_font(frozenset(_lacking(text)))


def drawable(text: str) -> str:
    """The text with escapes, such as `\\\\u7802`, for letters that no installed font has."""
    missing = _without_font(frozenset(_lacking(text)))
    return "".join(
        letter.encode("ascii", "backslashreplace").decode() if letter in missing else letter for letter in text
    )


def class_labels(names: Sequence[str]) -> list[str]:
    """The names of classes as pictures show them: `class 2` for one that cannot be drawn; the first class is 0."""
    return [name if is_drawable(name) else f"class {index}" for index, name in enumerate(names)]


def note_on_labels(names: Sequence[str]) -> str | None:
    """What a user should know of the names in pictures: that some are numbers there; None if all are drawn."""
    replaced = [f"{label} ({name})" for name, label in zip(names, class_labels(names), strict=True) if name != label]
    if not replaced:
        return None
    return (
        f"pictures show {', '.join(replaced)} without their names: no installed font has the letters; install one that "
        "has, such as Noto Sans CJK"
    )


def _lacking(text: str) -> set[str]:
    """The letters that our font lacks."""
    ours = get_font(_path_of_ours())
    return {letter for letter in text if not letter.isspace() and not ours.get_char_index(ord(letter))}


@cache
def _without_font(letters: frozenset[str]) -> frozenset[str]:
    """Those of the letters that no installed font has."""
    left = set(letters)
    for _, path in _installed() if left else ():
        left -= {letter for letter in left if get_font(path).get_char_index(ord(letter))}
        if not left:
            break
    return frozenset(left)


@cache
def _path_of_ours() -> str:
    return str(fontManager.findfont(OURS))


@cache
def _installed() -> tuple[tuple[str, str], ...]:
    """Name and path of each installed font that draws letters, upright ones of normal weight first."""
    fonts = [font for font in fontManager.ttflist if not any(word in font.name.lower() for word in _BOXES)]
    fonts.sort(key=lambda font: (font.style != "normal", str(font.weight) not in ("400", "normal", "regular")))
    return tuple((font.name, font.fname) for font in fonts)
