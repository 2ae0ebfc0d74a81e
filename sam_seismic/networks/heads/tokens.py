"""SAM's mask decoder with one mask token for each class: an embedding comes in, class logits go out."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from sam_seismic.networks.heads.head import Head
from sam_seismic.sam import Sam


class TokenHead(Head):
    """SAM's mask decoder as a decoder of C classes.

    SAM predicts a few alternative masks of one prompted object, with one mask token and one hypernetwork for each mask.
    Here each class, including class 0, has a mask token and a hypernetwork, initialised from SAM's in turn. The two-way
    transformer and the upscaling are SAM's. The prompt is empty: no sparse token, and the "no mask" embedding is added
    to each position.

    Args:
        config: not used; this head has no options.
        sam: the SAM whose mask decoder is used, without copying.
        classes: number of facies.
    """

    stride = 4

    def __init__(self, config: Any, sam: Sam, classes: int) -> None:
        super().__init__(config, sam, classes)
        decoder = sam.mask_decoder
        self.transformer = decoder.transformer
        self.output_upscaling = decoder.output_upscaling
        self.iou_token = decoder.iou_token
        source = decoder.mask_tokens.weight.detach()
        copied = [number % len(source) for number in range(classes)]
        tokens = source[copied].clone()  # [class, 256]
        # Noise makes classes differ whose tokens are copies of the same mask token.
        tokens[len(source) :] += 0.1 * source.std() * torch.randn_like(tokens[len(source) :])
        self.class_tokens = nn.Embedding(classes, tokens.shape[1], _weight=tokens)
        self.hypernetworks = nn.ModuleList(copy.deepcopy(decoder.output_hypernetworks_mlps[index]) for index in copied)

    def forward(
        self,
        embedding: Tensor,
        dense_pe: Tensor,
        dense_prompt: Tensor,
        *,
        patches: tuple[int, int] | None = None,
    ) -> Tensor:
        """Logits float[section, class, 4 * rows, 4 * columns]; arguments as in Head."""
        b, c, h, w = embedding.shape
        tokens = torch.cat([self.iou_token.weight, self.class_tokens.weight])  # [1 + class, 256]
        tokens = tokens.expand(b, -1, -1)  # [section, 1 + class, 256]
        tokens, image = self.transformer(embedding + dense_prompt, dense_pe, tokens=tokens)
        rows, columns = patches or (h, w)
        image = image.view(b, h, w, c)[:, :rows, :columns]  # [section, rows, columns, 256]
        # The upscaling has no overlap between positions, so the positions that are not needed are removed before it.
        planes = self.output_upscaling(image.permute(0, 3, 1, 2))  # [section, 32, 4 * rows, 4 * columns]
        weights = self.class_weights(tokens[:, 1:])  # [section, class, 32]
        return torch.einsum("bkc,bchw->bkhw", weights, planes)

    def class_weights(self, tokens: Tensor) -> Tensor:
        """Weights of the upscaled channels for each class.

        Args:
            tokens: float[section, class, 256], after the transformer.

        Returns:
            float[section, class, 32].
        """
        return torch.stack([mlp(tokens[:, k]) for k, mlp in enumerate(self.hypernetworks)], dim=1)

    def train_decoder(self, trained: bool) -> None:
        """Train or freeze the transformer, the upscaling and the IoU token."""
        for part in (self.transformer, self.output_upscaling, self.iou_token):
            part.requires_grad_(trained)
