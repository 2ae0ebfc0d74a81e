"""SAM as one module: a size goes in, the network with Meta's parameter names comes out.

Source: Kirillov et al. 2023, "Segment Anything".
"""

from contextlib import nullcontext

from torch import nn

from sam_seismic.config.sam_sizes import SIZES
from sam_seismic.errors import UserError
from sam_seismic.sam.image_encoder import ImageEncoder
from sam_seismic.sam.layers import SkipInitialisation
from sam_seismic.sam.mask_decoder import MaskDecoder
from sam_seismic.sam.prompt_encoder import PromptEncoder


class Sam(nn.Module):
    """The three parts of SAM; `state_dict()` has the names and shapes of the published checkpoints.

    `image_encoder`: float[B, 3, H, W], normalised -> float[B, 256, H/16, W/16], for sides that are multiples of 16 and
    at most 1024. Arguments and results of `prompt_encoder` and `mask_decoder` are described in their classes.

    Args:
        size: vit_t, vit_b, vit_l or vit_h.
        random: whether to draw random weights to train from; False if all weights are loaded afterwards.
    """

    def __init__(self, size: str, *, random: bool = True) -> None:
        super().__init__()
        check_size(size)
        self.size = size
        with nullcontext() if random else SkipInitialisation():
            self.image_encoder = ImageEncoder(SIZES[size], random=random)
            self.prompt_encoder = PromptEncoder()
            self.mask_decoder = MaskDecoder()


def check_size(size: str) -> None:
    """Refuse what is no size of SAM.

    Raises:
        UserError: it is none.
    """
    if size not in SIZES:
        raise UserError(problem=f"there is no SAM of the size {size!r}", fix=f"choose one of {', '.join(SIZES)}")
