"""One PNG, TIFF or JPEG goes in, a gray section [sample, trace] comes out; its size is known from the header alone."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sam_seismic.errors import SurveyError

PNG_START = struct.Struct(">8s4x4sIIBB")
"""Signature, chunk length, chunk name, width, height, bit depth, colour type: how every PNG begins."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels by colour type; 3 is a palette, whose indices are the values."""
JPEG = (".jpg", ".jpeg")
_NEARLY_GRAY = 8
"""Largest difference of the colours of a gray picture after JPEG."""
NOT_GRAY = "save one value a pixel: amplitudes as gray PNG or float TIFF, labels as class indices"


@dataclass(frozen=True)
class PictureHeader:
    """What a picture holds.

    Args:
        shape: (samples, traces).
        dtype: of its values as stored.
        encoding: the format's own words: `PNG 8 bit`, `TIFF float32`.
    """

    shape: tuple[int, int]
    dtype: np.dtype[np.generic]
    encoding: str


def read_header(path: Path) -> PictureHeader:
    """Size and type of a picture, without decoding it.

    Raises:
        SurveyError: it is no PNG, TIFF or JPEG of one section.
    """
    try:
        if path.suffix.lower() in JPEG:
            with Image.open(path, formats=["JPEG"]) as picture:
                return PictureHeader((picture.height, picture.width), np.dtype(np.uint8), "JPEG 8 bit")
        return _png_header(path) if path.suffix.lower() == ".png" else _tiff_header(path)
    except (OSError, ValueError, struct.error, tifffile.TiffFileError) as error:
        raise _damaged(path, error) from error


def read_picture(path: Path) -> NDArray[np.generic]:
    """Values [sample, trace] in the stored type; equal colour channels become one.

    Raises:
        SurveyError: the picture is damaged, coloured or partly transparent.
    """
    header = read_header(path)
    try:
        if path.suffix.lower() in JPEG:
            return _decode_jpeg(path)
        values = _decode_png(path, header) if path.suffix.lower() == ".png" else _decode_tiff(path)
    except (OSError, ValueError, SyntaxError, tifffile.TiffFileError) as error:
        raise _damaged(path, error) from error
    return _one_channel(path, values)


def _damaged(path: Path, error: Exception) -> SurveyError:
    return SurveyError(
        problem=f"{path}: cannot be read as a {path.suffix.lstrip('.').upper()} picture: {error}",
        fix="the file is cut off, damaged or of another format: write it again",
    )


def _png_fields(path: Path) -> tuple[int, int, int, int]:
    """(width, height, bit depth, colour type)."""
    with path.open("rb") as file:
        signature, chunk, width, height, depth, colour = PNG_START.unpack(file.read(PNG_START.size))
    if signature != PNG_SIGNATURE or chunk != b"IHDR" or colour not in PNG_CHANNELS:
        raise ValueError("it does not begin as a PNG does")
    return width, height, depth, colour


def _png_header(path: Path) -> PictureHeader:
    width, height, depth, colour = _png_fields(path)
    if depth == 16 and colour != 0:
        # Pillow would drop the lower byte of each value without a warning.
        raise SurveyError(problem=f"{path}: is a PNG with 16 bit and several channels", fix=NOT_GRAY)
    dtype = np.dtype(np.uint16 if depth == 16 else np.uint8)
    kind = " palette" if colour == 3 else ""
    return PictureHeader((height, width), dtype, f"PNG {depth} bit{kind}")


def _decode_png(path: Path, header: PictureHeader) -> NDArray[np.generic]:
    _, _, depth, colour = _png_fields(path)
    with Image.open(path) as picture:
        values = np.asarray(picture).astype(header.dtype)  # [sample, trace] or [sample, trace, channel]
    # Pillow stretches 2 and 4 bit gray to 0-255; a label 3 must stay a 3.
    return values // {2: 85, 4: 17}.get(depth, 1) if colour == 0 else values


def _decode_jpeg(path: Path) -> NDArray[np.generic]:
    """[sample, trace]; JPEG makes the colours of a gray picture differ by a little."""
    with Image.open(path, formats=["JPEG"]) as picture:
        values = np.asarray(picture.convert("RGB")).astype(np.int16)  # [sample, trace, channel]
    if int(np.ptp(values, axis=-1).max(initial=0)) > _NEARLY_GRAY:
        raise SurveyError(problem=f"{path}: is a colour picture; a section has one value a pixel", fix=NOT_GRAY)
    return np.asarray(np.median(values, axis=-1), np.uint8)


def _tiff_header(path: Path) -> PictureHeader:
    with tifffile.TiffFile(path) as tiff:
        if len(tiff.series) != 1:
            raise SurveyError(problem=f"{path}: holds {len(tiff.series)} pictures", fix="save one section a file")
        series = tiff.series[0]
        shape, dtype = tuple(series.shape), series.dtype
    if dtype is None:
        raise ValueError("its sample type is unknown")
    plane = _plane_shape(path, shape)
    return PictureHeader(plane, np.dtype(dtype), f"TIFF {np.dtype(dtype).name}")


def _plane_shape(path: Path, shape: tuple[int, ...]) -> tuple[int, int]:
    """(samples, traces) of an array with two axes, or with channels last or first."""
    if len(shape) == 2:
        return shape[0], shape[1]
    if len(shape) == 3 and shape[-1] <= 4:
        return shape[0], shape[1]
    if len(shape) == 3 and shape[0] <= 4:
        return shape[1], shape[2]
    raise SurveyError(problem=f"{path}: has shape {shape}, no single section", fix="save one section a file")


def _decode_tiff(path: Path) -> NDArray[np.generic]:
    """[sample, trace] or [sample, trace, channel]."""
    try:
        values: NDArray[np.generic] = np.asarray(tifffile.imread(path))
    except ValueError as error:
        # tifffile leaves some compressions, such as LZW, to a large optional package; Pillow reads them in gray.
        if "imagecodecs" not in str(error):
            raise
        values = _decode_with_pillow(path)
    if values.ndim == 3 and values.shape[-1] > 4:
        values = np.moveaxis(values, 0, -1)  # [channel, sample, trace] -> [sample, trace, channel]
    return values


def _decode_with_pillow(path: Path) -> NDArray[np.generic]:
    try:
        with Image.open(path) as picture:
            return np.asarray(picture)
    except UnidentifiedImageError as error:
        raise SurveyError(
            problem=f"{path}: its compression cannot be read for this kind of picture",
            fix="write it without compression, or with deflate",
        ) from error


def _one_channel(path: Path, values: NDArray[np.generic]) -> NDArray[np.generic]:
    """[sample, trace(, channel)] -> [sample, trace]: equal channels are one, a constant alpha is dropped."""
    if values.ndim == 2:
        return values
    channels = values.shape[-1]
    if channels in {2, 4}:  # gray or colour, with alpha
        alpha = values[..., -1]
        if (alpha != alpha.flat[0]).any():
            raise SurveyError(problem=f"{path}: is partly transparent", fix=NOT_GRAY)
    first = values[..., 0]
    for channel in range(1, 3 if channels > 2 else 1):
        if not np.array_equal(first, values[..., channel], equal_nan=values.dtype.kind == "f"):
            raise SurveyError(problem=f"{path}: is a colour picture; a section has one value a pixel", fix=NOT_GRAY)
    return first
