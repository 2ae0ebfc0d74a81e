"""The loss follows its formula, and ignored voxels do not change it."""

import torch
import torch.nn.functional as F  # noqa: N812

from sam_seismic.config.loss import CrossEntropyDice
from sam_seismic.tasks.losses import LOSSES


def loss_sums(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return LOSSES["cross_entropy_dice"](CrossEntropyDice()).partial(logits, labels)


def loss_of(sums: torch.Tensor, *, dice_weight: float) -> torch.Tensor:
    return LOSSES["cross_entropy_dice"](CrossEntropyDice(dice=dice_weight)).total(sums)


def facies_loss(logits: torch.Tensor, labels: torch.Tensor, *, dice_weight: float) -> torch.Tensor:
    return loss_of(loss_sums(logits, labels), dice_weight=dice_weight)


def test_dice_by_hand():
    """Two voxels of class 0, one of class 1, none of class 2."""
    logits = torch.tensor([[0.8, 0.5, 0.1], [0.1, 0.5, 0.9], [0.1, 1e-12, 1e-12]]).log()
    target = torch.tensor([0, 0, 1], dtype=torch.uint8)
    dice_0 = 2 * (0.8 + 0.5) / (1.4 + 2)
    dice_1 = 2 * 0.9 / (1.5 + 1)
    torch.testing.assert_close(dice_alone(logits, target), torch.tensor(1 - (dice_0 + dice_1) / 2))
    first = torch.tensor([0, 255, 255], dtype=torch.uint8)  # one voxel of class 0; class 1 does not occur
    torch.testing.assert_close(dice_alone(logits, first), torch.tensor(1 - 2 * 0.8 / (0.8 + 1)))


def dice_alone(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The Dice part of the loss."""
    return facies_loss(logits, labels, dice_weight=1.0) - facies_loss(logits, labels, dice_weight=0.0)


def test_partial_sums_can_be_added():
    """The sum over parts, such as processes or batches, gives the loss of all voxels."""
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(3, 50, generator=generator), torch.randint(0, 3, (50,), generator=generator).byte()
    labels[40:] = 255
    parts = [loss_sums(logits[:, part], labels[part]) for part in (slice(0, 20), slice(20, 45), slice(45, 50))]
    together = loss_of(torch.stack(parts).sum(dim=0), dice_weight=0.7)
    torch.testing.assert_close(together, facies_loss(logits, labels, dice_weight=0.7))


def test_the_loss_of_a_perfect_prediction_is_zero():
    target = torch.tensor([0, 1, 2, 1], dtype=torch.uint8)
    logits = 50.0 * F.one_hot(target.long(), 3).T.float()
    assert float(facies_loss(logits, target, dice_weight=1.0)) < 1e-5


def test_ignored_voxels_change_neither_loss_nor_gradient():
    torch.manual_seed(0)
    logits = torch.randn(3, 6, requires_grad=True)
    labels = torch.tensor([0, 255, 2, 1, 255, 1], dtype=torch.uint8)
    loss = facies_loss(logits, labels, dice_weight=1.0)
    loss.backward()
    scored = labels != 255
    assert torch.all(logits.grad[:, ~scored] == 0)
    torch.testing.assert_close(loss, facies_loss(logits[:, scored], labels[scored], dice_weight=1.0))


def test_a_section_without_labels_has_no_loss_and_no_gradient():
    logits = torch.randn(3, 4, requires_grad=True)
    loss = facies_loss(logits, torch.full((4,), 255, dtype=torch.uint8), dice_weight=1.0)
    loss.backward()
    assert loss.item() == 0
    assert torch.all(logits.grad == 0)


def test_without_dice_it_is_the_cross_entropy():
    logits = torch.randn(4, 9)
    labels = torch.randint(0, 4, (9,), dtype=torch.uint8)
    expected = F.cross_entropy(logits.T, labels.long())
    torch.testing.assert_close(facies_loss(logits, labels, dice_weight=0.0), expected)


def test_half_precision_does_not_change_the_loss():
    """Value and gradient are those of single precision, for a class of more voxels than float16 can count."""
    torch.manual_seed(0)
    labels = (torch.arange(300_000) % 2).to(torch.uint8)
    outcomes = []
    for dtype in (None, torch.float16, torch.bfloat16):
        logits = torch.randn(2, 300_000, generator=torch.Generator().manual_seed(0), requires_grad=True)
        with torch.autocast("cpu", dtype=dtype, enabled=dtype is not None):
            loss = facies_loss(logits, labels, dice_weight=1.0)
        loss.backward()
        outcomes.append((loss.detach(), logits.grad))
    for loss, gradient in outcomes[1:]:
        torch.testing.assert_close(loss, outcomes[0][0])
        torch.testing.assert_close(gradient, outcomes[0][1])


def test_the_gradient_equals_that_of_autograd():
    """The gradient is written by hand; autograd differentiates the same sums, built from PyTorch operations."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(4, 60, generator=generator, requires_grad=True)
    labels = torch.randint(0, 4, (60,), generator=generator).byte()
    labels[::7] = 255
    weights = torch.randn(13, generator=generator)
    counted = (labels != 255).float()
    truth = F.one_hot(labels.long() * (labels != 255), 4).T * counted  # [class, voxel]
    logs = logits.log_softmax(dim=0)
    plain = [(logs * truth).sum()[None], (logs.exp() * truth).sum(1), truth.sum(1), (logs.exp() * counted).sum(1)]
    torch.testing.assert_close(loss_sums(logits, labels), torch.cat(plain))
    (expected,) = torch.autograd.grad((torch.cat(plain) * weights).sum(), logits)
    (found,) = torch.autograd.grad((loss_sums(logits, labels) * weights).sum(), logits)
    torch.testing.assert_close(found, expected)


def test_autocast_does_not_change_the_sums():
    """Half precision could not count more than a few thousand voxels."""
    logits, labels = torch.zeros(2, 100_000, dtype=torch.bfloat16), torch.zeros(100_000, dtype=torch.uint8)
    with torch.autocast("cpu", torch.bfloat16):
        sums = loss_sums(logits, labels)
    assert sums.dtype == torch.float32
    torch.testing.assert_close(sums[1:], torch.tensor([5e4, 0, 1e5, 0, 5e4, 5e4]))
