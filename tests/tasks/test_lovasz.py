"""The Lovasz loss is the Lovasz extension of the Jaccard loss of each section; voxels without label are ignored."""

import itertools

import pytest
import torch

from sam_seismic.config.loss import Lovasz
from sam_seismic.tasks.losses import LOSSES, build_loss

LOSS = build_loss(Lovasz())


def loss_of(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return LOSS.total(LOSS.partial(logits, labels))


def lovasz_by_definition(probabilities: torch.Tensor, labels: torch.Tensor) -> float:
    """The definition: errors in descending order, each times the increase of the Jaccard loss by its voxel."""
    losses = []
    for k in sorted(set(labels.tolist())):
        truth = [label == k for label in labels.tolist()]
        errors = [abs(float(t) - float(p)) for t, p in zip(truth, probabilities[k], strict=True)]
        order = sorted(range(len(errors)), key=lambda i: -errors[i])
        total, before, wrong = 0.0, 0.0, set()
        for i in order:
            wrong.add(i)
            right = sum(truth[j] and j not in wrong for j in range(len(truth)))
            either = sum(truth[j] or j in wrong for j in range(len(truth)))
            jaccard = 1 - right / either
            total += errors[i] * (jaccard - before)
            before = jaccard
        losses.append(total)
    return sum(losses) / len(losses)


@pytest.mark.parametrize("seed", range(4))
def test_the_loss_equals_its_definition(seed: int):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(4, 12, generator=generator)
    labels = torch.randint(0, 3, (12,), generator=generator).byte()  # class 3 does not occur
    assert float(loss_of(logits, labels)) == pytest.approx(
        lovasz_by_definition(logits.softmax(dim=0), labels), abs=1e-5
    )


@pytest.mark.parametrize("predicted", list(itertools.product((0, 1), repeat=3)))
def test_for_one_hot_probabilities_the_loss_is_one_minus_the_mean_iou(predicted: tuple[int, ...]):
    labels = torch.tensor([0, 0, 1], dtype=torch.uint8)
    logits = 60.0 * torch.nn.functional.one_hot(torch.tensor(predicted), 2).T.float()
    ious = []
    for k in (0, 1):
        both = sum(p == k and t == k for p, t in zip(predicted, labels.tolist(), strict=True))
        either = sum(k in (p, t) for p, t in zip(predicted, labels.tolist(), strict=True))
        ious.append(both / either)
    assert float(loss_of(logits, labels)) == pytest.approx(1 - sum(ious) / 2, abs=1e-6)


def test_ignored_voxels_change_neither_loss_nor_gradient():
    logits = torch.randn(3, 6, generator=torch.Generator().manual_seed(0), requires_grad=True)
    labels = torch.tensor([0, 255, 2, 1, 255, 1], dtype=torch.uint8)
    loss = loss_of(logits, labels)
    loss.backward()
    scored = labels != 255
    assert logits.grad is not None
    assert not logits.grad[:, ~scored].any()
    assert logits.grad[:, scored].any()
    torch.testing.assert_close(loss, loss_of(logits[:, scored], labels[scored]))


def test_a_section_without_labels_is_left_out():
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    nothing = LOSS.partial(logits, torch.full((4,), 255, dtype=torch.uint8))
    assert nothing.tolist() == [0, 0]
    nothing.sum().backward()
    assert logits.grad is not None
    assert not logits.grad.any()
    one = LOSS.partial(logits.detach(), torch.tensor([0, 1, 2, 0], dtype=torch.uint8))
    torch.testing.assert_close(LOSS.total(nothing.detach() + one), LOSS.total(one))


def test_sections_are_averaged():
    generator = torch.Generator().manual_seed(0)
    parts = [
        LOSS.partial(torch.randn(3, 8, generator=generator), torch.randint(0, 3, (8,), generator=generator).byte())
        for _ in range(3)
    ]
    mean = torch.stack([LOSS.total(part) for part in parts]).mean()
    torch.testing.assert_close(LOSS.total(torch.stack(parts).sum(dim=0)), mean)


def test_autocast_does_not_change_the_loss():
    """In half precision, the errors of many voxels would be equal, and their order arbitrary."""
    logits = torch.randn(2, 1000, generator=torch.Generator().manual_seed(0))
    labels = (torch.arange(1000) % 2).byte()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = LOSSES["lovasz"](Lovasz()).partial(logits, labels)
    torch.testing.assert_close(rounded, LOSS.partial(logits, labels))
