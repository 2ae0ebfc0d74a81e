"""An animation shows the pictures in their order and colours, the last one longest."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sam_seismic.report import write_animation
from sam_seismic.report.animation import MOST_FRAMES


def pictures(folder: Path, all_pixels: Sequence[NDArray[np.uint8]]) -> list[Path]:
    paths = [folder / f"{number:04d}.png" for number in range(len(all_pixels))]
    for path, pixels in zip(paths, all_pixels, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def plain(colour: tuple[int, int, int], shape: tuple[int, int] = (8, 10)) -> NDArray[np.uint8]:
    """One colour, but for a row of the other colours, which stands for the legend."""
    pixels = np.full((*shape, 3), colour, np.uint8)
    pixels[0, :3] = [(221, 204, 119), (17, 119, 51), (136, 204, 238)]
    return pixels


def shown(path: Path) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """The frames and their durations in ms."""
    frames, durations = [], []
    with Image.open(path) as film:
        for number in range(getattr(film, "n_frames", 1)):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")))
            durations.append(film.info.get("duration", 0))
        assert film.info["loop"] == 0, "it begins again"
    return frames, durations


def test_frames_in_their_order_with_exact_colours(tmp_path: Path):
    given = [plain(colour) for colour in ((221, 204, 119), (17, 119, 51), (136, 204, 238))]
    assert write_animation(tmp_path / "film.gif", pictures(tmp_path, given)) == 3
    frames, durations = shown(tmp_path / "film.gif")
    for frame, pixels in zip(frames, given, strict=True):
        np.testing.assert_array_equal(frame, pixels)
    assert durations == [800, 800, 2500]
    assert not list(tmp_path.glob(".*")), "nothing temporary is left"


def test_a_long_film_shows_the_first_the_last_and_some_between(tmp_path: Path):
    given = [np.full((4, 4, 3), number, np.uint8) for number in range(201)]
    first = given[0]
    first[0] = 200
    assert write_animation(tmp_path / "film.gif", pictures(tmp_path, given)) == MOST_FRAMES
    frames, durations = shown(tmp_path / "film.gif")
    np.testing.assert_array_equal(frames[0], first)
    assert sum(durations) == pytest.approx(150 * (MOST_FRAMES - 1) + 2500, abs=1000)


def test_colours_that_a_gif_has_no_room_for_become_their_nearest(tmp_path: Path):
    pixels = np.zeros((40, 20, 3), np.uint8)
    pixels[:20] = 255  # the commonest ones, with black
    pixels[20, :, 0] = np.arange(20)
    pixels[21:35] = np.arange(280).reshape(14, 20, 1) % 251
    write_animation(tmp_path / "film.gif", pictures(tmp_path, [pixels]))
    (frame,), _ = shown(tmp_path / "film.gif")
    assert np.abs(frame.astype(int) - pixels).max() <= 19
    np.testing.assert_array_equal(frame[:20], pixels[:20])


def test_pictures_of_another_size_are_left_out(tmp_path: Path):
    given = [plain((221, 204, 119), (9, 10)), plain((17, 119, 51)), plain((136, 204, 238))]
    assert write_animation(tmp_path / "film.gif", pictures(tmp_path, given)) == 2
    frames, _ = shown(tmp_path / "film.gif")
    assert [frame.shape for frame in frames] == [(8, 10, 3)] * 2
