"""The prompt encoder: points, boxes and masks go in, prompt tokens and a map to add to the image embedding come out.

Source: Kirillov et al. 2023, "Segment Anything", appendix A; Tancik et al. 2020, "Fourier Features Let Networks Learn
High Frequency Functions in Low Dimensional Domains" (the encoding of positions).
"""

import math

import torch
from torch import Tensor, nn

from sam_seismic.config.sam_sizes import CANVAS
from sam_seismic.sam.image_encoder import CHANNELS, GRID
from sam_seismic.sam.layers import LayerNorm2d

Points = tuple[Tensor, Tensor]
"""Coordinates float[P, N, 2] as (x, y) in pixels of the canvas; labels int[P, N]: 1 inside, 0 outside, -1 no point."""


class PositionEncoding(nn.Module):
    """Random Fourier features of positions on the square canvas (Tancik et al. 2020)."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, CHANNELS // 2))

    def forward(self, positions: Tensor) -> Tensor:
        """float[..., 2], (x, y) as fractions of the side of the square canvas -> float[..., 256]."""
        matrix = self.positional_encoding_gaussian_matrix
        # Not a matrix product: autocast would compute it in half precision, with errors of several pixels.
        x, y = (2 * positions.float() - 1).unsqueeze(-1).unbind(-2)  # [..., 1] each
        angles = 2 * math.pi * (x * matrix[0].float() + y * matrix[1].float())  # [..., 128]
        return torch.cat([angles.sin(), angles.cos()], dim=-1).to(matrix.dtype)  # [..., 256]


class PromptEncoder(nn.Module):
    """The prompt encoder of SAM for any canvas up to 1024 x 1024.

    Positions are relative to the square canvas for every canvas size, as in the image encoder.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pe_layer = PositionEncoding()
        # For a point outside the object, a point inside it, the top left and the bottom right corner of a box.
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, CHANNELS) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, CHANNELS)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, kernel_size=2, stride=2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, kernel_size=2, stride=2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, CHANNELS, kernel_size=1),
        )
        self.no_mask_embed = nn.Embedding(1, CHANNELS)

    def dense_pe(self, grid: tuple[int, int]) -> Tensor:
        """The positional encoding of each token of an image embedding.

        Args:
            grid: (h, w) of the embedding, at most (64, 64).

        Returns:
            float[1, 256, h, w].
        """
        h, w = grid
        device = self.no_mask_embed.weight.device
        y, x = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing="ij")
        centres = (torch.stack([x, y], dim=-1) + 0.5) / GRID  # [h, w, 2]
        encoded: Tensor = self.pe_layer(centres)  # [h, w, 256]
        return encoded.permute(2, 0, 1).unsqueeze(0)  # [1, 256, h, w]

    def forward(
        self,
        points: Points | None = None,
        boxes: Tensor | None = None,
        *,
        masks: Tensor | None = None,
        grid: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        """Encode P prompts, each of which has all the kinds that are not None.

        Args:
            points: coordinates float[P, N, 2] and labels int[P, N], see `Points`.
            boxes: float[P, 4] as (left, top, right, bottom) in pixels.
            masks: float[P, 1, 4h, 4w], mask logits of a previous prediction.
            grid: (h, w) of the image embedding.

        Returns:
            Sparse tokens float[P, n, 256], n = 0 without points and boxes; dense map float[P, 256, h, w].
        """
        counts = [len(prompt) for prompt in (points and points[0], boxes, masks) if prompt is not None]
        prompts = counts[0] if counts else 1
        assert all(count == prompts for count in counts), f"points, boxes and masks differ in number: {counts}"
        tokens = [self.no_mask_embed.weight.new_zeros(prompts, 0, CHANNELS)]
        if points is not None:
            # In the training of SAM, prompts without a box had one additional point with the label -1.
            tokens.append(self._encode_points(*points, pad=boxes is None))
        if boxes is not None:
            tokens.append(self._encode_boxes(boxes))
        return torch.cat(tokens, dim=1), self._encode_masks(masks, prompts, grid)

    def _encode_points(self, coordinates: Tensor, labels: Tensor, *, pad: bool) -> Tensor:
        """float[P, N, 2], int[P, N] -> float[P, N, 256]; float[P, N + 1, 256] with `pad`."""
        if pad:
            coordinates = torch.cat([coordinates, coordinates.new_zeros(len(coordinates), 1, 2)], dim=1)  # [P, N+1, 2]
            labels = torch.cat([labels, labels.new_full((len(labels), 1), -1)], dim=1)  # [P, N+1]
        outside, inside, _, _ = self._label_embeddings()
        encoded = self.pe_layer((coordinates + 0.5) / CANVAS)  # [P, N, 256]
        label = labels.unsqueeze(-1)  # [P, N, 1]
        encoded = torch.where(label == -1, self.not_a_point_embed.weight[0], encoded)
        encoded = torch.where(label == 0, encoded + outside, encoded)
        return torch.where(label == 1, encoded + inside, encoded)

    def _encode_boxes(self, boxes: Tensor) -> Tensor:
        """float[P, 4] -> float[P, 2, 256]."""
        corners = (boxes.reshape(-1, 2, 2) + 0.5) / CANVAS  # [P, 2, 2]
        encoded: Tensor = self.pe_layer(corners) + torch.stack(self._label_embeddings()[2:])  # [P, 2, 256]
        return encoded

    def _label_embeddings(self) -> list[Tensor]:
        """Embeddings float[256] of a point outside, a point inside, the first and the second corner of a box."""
        return list(torch.cat(list(self.point_embeddings.parameters())).unbind(0))

    def _encode_masks(self, masks: Tensor | None, prompts: int, grid: tuple[int, int]) -> Tensor:
        """float[P, 1, 4h, 4w] or None -> float[P, 256, h, w]."""
        h, w = grid
        if masks is None:
            embedding = self.no_mask_embed.weight.reshape(1, CHANNELS, 1, 1)  # [1, 256, 1, 1]
            return embedding.expand(prompts, CHANNELS, h, w)  # [P, 256, h, w]
        assert masks.shape[1:] == (1, 4 * h, 4 * w), f"masks {tuple(masks.shape)} do not fit a grid of {h} x {w}"
        encoded: Tensor = self.mask_downscaling(masks)
        return encoded
