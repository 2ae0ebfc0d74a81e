"""A training ends before a number that is not finite is trained on, becomes the best epoch, or is saved."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.plugins import MixedPrecision
from torch import Tensor
from torch.utils.data import DataLoader

from sam_seismic.config import Config, parse_config
from sam_seismic.runs.finite_numbers import MOST_SKIPPED, FiniteNumbers, NotFiniteError, finite_remedies
from sam_seismic.runs.quiet import quiet_lightning


class Heard:
    """A listener that remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def progress(self, what: str, done: int, total: int | None, detail: str = "") -> None:
        pass


class Weight(lightning.LightningModule):
    """One weight; its loss is a multiple of it, or where `root` is set and the number is 2, a root of 0."""

    def __init__(self, *, root: bool = False, validation: float = 1.0, rate: float = 0.1) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.root, self.validation, self.rate = root, validation, rate

    def training_step(self, batch: Tensor) -> Tensor:
        # The root of 0 is 0, but has no finite slope: as if the gradients overflowed.
        return (0 * self.weight).sqrt() if self.root and batch == 2 else (self.weight * batch).sum()

    def validation_step(self, batch: Tensor) -> None:
        self.log("val_loss", torch.tensor(self.validation))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.rate)


def fit(module: Weight, batches: Sequence[float], heard: Heard | None = None, **options: Any) -> lightning.Trainer:
    options |= {"max_epochs": 1, "accelerator": "cpu", "logger": False, "num_sanity_val_steps": 0}
    shown = dict.fromkeys(("enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    with quiet_lightning():
        trainer = lightning.Trainer(callbacks=[FiniteNumbers(heard or Heard())], **options, **shown)
        trainer.fit(module, DataLoader(list(batches)), DataLoader([1.0]))
    return trainer


def scaled() -> dict[str, Any]:
    """Mixed precision with a scaler of the loss, which the CPU has, too, but Lightning does not choose there."""
    return {"plugins": [MixedPrecision("16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu"))]}


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_changes_no_weight(odd: float):
    module = Weight()
    with pytest.raises(NotFiniteError, match=r"^the loss of step 3 \(epoch 1\) is not a finite number$"):
        fit(module, [1, 2, odd, 1])
    assert module.weight.item() == pytest.approx(1 - 0.1 * 1 - 0.1 * 2)


def test_gradients_that_are_not_finite_change_no_weight():
    """The loss is finite: it alone would not tell."""
    module = Weight(root=True)
    with pytest.raises(NotFiniteError, match=r"^the gradients of step 2 \(epoch 1\) are not finite numbers$"):
        fit(module, [1, 2, 1])


def test_a_loss_among_accumulated_ones_is_noticed():
    """The step is that of two batches; the second one is in order."""
    module = Weight()
    with pytest.raises(NotFiniteError, match=r"the loss of step 2 "):
        fit(module, [1, 1, math.nan, 1], accumulate_grad_batches=2)
    assert module.weight.item() == pytest.approx(0.9)


def test_a_validation_that_is_not_finite_ends_the_training():
    with pytest.raises(NotFiniteError, match=r"the validation loss after step 2 \(epoch 1\) is not a finite number"):
        fit(Weight(validation=math.nan), [1, 1])


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path):
    """Loss and gradient are finite; the step itself overflows single precision."""
    trainer = fit(Weight(rate=3e38), [2.0])
    with pytest.raises(NotFiniteError, match=r"the weights after step 1 .* are not finite numbers"):
        trainer.save_checkpoint(tmp_path / "last.ckpt")
    assert not list(tmp_path.iterdir())


def test_steps_that_mixed_precision_skips_are_counted():
    """The scaler leaves the weight alone there, and the training goes on."""
    module, heard = Weight(root=True), Heard()
    fit(module, [1, 2, 1, 2, 2], heard, **scaled())
    assert heard.said == ["note: mixed precision skipped 3 of 5 steps, whose gradients overflowed"]


@pytest.mark.parametrize(
    ("batches", "told"),
    [
        ([2, 2], "the gradients of all 2 steps were not finite numbers"),
        ([1, *[2] * (MOST_SKIPPED + 2)], rf"the gradients of step {MOST_SKIPPED + 2} \(epoch 1\) are not finite"),
        ([1, math.nan], r"the loss of step 2 \(epoch 1\) is not a finite number"),
    ],
    ids=["all", "one after another", "loss"],
)
def test_what_skipping_cannot_help_ends_the_training(batches: list[float], told: str):
    """A smaller factor makes no loss finite, nor gradients that it is not the reason of."""
    with pytest.raises(NotFiniteError, match=told):
        fit(Weight(root=True) if told.startswith("the grad") else Weight(), batches, **scaled())


def experiment(**changes: Any) -> Config:
    return parse_config({"data": {"source": "synthetic"}, **changes}, "")


@pytest.mark.parametrize(
    ("config", "remedies"),
    [
        (experiment(), ["train.learning_rate=1e-05"]),
        (experiment(train={"learning_rate": 1000.0}), ["train.learning_rate=0.0001"]),
        (
            experiment(train={"encoder_rate": 9}, trainer={"gradient_clip_val": None, "precision": "bf16-mixed"}),
            ["train.learning_rate=1e-05", "train.encoder_rate=1", "trainer.gradient_clip_val=1",
             "trainer.precision=32-true"],
        ),
        (
            experiment(trainer={"precision": "16-mixed"}),
            ["trainer.precision=bf16-mixed", "trainer.precision=32-true", "train.learning_rate=1e-05"],
        ),
    ],
    ids=["default", "fast", "all", "half"],
)  # fmt: skip
def test_remedies_are_options_that_are_not_set_yet(config: Config, remedies: list[str]):
    assert [each.removeprefix("--set ").partition(" ")[0] for each in finite_remedies(config)] == remedies
