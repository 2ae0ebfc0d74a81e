"""Fixture: functions that read the content of a figure or a PNG file."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image


class Look:
    """Reads the content of a figure or a PNG file."""

    @staticmethod
    def panels(figure: Figure) -> dict[str, Axes]:
        return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.axison}

    @staticmethod
    def image(axes: Axes) -> np.ma.MaskedArray:
        return np.ma.masked_array(axes.images[-1].get_array())

    @staticmethod
    def legend(figure: Figure) -> list[str]:
        legends = figure.legends or [axes.get_legend() for axes in figure.axes if axes.get_legend()]
        return [text.get_text() for text in legends[0].get_texts()]

    @staticmethod
    def png(path: Path) -> tuple[int, int]:
        assert path.stat().st_size < 500_000
        assert [each.name for each in path.parent.iterdir()] == [path.name], "nothing temporary is left"
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG"
            return picture.size


@pytest.fixture
def look() -> Look:
    return Look()
