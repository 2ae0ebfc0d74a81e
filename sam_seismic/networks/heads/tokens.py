"""An embedding comes in, one logit plane a facies goes out: SAM's mask decoder, one mask token a class."""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from sam_seismic.networks.heads.head import Head
from sam_seismic.sam import Sam


class TokenHead(Head):
    """SAM's mask decoder turned into a C-class one.

    SAM predicts a few alternative masks of one prompted object: one mask token and one hypernetwork each. Here there is
    one of each for every class, class 0 included, started from SAM's own in turn; the two-way transformer and the
    upscaling are SAM's. The prompt is the empty one: no sparse token, and the "no mask" embedding added everywhere.

    Args:
        config: its options, of which it has none.
        sam: whose decoder and prompt encoder are taken over (not copied).
        classes: how many facies.
    """

    stride = 4

    def __init__(self, config: Any, sam: Sam, classes: int) -> None:
        super().__init__(config, sam, classes)
        decoder = sam.mask_decoder
        self.transformer = decoder.transformer
        self.output_upscaling = decoder.output_upscaling
        self.iou_token = decoder.iou_token
        source = decoder.mask_tokens.weight.detach()
        first = [number % len(source) for number in range(classes)]
        tokens = source[first].clone()  # [class, 256]
        # Classes that start from the same token need something to tell them apart.
        tokens[len(source) :] += 0.1 * source.std() * torch.randn_like(tokens[len(source) :])
        self.class_tokens = nn.Embedding(classes, tokens.shape[1], _weight=tokens)
        self.hypernetworks = nn.ModuleList(copy.deepcopy(decoder.output_hypernetworks_mlps[index]) for index in first)

    def forward(
        self,
        embedding: Tensor,
        dense_pe: Tensor,
        dense_prompt: Tensor,
        *,
        patches: tuple[int, int] | None = None,
    ) -> Tensor:
        """Logits float[section, class, 4 * rows, 4 * columns]; arguments as of Head."""
        b, c, h, w = embedding.shape
        tokens = torch.cat([self.iou_token.weight, self.class_tokens.weight])  # [1 + class, 256]
        tokens = tokens.expand(b, -1, -1)  # [section, 1 + class, 256]
        tokens, image = self.transformer(embedding + dense_prompt, dense_pe, tokens=tokens)
        rows, columns = patches or (h, w)
        image = image.view(b, h, w, c)[:, :rows, :columns]  # [section, rows, columns, 256]
        # Each place is upscaled by itself, so what is not wanted can be left out before.
        planes = self.output_upscaling(image.permute(0, 3, 1, 2))  # [section, 32, 4 * rows, 4 * columns]
        weights = self.class_weights(tokens[:, 1:])  # [section, class, 32]
        return torch.einsum("bkc,bchw->bkhw", weights, planes)

    def class_weights(self, tokens: Tensor) -> Tensor:
        """What the planes of each class are weighted with.

        Args:
            tokens: float[section, class, 256], after the transformer.

        Returns:
            float[section, class, 32].
        """
        return torch.stack([mlp(tokens[:, k]) for k, mlp in enumerate(self.hypernetworks)], dim=1)

    def train_decoder(self, trained: bool) -> None:
        """Let the transformer, the upscaling and the IoU token train, or freeze them."""
        for part in (self.transformer, self.output_upscaling, self.iou_token):
            part.requires_grad_(trained)
