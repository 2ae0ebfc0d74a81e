"""The mask decoder: an image embedding and encoded prompts go in, mask logits and their expected quality come out.

Source: Kirillov et al. 2023, "Segment Anything", appendix A.
"""

import torch
from torch import Tensor, nn

from sam_seismic.sam.image_encoder import CHANNELS
from sam_seismic.sam.layers import LayerNorm2d, Perceptron
from sam_seismic.sam.transformer import TwoWayTransformer

MASKS = 4
"""Number of mask tokens of SAM."""


class MaskDecoder(nn.Module):
    """The mask decoder of SAM (Kirillov et al. 2023, "Segment Anything", appendix A).

    Other decoders can use its parts: `transformer`, `output_upscaling`, the tokens and their heads.

    Args:
        masks: number of mask tokens. SAM has 4: the first for an unambiguous prompt, the others for an ambiguous one.
    """

    def __init__(self, masks: int = MASKS) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer()
        self.iou_token = nn.Embedding(1, CHANNELS)
        self.mask_tokens = nn.Embedding(masks, CHANNELS)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(CHANNELS, CHANNELS // 4, kernel_size=2, stride=2),
            LayerNorm2d(CHANNELS // 4),
            nn.GELU(),
            nn.ConvTranspose2d(CHANNELS // 4, CHANNELS // 8, kernel_size=2, stride=2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            Perceptron(CHANNELS, CHANNELS, outputs=CHANNELS // 8) for _ in range(masks)
        )
        self.iou_prediction_head = Perceptron(CHANNELS, CHANNELS, outputs=masks)

    def forward(
        self, image: Tensor, image_pe: Tensor, *, sparse: Tensor, dense: Tensor, multimask_output: bool
    ) -> tuple[Tensor, Tensor]:
        """Masks for P prompts on one image, or on one image each.

        Args:
            image: float[1 or P, 256, h, w], image embeddings.
            image_pe: float[1, 256, h, w], from `PromptEncoder.dense_pe`.
            sparse: float[P, n, 256], prompt tokens, from `PromptEncoder`.
            dense: float[P, 256, h, w], encoded masks, from `PromptEncoder`.
            multimask_output: return all masks except the first (for an ambiguous prompt), not only the first.

        Returns:
            Logits float[P, M, 4h, 4w] and expected IoU float[P, M].
        """
        masks, quality = self.predict_all(image, image_pe, sparse=sparse, dense=dense)
        selected = slice(1, None) if multimask_output else slice(0, 1)
        return masks[:, selected], quality[:, selected]

    def predict_all(self, image: Tensor, image_pe: Tensor, *, sparse: Tensor, dense: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, for all masks: logits float[P, masks, 4h, 4w] and expected IoU float[P, masks]."""
        prompts = len(sparse)
        assert len(image) in (1, prompts), f"{len(image)} images for {prompts} prompts: give one, or one each"
        output_tokens = torch.cat([self.iou_token.weight, self.mask_tokens.weight])  # [1 + masks, 256]
        tokens = torch.cat([output_tokens.expand(prompts, -1, -1), sparse], dim=1)  # [P, 1 + masks + n, 256]

        tokens, pixels = self.transformer(image + dense, image_pe, tokens=tokens)  # pixels: [P, h*w, 256]
        upscaled = self.output_upscaling(pixels.transpose(1, 2).unflatten(2, dense.shape[-2:]))  # [P, 32, 4h, 4w]

        heads = self.output_hypernetworks_mlps
        filters = torch.stack([head(tokens[:, 1 + i]) for i, head in enumerate(heads)], dim=1)  # [P, masks, 32]
        masks = (filters @ upscaled.flatten(2)).unflatten(2, upscaled.shape[-2:])  # [P, masks, 4h, 4w]
        return masks, self.iou_prediction_head(tokens[:, 0])
