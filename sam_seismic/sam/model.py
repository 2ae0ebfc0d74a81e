"""SAM as one module: a size and perhaps a checkpoint go in, the network with Meta's parameter names comes out.

Source: Kirillov et al. 2023, "Segment Anything".
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from sam_seismic.errors import UserError
from sam_seismic.sam.image_encoder import SIZES, ImageEncoder
from sam_seismic.sam.mask_decoder import MaskDecoder
from sam_seismic.sam.prompt_encoder import PromptEncoder
from sam_seismic.sam.weights.load import load_weights

PIXEL_MEAN = (123.675, 116.28, 103.53)
"""Mean of red, green and blue over SAM's training images, on a scale of 0 to 255."""
PIXEL_STD = (58.395, 57.12, 57.375)
"""Their standard deviations."""


class Sam(nn.Module):
    """The three parts of SAM; its `state_dict()` has the names and shapes of the published checkpoints.

    Args:
        size: vit_t, vit_b, vit_l or vit_h.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(self, size: str) -> None:
        super().__init__()
        if size not in SIZES:
            raise UserError(problem=f"there is no SAM of the size {size!r}", fix=f"choose one of {', '.join(SIZES)}")
        self.size = size
        self.image_encoder = ImageEncoder(SIZES[size])
        self.prompt_encoder = PromptEncoder()
        self.mask_decoder = MaskDecoder()
        # Not in the published files, so not in the state either.
        self.register_buffer("pixel_mean", torch.tensor(PIXEL_MEAN).reshape(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(PIXEL_STD).reshape(3, 1, 1), persistent=False)

    def normalise(self, pixels: Tensor) -> Tensor:
        """Pixels on a scale of 0 to 255 -> what the image encoder expects: float[..., 3, H, W] both.

        Padding comes afterwards, with zeros.
        """
        return (pixels - self.pixel_mean) / self.pixel_std


def build_sam(size: str, checkpoint: Path | str | None = None) -> Sam:
    """A SAM with the weights of a checkpoint, or with random ones to train from.

    Args:
        size: vit_t, vit_b, vit_l or vit_h.
        checkpoint: a file with Meta's parameter names, such as `sam_vit_b_01ec64.pth`.

    Raises:
        UserError: there is no such size.
        WeightsError: the checkpoint is missing, damaged, unsafe or of another network.
    """
    sam = Sam(size)
    if checkpoint is not None:
        load_weights(sam, Path(checkpoint))
    return sam
