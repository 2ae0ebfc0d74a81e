"""Pictures of one size come in, as PNG files; an animation of them goes out, as GIF."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam_seismic.files.atomic import whole_file

MOST_FRAMES = 100
"""An animation of more pictures shows so many, evenly spread, and always the first and the last one."""
SECONDS = 15.0
"""An animation takes about this long, within the bounds of `FRAME_SECONDS`; the last picture stays for LAST_SECONDS."""
FRAME_SECONDS, LAST_SECONDS = (0.15, 0.8), 2.5
COLOURS = 256
"""Most colours of a GIF."""


def write_animation(path: Path, frames: Sequence[Path]) -> int:
    """Write an animation as GIF, atomically, and return how many of the pictures it shows.

    Pictures of another size than the last one are left out, such as those that an earlier version drew.

    Args:
        path: the GIF file.
        frames: PNG files, at least one.

    Raises:
        OSError: a picture cannot be read, or the GIF cannot be written.
    """
    sizes = {frame: _size(frame) for frame in frames}
    fitting = [frame for frame in frames if sizes[frame] == sizes[frames[-1]]]
    places = np.unique(np.linspace(0, len(fitting) - 1, min(len(fitting), MOST_FRAMES)).round().astype(int))
    chosen = [fitting[place] for place in places]
    shortest, longest = FRAME_SECONDS
    each = min(longest, max(shortest, SECONDS / len(chosen)))
    first, *others = _in_few_colours(chosen)
    with whole_file(path) as file:
        first.save(
            file,
            format="GIF",
            save_all=True,
            append_images=others,
            duration=[round(1000 * seconds) for seconds in [each] * (len(chosen) - 1) + [LAST_SECONDS]],
            loop=0,
        )
    return len(chosen)


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def _in_few_colours(frames: Sequence[Path]) -> Iterator[Image.Image]:
    """Pictures in the commonest colours of the first one, which has all classes in its legend.

    The colours of classes, which fill areas, so stay exact; only those of the edges of letters change. Pillow's own
    conversion rounds colours before it looks for the nearest one.
    """
    palette: NDArray[np.uint8] | None = None
    nearest = np.zeros(1 << 24, np.uint8)  # by a colour as one number: its index in the palette
    for frame in frames:
        with Image.open(frame) as file:
            picture = file.convert("RGB")
        colours = _colours(picture)
        palette = colours[:COLOURS] if palette is None else palette
        nearest[_as_numbers(colours)] = _nearest(colours, palette)
        reduced = Image.fromarray(nearest[_as_numbers(np.asarray(picture))])  # [row, column]
        reduced.putpalette(palette.tobytes())
        yield reduced


def _colours(picture: Image.Image) -> NDArray[np.uint8]:
    """The colours uint8[colour, 3] of a picture, the commonest first."""
    counted = picture.getcolors(picture.width * picture.height)
    assert counted is not None, "it has no more colours than pixels"
    return np.array([colour for _, colour in sorted(counted, reverse=True)], np.uint8)


def _as_numbers(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Colours uint8[..., 3] -> a number for each, int32[...]."""
    numbers: NDArray[np.int32] = colours.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    return numbers


def _nearest(colours: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The index of the nearest of a palette uint8[entry, 3] for each of the colours uint8[colour, 3]."""
    apart = colours.astype(np.int32)[:, None] - palette.astype(np.int32)  # [colour, entry, 3]
    distances: NDArray[np.int32] = np.square(apart).sum(axis=-1)  # [colour, entry]
    nearest: NDArray[np.intp] = distances.argmin(axis=-1)
    return nearest
