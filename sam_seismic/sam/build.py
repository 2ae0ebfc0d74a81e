"""A size and an optional weights file go in, SAM with these weights comes out."""

from pathlib import Path

from sam_seismic.sam.model import Sam, check_size
from sam_seismic.sam.weights.content import WeightsContent
from sam_seismic.sam.weights.load import fill, read_weights


def build_sam(size: str, checkpoint: Path | str | None = None) -> Sam:
    """SAM (Kirillov et al. 2023, "Segment Anything") with the weights of a checkpoint, or with random weights.

    Args:
        size: vit_t, vit_b, vit_l or vit_h.
        checkpoint: weights file, such as `sam_vit_b_01ec64.pth` or another that docs/weights.md lists; None for random
            weights.

    Raises:
        UserError: the size is unknown.
        WeightsError: the checkpoint is missing, damaged, unsafe or from another network.
    """
    return Sam(size) if checkpoint is None else load_sam(size, Path(checkpoint))[0]


def load_sam(size: str, path: Path) -> tuple[Sam, WeightsContent]:
    """A SAM with the weights of a file, and what was found in it.

    Raises:
        UserError, WeightsError: as `build_sam`.
    """
    check_size(size)
    weights = read_weights(path, size)
    sam = Sam(size, random=weights.content.has_random_parts)
    fill(sam, weights)
    return sam, weights.content
