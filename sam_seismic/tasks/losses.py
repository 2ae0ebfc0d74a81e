"""Logits and class indices come in, one number to minimise goes out; ignored voxels do not count."""

import torch
from torch import Tensor

from sam_seismic.survey.facies import IGNORE


def facies_loss(logits: Tensor, labels: Tensor, *, dice_weight: float) -> Tensor:
    """Cross-entropy plus soft Dice over the voxels that have a label.

    Args:
        logits: float[class, voxel].
        labels: uint8[voxel], class indices or IGNORE.
        dice_weight: of the Dice loss beside the cross-entropy.

    Returns:
        Scalar; 0, with a gradient of 0, when no voxel has a label.
    """
    scored = labels != IGNORE  # [voxel]
    target = torch.where(scored, labels, 0).long()  # [voxel]
    logs = logits.float().log_softmax(dim=0)  # [class, voxel]
    of_truth = logs.gather(0, target[None])[0]  # [voxel], log probability of the true class
    loss = -(of_truth * scored).sum() / scored.sum().clamp_min(1)
    return loss + dice_weight * dice_loss(logs.exp(), target, scored) if dice_weight else loss


def dice_loss(probabilities: Tensor, target: Tensor, scored: Tensor) -> Tensor:
    """One minus the mean soft Dice coefficient of the classes that occur in the target; 0 where none does.

    Source: Milletari, Navab, Ahmadi 2016, "V-Net", eq. 1 with the plain sum in the denominator. A class that does not
    occur has no intersection to gain; the cross-entropy already pushes it down.

    Args:
        probabilities: float[class, voxel], summing to 1 over the classes.
        target: int64[voxel].
        scored: bool[voxel], which of them count.
    """
    counted = scored.to(probabilities.dtype)
    hit = probabilities.gather(0, target[None])[0] * counted  # [voxel], probability of the true class
    none = torch.zeros(len(probabilities), device=hit.device, dtype=hit.dtype)
    intersection = none.index_add(0, target, hit)  # [class]
    size = none.index_add(0, target, counted)  # [class]
    # A sum of products, not a product of matrices: autocast would take halves for that, which end at 65504.
    total = (probabilities * counted).sum(dim=1)  # [class]
    dice = 2 * intersection / (total + size).clamp_min(1e-6)
    occurs = size > 0
    # Sums, not a choice of classes: a GPU need not be waited for.
    return (occurs * (1 - dice)).sum() / occurs.sum().clamp_min(1)
