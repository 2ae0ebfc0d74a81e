"""Cross-entropy plus soft Dice in one pass: logits and class indices come in; a few sums over voxels go out.

Source of the Dice loss: Milletari, Navab, Ahmadi 2016, "V-Net", eq. 1 with the plain sum in the denominator; one minus
the mean over the classes that occur. The Dice of a class that does not occur is always 0; the cross-entropy lowers its
probabilities.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from sam_seismic.survey.facies import IGNORE
from sam_seismic.tasks.losses.loss import Loss


class CrossEntropyDiceLoss(Loss):
    """Cross-entropy plus weighted Dice loss, both over all labelled voxels."""

    def partial(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Sums over the labelled voxels of a section.

        Args:
            logits: float[class, voxel].
            labels: uint8[voxel], class indices or IGNORE.

        Returns:
            float32[1 + 3 * class]: the log likelihood, which is the sum of log probabilities of the true class; then
            by class the sum of its probabilities where it is the true class (the intersection), its number of voxels,
            and the sum of its probabilities over all voxels.
        """
        # Autocast would compute products in float16, which overflows above 65504 and cannot count beyond 2048.
        with torch.autocast(logits.device.type, enabled=False):
            sums: Tensor = _Sums.apply(logits.float(), labels)  # type: ignore[no-untyped-call]
        return sums

    def total(self, sums: Tensor) -> Tensor:
        """The loss over all voxels in the sums: a scalar."""
        weight: float = self.config.dice
        log_likelihood = sums[0]
        intersection, size, total = sums[1:].view(3, -1)  # [class] each
        loss: Tensor = -log_likelihood / size.sum().clamp_min(1)
        if not weight:
            return loss
        dice = 2 * intersection / (total + size).clamp_min(1e-6)
        occurs = size > 0
        # Masked sums: selecting the classes would wait for the GPU.
        dice_loss: Tensor = (occurs * (1 - dice)).sum() / occurs.sum().clamp_min(1)
        return loss + weight * dice_loss


class _Sums(Function):
    """The sums, and their gradient in a few passes over the voxels; autograd would need three times as many."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, labels: Tensor) -> Tensor:
        scored = labels != IGNORE  # [voxel]
        target = torch.where(scored, labels, 0).long()  # [voxel]
        counted = scored.to(logits.dtype)  # [voxel]
        logs = logits.log_softmax(dim=0)  # [class, voxel]
        log_likelihood = torch.dot(logs.gather(0, target[None])[0], counted)
        probabilities = logs.exp_()  # [class, voxel]
        true_probability = probabilities.gather(0, target[None])[0]  # [voxel]
        zeros = torch.zeros(len(logits), device=logits.device, dtype=logits.dtype)
        intersection = zeros.index_add(0, target, true_probability * counted)  # [class]
        size = zeros.index_add(0, target, counted)  # [class]
        total = torch.mv(probabilities, counted)  # [class]
        ctx.save_for_backward(probabilities, target, counted, true_probability)
        return torch.cat([log_likelihood[None], intersection, size, total])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """Gradient of the logits: d p_y / d logit_k = p_y ((k == y) - p_k), with softmax p and true class y."""
        probabilities, target, counted, true_probability = ctx.saved_tensors
        d_likelihood = gradient[0]
        d_intersection, _, d_total = gradient[1:].view(3, -1)  # [class] each
        true_term = d_intersection.index_select(0, target).mul_(true_probability).add_(d_likelihood)  # [voxel]
        with torch.autocast(probabilities.device.type, enabled=False):
            common_term = torch.mv(probabilities.T, d_total).add_(true_term)  # [voxel], subtracted from all classes
        d_logits = torch.sub(d_total[:, None], common_term).mul_(probabilities)  # [class, voxel]
        d_logits.scatter_add_(0, target[None], true_term[None])
        return d_logits.mul_(counted), None
