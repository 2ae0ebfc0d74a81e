"""Logits and class indices come in, one number to minimise goes out; ignored voxels do not count."""

import torch
import torch.nn.functional as F  # noqa: N812  # PyTorch's own custom
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
    scored = labels != IGNORE
    logits, target = logits[:, scored].float(), labels[scored].long()  # [class, scored voxel], [scored voxel]
    if target.numel() == 0:
        return logits.sum()
    loss = F.cross_entropy(logits.T, target)
    return loss + dice_weight * dice_loss(logits.softmax(dim=0), target) if dice_weight else loss


def dice_loss(probabilities: Tensor, target: Tensor) -> Tensor:
    """One minus the mean soft Dice coefficient of the classes that occur in the target.

    Source: Milletari, Navab, Ahmadi 2016, "V-Net", eq. 1 with the plain sum in the denominator. A class that does not
    occur has no intersection to gain; the cross-entropy already pushes it down.

    Args:
        probabilities: float[class, voxel], summing to 1 over the classes.
        target: int64[voxel].
    """
    classes = len(probabilities)
    hit = probabilities.gather(0, target[None])[0]  # [voxel], probability of the true class
    intersection = torch.zeros(classes, device=hit.device, dtype=hit.dtype).index_add(0, target, hit)  # [class]
    size = torch.bincount(target, minlength=classes)  # [class]
    dice = 2 * intersection / (probabilities.sum(dim=1) + size).clamp_min(1e-6)
    return 1 - dice[size > 0].mean()
