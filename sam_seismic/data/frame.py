"""Section <-> canvas: places a section on the image that SAM sees, and maps logits of the canvas to the section."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own custom
from torch import Tensor

from sam_seismic.config.sam_sizes import CANVAS, PATCH
from sam_seismic.errors import SurveyError


@dataclass(frozen=True)
class Frame:
    """How a section of `section_shape` sits on a canvas of `canvas_shape`, both (rows, columns) = (samples, traces).

    The section lies at the top left, as in SAM; padding is to the right and below.

    Args:
        section_shape: (samples, traces).
        canvas_shape: (height, width) in pixels.
        placed_shape: rows and columns of the canvas that the section covers; equal to `section_shape` unless resized.
    """

    section_shape: tuple[int, int]
    canvas_shape: tuple[int, int]
    placed_shape: tuple[int, int]

    @classmethod
    def fitted(
        cls,
        section_shape: tuple[int, int],
        *,
        fit: str,
        side: int,
        canvas: str = "square",
        whole_shape: tuple[int, int] | None = None,
    ) -> "Frame":
        """The frame of a section on its canvas.

        Args:
            section_shape: (samples, traces).
            whole_shape: of the section that it was cut from, which sets the scale: a section cut by a split must have
                the scale that it has when the whole volume is predicted. None: it is whole.
            fit: `pad` does not resize the section; `resize` scales its long side to `side` at constant aspect ratio.
            side: of the square canvas, in pixels; the largest side of a tight canvas.
            canvas: `square`, or `tight`: only the patches that the section touches.

        Raises:
            SurveyError: a section larger than the canvas, with `pad`.
        """
        samples, traces = section_shape
        long_side = max(samples, traces)
        if fit == "resize":
            scale = side / max(whole_shape or section_shape)
            placed = (max(1, round(samples * scale)), max(1, round(traces * scale)))
        elif long_side > side:
            raise SurveyError(
                problem=f"a section of {samples} samples x {traces} traces does not fit the {side} x {side} canvas",
                fix="set input.fit: resize"
                + ("" if side == CANVAS else f", or a larger input.side (at most {CANVAS})")
                + "; a checkpoint keeps the canvas of its training, so to predict or score train another one",
            )
        else:
            placed = section_shape
        sides = (side, side) if canvas == "square" else (_whole_patches(placed[0]), _whole_patches(placed[1]))
        return cls(section_shape, sides, placed)

    @property
    def padding(self) -> tuple[int, int]:
        """(rows below, columns to the right) of padding."""
        return self.canvas_shape[0] - self.placed_shape[0], self.canvas_shape[1] - self.placed_shape[1]

    def place(self, section: Tensor) -> Tensor:
        """Section on its canvas.

        Args:
            section: float32[channel, sample, trace], normalised: padding is zero AFTER normalisation, as in SAM.

        Returns:
            float32[channel, height, width].
        """
        assert tuple(section.shape[-2:]) == self.section_shape, (section.shape, self.section_shape)
        if self.placed_shape != self.section_shape:
            section = _resize(section, self.placed_shape)  # [channel, placed rows, placed columns]
        below, right = self.padding
        return F.pad(section, (0, right, 0, below))  # [channel, height, width]

    def place_points(self, points: Tensor) -> Tensor:
        """Positions of samples on the canvas, in the coordinates of SAM's prompt encoder.

        Args:
            points: float[n, 2], (sample, trace) counted from 0; a box is given by two corners.

        Returns:
            float[n, 2], (x, y) in pixels: column and row, counted from 0 at the middle of the first pixel.
        """
        scales = points.new_tensor(self.placed_shape) / points.new_tensor(self.section_shape)
        return ((points + 0.5) * scales - 0.5).flip(-1)  # [n, (x, y)]

    def recover_points(self, points: Tensor) -> Tensor:
        """The inverse of `place_points`: float[n, 2] (x, y) in pixels -> float[n, 2] (sample, trace)."""
        scales = points.new_tensor(self.section_shape) / points.new_tensor(self.placed_shape)
        return (points.flip(-1) + 0.5) * scales - 0.5  # [n, (sample, trace)]

    def patches_read(self, stride: int) -> tuple[int, int]:
        """(rows, columns) of patches whose logits `recover` reads: those of the section and their next neighbours.

        Args:
            stride: distance of neighbouring logits, in pixels of the canvas.
        """
        height, width = self.canvas_shape
        rows, columns = (_whole_patches(self._logits_read(axis, stride) * stride) // PATCH for axis in (0, 1))
        return min(rows, height // PATCH), min(columns, width // PATCH)

    def recover(self, logits: Tensor, *, stride: int) -> Tensor:
        """Logits of a canvas, or of its top left corner, resampled once to the section.

        Args:
            logits: float[class, h, w] or float[section, class, h, w], of at least `patches_read`. All others are cut
                off.
            stride: distance of neighbouring logits, in pixels of the canvas.

        Returns:
            float32[class, sample, trace] or float32[section, class, sample, trace].
        """
        planes = (logits if logits.ndim == 4 else logits[None]).float()  # half has no antialiased kernel on the CPU
        planes = planes[:, :, : self._logits_read(0, stride), : self._logits_read(1, stride)]
        (samples, traces), placed = self.section_shape, self.placed_shape
        if stride != 1 or placed != self.section_shape:
            scales = (stride * samples / placed[0], stride * traces / placed[1])
            # PyTorch rounds the size down. At the edge of the canvas, the last logit is repeated if one is missing.
            sizes = [int(size * scale) for size, scale in zip(planes.shape[2:], scales, strict=True)]
            if sizes[0] < samples or sizes[1] < traces:
                planes = F.pad(planes, (0, int(sizes[1] < traces), 0, int(sizes[0] < samples)), mode="replicate")
            planes = _scale(planes, scales)
        planes = planes[:, :, :samples, :traces]  # [section, class, sample, trace]
        return planes if logits.ndim == 4 else planes[0]

    def _logits_read(self, axis: int, stride: int) -> int:
        """Number of logits along an axis that the section depends on."""
        placed, size = self.placed_shape[axis], self.section_shape[axis]
        return math.ceil(placed / stride + max(1.0, placed / (stride * size)))


def largest(shapes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """The largest number of rows, and the largest number of columns."""
    rows, columns = zip(*shapes, strict=True)
    return max(rows), max(columns)


def _whole_patches(pixels: int) -> int:
    return -(-pixels // PATCH) * PATCH


def _resize(planes: Tensor, shape: tuple[int, int]) -> Tensor:
    """float[plane, a, b] -> float[plane, *shape], bilinear, with an antialiasing filter where it shrinks."""
    shrinks = shape[0] < planes.shape[-2] or shape[1] < planes.shape[-1]
    return F.interpolate(planes[None], size=shape, mode="bilinear", align_corners=False, antialias=shrinks)[0]


def _scale(planes: Tensor, scales: tuple[float, float]) -> Tensor:
    """float[section, plane, a, b] -> both axes scaled by factors, sizes rounded down; bilinear."""
    # PyTorch does not scale an axis whose rounded size stays the same, whatever the factor.
    unchanged = [int(size * scale) == size for size, scale in zip(planes.shape[2:], scales, strict=True)]
    factors = [1.0 if same else scale for same, scale in zip(unchanged, scales, strict=True)]
    if not all(unchanged):
        planes = F.interpolate(
            planes, scale_factor=factors, mode="bilinear", align_corners=False, antialias=min(factors) < 1
        )
    for axis, (same, scale) in enumerate(zip(unchanged, scales, strict=True), start=2):
        if same and scale != 1:
            planes = _scale_axis(planes, axis, scale)
    return planes


def _scale_axis(planes: Tensor, axis: int, scale: float) -> Tensor:
    """Scale one axis by linear interpolation; its size stays the same, and values beyond its ends repeat the end."""
    count = planes.shape[axis]
    positions = ((torch.arange(count, device=planes.device) + 0.5) / scale - 0.5).clamp(0, count - 1)
    before = positions.floor().long()
    after = (before + 1).clamp_max(count - 1)
    weight = (positions - before).view(-1, *[1] * (planes.ndim - axis - 1))
    return planes.index_select(axis, before) * (1 - weight) + planes.index_select(axis, after) * weight
