"""Lovasz-softmax: logits come in; a differentiable surrogate of one minus the mean IoU goes out.

Source: Berman, Rannen Triki, Blaschko 2018, "The Lovasz-Softmax loss: a tractable surrogate for the optimization of the
intersection-over-union measure in neural networks", equations 8 and 9, over the classes in the labels of a section;
sections are averaged ("per image").
"""

import torch
from torch import Tensor

from sam_seismic.survey.facies import IGNORE
from sam_seismic.tasks.losses.loss import Loss


class LovaszLoss(Loss):
    """The mean over all sections that have a label."""

    def partial(self, logits: Tensor, labels: Tensor) -> Tensor:
        """float32[2]: the loss of the section, and 1; zeros if it has no label."""
        scored = labels != IGNORE  # [voxel]
        # In the half precision of autocast, many errors would be equal and could not be sorted.
        with torch.autocast(logits.device.type, enabled=False):
            probabilities = logits.float()[:, scored].softmax(dim=0)  # [class, labelled voxel]
            truth = torch.nn.functional.one_hot(labels[scored].long(), len(logits)).T  # [class, labelled voxel]
            present = truth.any(dim=1)  # [class]
            errors = (truth - probabilities).abs()[present]  # [class present, labelled voxel]
            errors, order = errors.sort(dim=1, descending=True)
            steps = _jaccard_steps(truth[present].gather(1, order).float())
            losses = (errors * steps).sum(dim=1)  # [class present]
            counted = scored.any().float()
            # Without labels the sum over no class is 0; the last term gives the logits a gradient of 0.
            section = losses.sum() / present.sum().clamp_min(1) + 0 * logits.float().sum()
        return torch.stack([section, counted])

    def total(self, sums: Tensor) -> Tensor:
        """Sum of the losses, divided by the number of sections."""
        return sums[0] / sums[1].clamp_min(1)


def _jaccard_steps(truth: Tensor) -> Tensor:
    """Increase of the Jaccard loss with each further wrong voxel: the gradient of its Lovasz extension.

    Args:
        truth: float[class, voxel], 1 where the class is the true one; voxels in descending order of error.

    Returns:
        float[class, voxel].
    """
    size = truth.sum(dim=1, keepdim=True)  # [class, 1]
    intersection = size - truth.cumsum(dim=1)
    union = size + (1 - truth).cumsum(dim=1)
    jaccard = 1 - intersection / union  # [class, voxel]
    return torch.cat([jaccard[:, :1], jaccard.diff(dim=1)], dim=1)
