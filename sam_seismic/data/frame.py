"""Section <-> canvas: a seismic section goes in, the image SAM sees comes out, and logits find their way back."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own custom
from torch import Tensor

from sam_seismic.errors import SurveyError


@dataclass(frozen=True)
class Frame:
    """How a section of `section_shape` sits on a canvas of `canvas_shape`, both (rows, columns) = (samples, traces).

    The section lies at the top left, as in SAM; the rest is padding, to the right and below.

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
        cls, section_shape: tuple[int, int], *, fit: str, side: int, whole_shape: tuple[int, int] | None = None
    ) -> "Frame":
        """The frame of a section on a square canvas.

        Args:
            section_shape: (samples, traces).
            whole_shape: of the section that it was cut from, which decides the scale: what a split cuts must look as it
                will when the whole volume is predicted. None: it is whole.
            fit: `pad` keeps the section as it is; `resize` brings its long side to `side`, aspect kept.
            side: of the canvas, in pixels.

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
                fix="set input.fit: resize" + ("" if side == 1024 else ", or a larger input.side (at most 1024)"),
            )
        else:
            placed = section_shape
        return cls(section_shape, (side, side), placed)

    @property
    def padding(self) -> tuple[int, int]:
        """(rows below, columns to the right) of padding."""
        return self.canvas_shape[0] - self.placed_shape[0], self.canvas_shape[1] - self.placed_shape[1]

    def valid(self) -> Tensor:
        """bool[height, width]: where the canvas shows the section."""
        mask = torch.zeros(self.canvas_shape, dtype=torch.bool)
        mask[: self.placed_shape[0], : self.placed_shape[1]] = True
        return mask

    def place(self, section: Tensor) -> Tensor:
        """Section on its canvas.

        Args:
            section: float32[channel, sample, trace], normalised already: padding is zero AFTER that, as in SAM.

        Returns:
            float32[channel, height, width].
        """
        assert tuple(section.shape[-2:]) == self.section_shape, (section.shape, self.section_shape)
        if self.placed_shape != self.section_shape:
            section = _resize(section, self.placed_shape)  # [channel, placed rows, placed columns]
        below, right = self.padding
        return F.pad(section, (0, right, 0, below))  # [channel, height, width]

    def recover(self, logits: Tensor) -> Tensor:
        """Logits float[class, h, w] of a canvas, at any resolution -> float32[class, sample, trace] of its section."""
        logits = logits.float()  # antialiased resizing has no half-precision kernel on the CPU
        if tuple(logits.shape[-2:]) != self.canvas_shape:
            logits = _resize(logits, self.canvas_shape)  # [class, height, width]
        placed = logits[:, : self.placed_shape[0], : self.placed_shape[1]]  # padding is cut off here, for good
        return placed if self.placed_shape == self.section_shape else _resize(placed, self.section_shape)


def _resize(planes: Tensor, shape: tuple[int, int]) -> Tensor:
    """float[plane, a, b] -> float[plane, *shape], bilinear, smoothed first where it shrinks: nothing aliases."""
    shrinks = shape[0] < planes.shape[-2] or shape[1] < planes.shape[-1]
    return F.interpolate(planes[None], size=shape, mode="bilinear", align_corners=False, antialias=shrinks)[0]
