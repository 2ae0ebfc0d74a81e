"""Logits and class indices come in, one number to minimise goes out; ignored voxels do not count.

On the way stand a few sums over voxels. They can be added up over batches and processes before they become a loss.
"""

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
    return loss_of(loss_sums(logits, labels), dice_weight=dice_weight)


def loss_sums(logits: Tensor, labels: Tensor) -> Tensor:
    """What the loss needs to know of some voxels.

    Args:
        logits: float[class, voxel].
        labels: uint8[voxel], class indices or IGNORE.

    Returns:
        float32[1 + 3 * class]: the sum of log probabilities of the true class; then by class the sum of its
        probabilities where it is the true one, the number of its voxels, and the sum of its probabilities anywhere.
    """
    scored = labels != IGNORE  # [voxel]
    target = torch.where(scored, labels, 0).long()  # [voxel]
    logs = logits.float().log_softmax(dim=0)  # [class, voxel]
    of_truth = logs.gather(0, target[None])[0]  # [voxel], log probability of the true class
    likelihood = (of_truth * scored).sum()
    return torch.cat([likelihood[None], *_dice_sums(logs.exp(), target, scored)])


def loss_of(sums: Tensor, *, dice_weight: float) -> Tensor:
    """The loss over all voxels that went into the sums of `loss_sums`: a scalar.

    Source of the Dice loss: Milletari, Navab, Ahmadi 2016, "V-Net", eq. 1 with the plain sum in the denominator; one
    minus the mean over the classes that occur. One that does not has no intersection to gain; the cross-entropy
    already pushes it down.
    """
    likelihood = sums[0]
    hit, size, total = sums[1:].view(3, -1)  # [class] each
    loss: Tensor = -likelihood / size.sum().clamp_min(1)
    if not dice_weight:
        return loss
    dice = 2 * hit / (total + size).clamp_min(1e-6)
    occurs = size > 0
    # Sums, not a choice of classes: a GPU need not be waited for.
    missed: Tensor = (occurs * (1 - dice)).sum() / occurs.sum().clamp_min(1)
    return loss + dice_weight * missed


def _dice_sums(probabilities: Tensor, target: Tensor, scored: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Three sums by class of float[class, voxel], int64[voxel] and bool[voxel], as `loss_sums` has them."""
    counted = scored.to(probabilities.dtype)
    of_truth = probabilities.gather(0, target[None])[0] * counted  # [voxel], probability of the true class
    none = torch.zeros(len(probabilities), device=of_truth.device, dtype=of_truth.dtype)
    hit = none.index_add(0, target, of_truth)  # [class]
    size = none.index_add(0, target, counted)  # [class]
    # A sum of products, not a product of matrices: autocast would take halves for that, which end at 65504.
    total = (probabilities * counted).sum(dim=1)  # [class]
    return hit, size, total
