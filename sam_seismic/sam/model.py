"""SAM as one module: a size and perhaps a checkpoint go in, the network with Meta's parameter names comes out.

Source: Kirillov et al. 2023, "Segment Anything".
"""

from contextlib import nullcontext
from pathlib import Path

from torch import nn

from sam_seismic.config.sam_sizes import SIZES
from sam_seismic.errors import UserError
from sam_seismic.sam.image_encoder import ImageEncoder
from sam_seismic.sam.layers import Undrawn
from sam_seismic.sam.mask_decoder import MaskDecoder
from sam_seismic.sam.prompt_encoder import PromptEncoder
from sam_seismic.sam.weights.load import load_weights


class Sam(nn.Module):
    """The three parts of SAM; its `state_dict()` has the names and shapes of the published checkpoints.

    It expects pixels that are normalised already.

    Args:
        size: vit_t, vit_b, vit_l or vit_h.
        random: with random weights to train from; or with none at all, until all of them are loaded.
    """

    def __init__(self, size: str, *, random: bool = True) -> None:
        super().__init__()
        if size not in SIZES:
            raise UserError(problem=f"there is no SAM of the size {size!r}", fix=f"choose one of {', '.join(SIZES)}")
        self.size = size
        with nullcontext() if random else Undrawn():
            self.image_encoder = ImageEncoder(SIZES[size], random=random)
            self.prompt_encoder = PromptEncoder()
            self.mask_decoder = MaskDecoder()


def build_sam(size: str, checkpoint: Path | str | None = None) -> Sam:
    """A SAM with the weights of a checkpoint, or with random ones to train from.

    Args:
        size: vit_t, vit_b, vit_l or vit_h.
        checkpoint: a file with Meta's parameter names, such as `sam_vit_b_01ec64.pth`.

    Raises:
        UserError: there is no such size.
        WeightsError: the checkpoint is missing, damaged, unsafe or of another network.
    """
    sam = Sam(size, random=checkpoint is None)
    if checkpoint is not None:
        load_weights(sam, Path(checkpoint))
    return sam
