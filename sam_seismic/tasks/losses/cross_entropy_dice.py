"""Cross-entropy plus soft Dice in one pass: logits and class indices come in, a few sums over voxels go out.

Source of the Dice loss: Milletari, Navab, Ahmadi 2016, "V-Net", eq. 1 with the plain sum in the denominator; one minus
the mean over the classes that occur. A class that does not occur has no intersection to gain; the cross-entropy already
pushes it down.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sam_seismic.survey.facies import IGNORE
from sam_seismic.tasks.losses.loss import Loss


class CrossEntropyDiceLoss(Loss):
    """Cross-entropy over all labelled voxels, plus the Dice loss over all of them times its weight."""

    def partial(self, logits: Tensor, labels: Tensor) -> Tensor:
        """What the loss needs to know of a section.

        Args:
            logits: float[class, voxel].
            labels: uint8[voxel], class indices or IGNORE.

        Returns:
            float32[1 + 3 * class]: the sum of log probabilities of the true class; then by class the sum of its
            probabilities where it is the true one, the number of its voxels, and the sum of its probabilities anywhere.
        """
        # Autocast would take halves for its products, which end at 65504 and stop counting at 2048.
        with torch.autocast(logits.device.type, enabled=False):
            sums: Tensor = _Sums.apply(logits.float(), labels)  # type: ignore[no-untyped-call]
        return sums

    def total(self, sums: Tensor) -> Tensor:
        """The loss over all voxels that went into the sums: a scalar."""
        weight: float = self.config.dice
        likelihood = sums[0]
        hit, size, total = sums[1:].view(3, -1)  # [class] each
        loss: Tensor = -likelihood / size.sum().clamp_min(1)
        if not weight:
            return loss
        dice = 2 * hit / (total + size).clamp_min(1e-6)
        occurs = size > 0
        # Sums, not a choice of classes: a GPU need not be waited for.
        missed: Tensor = (occurs * (1 - dice)).sum() / occurs.sum().clamp_min(1)
        return loss + weight * missed


class _Sums(Function):
    """The sums, and their gradient in a few passes over the voxels; PyTorch's own would take three times as many."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        scored = labels != IGNORE  # [voxel]
        target = torch.where(scored, labels, 0).long()  # [voxel]
        counted = scored.to(logits.dtype)  # [voxel]
        logs = logits.log_softmax(dim=0)  # [class, voxel]
        likelihood = torch.dot(logs.gather(0, target[None])[0], counted)
        probabilities = logs.exp_()  # [class, voxel]
        of_truth = probabilities.gather(0, target[None])[0]  # [voxel]
        none = torch.zeros(len(logits), device=logits.device, dtype=logits.dtype)
        hit = none.index_add(0, target, of_truth * counted)  # [class]
        size = none.index_add(0, target, counted)  # [class]
        total = torch.mv(probabilities, counted)  # [class]
        ctx.save_for_backward(probabilities, target, counted, of_truth)
        return torch.cat([likelihood[None], hit, size, total])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """With p of a voxel's softmax and y its true class: d p_y / d logit_k is p_y (1 if k is y else 0, less p_k)."""
        probabilities, target, counted, of_truth = ctx.saved_tensors
        of_likelihood = gradient[0]
        of_hit, _, of_total = gradient[1:].view(3, -1)  # [class] each
        pull = of_hit.index_select(0, target).mul_(of_truth).add_(of_likelihood)  # [voxel], towards the true class
        with torch.autocast(probabilities.device.type, enabled=False):
            away = torch.mv(probabilities.T, of_total).add_(pull)  # [voxel], what all classes share
        slope = torch.sub(of_total[:, None], away).mul_(probabilities)  # [class, voxel]
        slope.scatter_add_(0, target[None], pull[None])
        return slope.mul_(counted), None
