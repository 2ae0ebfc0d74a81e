"""The encoder cut in two is the encoder: same numbers, and gradients for the trained part alone."""

import numpy as np
import pytest
import torch
from torch import nn

from sam_seismic.config import ModelConfig, TrainConfig
from sam_seismic.config.data import DataConfig
from sam_seismic.config.training import DEPTHS, InputConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.dataset import Batch, Sample, fitted, on_canvas
from sam_seismic.sam import SIZES, EncoderSize, ImageEncoder, build_sam
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.cut import above, below, hold, shape_below, weights_below
from sam_seismic.tuning.methods import count_parameters, train_above

CUTS = (None, 1, 2, 3, 4)
HALF = torch.bfloat16


@pytest.fixture
def encoder() -> ImageEncoder:
    """Four blocks, of which the second and the last attend over the whole canvas; no table is zero."""
    torch.manual_seed(0)
    encoder = ImageEncoder(EncoderSize(width=24, depth=4, heads=2, global_blocks=(1, 3)))
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.1)
    return encoder


@pytest.fixture
def canvas() -> torch.Tensor:
    """Two canvases of 16 x 3 patches, of which 40 x 48 pixels show something: one row of windows is padding."""
    canvas = torch.zeros(2, 3, 256, 48)
    canvas[:, :, :40] = torch.randn(2, 3, 40, 48, generator=torch.Generator().manual_seed(1))
    return canvas


@pytest.mark.parametrize("shown", [None, (40, 48)])
@pytest.mark.parametrize("blocks", CUTS)
def test_below_and_above_are_the_encoder(
    encoder: ImageEncoder, canvas: torch.Tensor, blocks: int | None, shown: tuple[int, int] | None
):
    kept = below(encoder, canvas, blocks=blocks, shown=shown)
    assert tuple(kept.shape[1:]) == shape_below(encoder, (256, 48), blocks=blocks)
    assert kept.dtype == torch.float32
    torch.testing.assert_close(above(encoder, kept, blocks=blocks), encoder(canvas), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("blocks", CUTS)
def test_what_is_kept_in_half_precision_gives_nearly_the_same(
    encoder: ImageEncoder, canvas: torch.Tensor, blocks: int | None
):
    kept = below(encoder, canvas, blocks=blocks).half()
    embedding = above(encoder, kept, blocks=blocks)
    assert embedding.dtype == torch.float32
    torch.testing.assert_close(embedding, encoder(canvas), atol=5e-3, rtol=5e-3)


def is_frozen(name: str, blocks: int | None) -> bool:
    """Whether a parameter is of the frozen part, told by its name."""
    if blocks is None or name.startswith(("patch_embed.", "pos_embed")):
        return True
    return name.startswith("blocks.") and int(name.split(".")[1]) < blocks


@pytest.mark.parametrize("blocks", CUTS)
def test_gradients_reach_the_trained_part_and_nothing_else(
    encoder: ImageEncoder, canvas: torch.Tensor, blocks: int | None
):
    train_above(encoder, blocks)
    embedding = above(encoder, below(encoder, canvas, blocks=blocks), blocks=blocks)
    assert embedding.requires_grad == (blocks is not None)
    if blocks is not None:
        embedding.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        frozen = is_frozen(name, blocks)
        assert parameter.requires_grad is not frozen, name
        assert (parameter.grad is None) == frozen, name
        assert frozen or bool(parameter.grad.abs().sum() > 0), name


def test_all_or_nothing_can_be_trained(encoder: ImageEncoder):
    train_above(encoder, 0)
    assert count_parameters(encoder)[1] == 0
    train_above(encoder, None)
    assert count_parameters(encoder)[0] == 0


@pytest.mark.parametrize("blocks", CUTS[1:])
def test_gradients_are_those_of_the_whole_encoder(encoder: ImageEncoder, canvas: torch.Tensor, blocks: int):
    """Training above the cut is training the encoder with its lower part frozen."""
    train_above(encoder, blocks)
    trained = {name: each for name, each in encoder.named_parameters() if each.requires_grad}
    whole = torch.autograd.grad(encoder(canvas).square().sum(), list(trained.values()))
    cut = above(encoder, below(encoder, canvas, blocks=blocks), blocks=blocks)
    for name, a, b in zip(trained, torch.autograd.grad(cut.square().sum(), list(trained.values())), whole, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3, msg=lambda text, at=name: f"{at}: {text}")


@pytest.mark.parametrize("blocks", CUTS)
def test_the_frozen_weights_are_those_that_what_is_kept_depends_on(
    encoder: ImageEncoder, canvas: torch.Tensor, blocks: int | None
):
    """A recipe that forgot one would find what other weights have left."""
    before = below(encoder, canvas, blocks=blocks)
    frozen = {each.data_ptr() for _, each in weights_below(encoder, blocks)}
    for name, parameter in encoder.named_parameters():
        assert (parameter.data_ptr() in frozen) == is_frozen(name, blocks), name
        if parameter.data_ptr() not in frozen:
            nn.init.normal_(parameter)
    assert torch.equal(below(encoder, canvas, blocks=blocks), before)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("blocks", CUTS)
def test_only_the_frozen_part_is_held_in_half_precision(
    encoder: ImageEncoder, canvas: torch.Tensor, blocks: int | None, dtype: torch.dtype
):
    """The trained weights take steps that half precision would round away."""
    hold(encoder, blocks, dtype)
    for name, parameter in encoder.named_parameters():
        assert parameter.dtype == (dtype if is_frozen(name, blocks) else torch.float32), name
    kept = below(encoder, canvas, blocks=blocks)
    assert kept.dtype == dtype
    assert not kept.requires_grad
    assert above(encoder, kept, blocks=blocks).dtype == torch.float32


@pytest.mark.parametrize("blocks", [None, 2])
def test_a_held_part_gives_nearly_what_it_gave(encoder: ImageEncoder, canvas: torch.Tensor, blocks: int | None):
    """bfloat16 has 8 bits: 1 part in 256 a rounding."""
    before = below(encoder, canvas, blocks=blocks)
    hold(encoder, blocks, HALF)
    after = below(encoder, canvas, blocks=blocks).float()
    assert float((after - before).norm() / before.norm()) < 0.05


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("blocks", [None, 2])
def test_under_autocast_the_trained_part_still_learns(
    encoder: ImageEncoder, canvas: torch.Tensor, blocks: int | None, held: bool
):
    """As Lightning runs a step in bf16-mixed: what is held is not cast again, the embedding comes in float32."""
    train_above(encoder, blocks)
    if held:
        hold(encoder, blocks, HALF)
    with torch.autocast("cpu", dtype=HALF):
        kept = below(encoder, canvas, blocks=blocks)
        embedding = above(encoder, kept, blocks=blocks)
    assert not kept.requires_grad
    assert embedding.dtype == torch.float32
    exact = encoder.float()(canvas).detach()
    assert float((embedding.detach() - exact).norm() / exact.norm()) < 0.05
    if blocks is not None:
        embedding.sum().backward()
        assert all(parameter.grad is not None for parameter in encoder.blocks[2:].parameters())


def test_what_is_held_computes_the_same_under_autocast_and_without(encoder: ImageEncoder, canvas: torch.Tensor):
    """`embed` fills a store without autocast, a training within it: both must find what they would have made."""
    hold(encoder, None, HALF)
    alone = below(encoder, canvas, blocks=None)
    with torch.autocast("cpu", dtype=HALF):
        assert torch.equal(below(encoder, canvas, blocks=None), alone)


def test_below_gives_no_gradient_even_to_what_would_take_one(encoder: ImageEncoder, canvas: torch.Tensor):
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    assert not below(encoder, canvas.requires_grad_(), blocks=2).requires_grad


def test_the_depths_that_the_configuration_knows_are_those_of_the_network():
    """It cannot import the network, which would take seconds."""
    assert {name: size.depth for name, size in SIZES.items()} == DEPTHS


# --- a step of a task ---------------------------------------------------------------------------------------------


def metadata_of(model: ModelConfig) -> CheckpointMetadata:
    return CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=InputConfig(side=64, canvas="tight"),
        model=model,
        facies=FaciesTable(("sand", "shale", "salt"), (1, 2, 6), (0, 255)),
        scale=AmplitudeScale(center=0.0, clip=np.pi),
        split=("train: 1 inline", "val: 1 inline"),
        weights_hash=None,
        version="0.1.0",
    )


def task_of(**model: object) -> FaciesSegmentation:
    torch.manual_seed(0)
    chosen = ModelConfig.model_validate({"size": "vit_t", "weights": "random"} | model)
    return FaciesSegmentation(build_sam("vit_t"), metadata_of(chosen), TrainConfig())


def batch_for(task: FaciesSegmentation, *, kept: bool) -> Batch:
    """Two sections of different sizes, as canvases or as what is kept of them."""
    rng, samples = np.random.default_rng(0), []
    for shape in ((40, 48), (30, 60)):
        frame = fitted(shape, task.metadata.inputs)
        image = on_canvas(rng.uniform(-1, 1, shape).astype(np.float32), frame)
        if kept:
            image = below(task.image_encoder, image[None], blocks=task.metadata.model.blocks_below)[0].half()
        samples.append(Sample(image, frame, torch.from_numpy(rng.integers(0, 3, shape).astype(np.uint8)), "IL 1"))
    return Batch.collate(samples, kept=kept)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kept", [False, True])
def test_a_step_of_last_blocks_changes_them_and_the_decoder_alone(kept: bool, checkpointing: bool):
    task = task_of(encoder="last_blocks", blocks=2, checkpointing=checkpointing)
    before = {name: value.clone() for name, value in task.state_dict().items()}
    parameters = [parameter for parameter in task.parameters() if parameter.requires_grad]
    batch = batch_for(task, kept=kept)
    task.loss(task.section_logits(batch), batch).backward()
    assert all(parameter.grad is not None for parameter in parameters), "distributed training would hang on one"
    torch.optim.SGD(parameters, lr=1.0).step()
    changed = {name for name, value in task.state_dict().items() if not torch.equal(value, before[name])}
    trained = ("image_encoder.blocks.4.", "image_encoder.blocks.5.", "image_encoder.neck.", "decoder.")
    assert all(name.startswith(trained) for name in changed)
    assert all(any(name.startswith(prefix) for name in changed) for prefix in trained)


@pytest.mark.parametrize("model", [{}, {"encoder": "last_blocks", "blocks": 2}], ids=["frozen", "last_blocks"])
def test_a_batch_that_was_kept_gives_the_loss_of_its_canvases(model: dict[str, object]):
    task = task_of(**model)
    losses = []
    for kept in (False, True):
        batch = batch_for(task, kept=kept)
        losses.append(task.loss(task.section_logits(batch), batch).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_without_gradients_last_blocks_predicts_as_it_trains():
    """Validation and prediction take a shorter way through the same network."""
    task = task_of(encoder="last_blocks", blocks=2).eval()
    batch = batch_for(task, kept=False)
    trained = [logits.detach() for logits in task.section_logits(batch)]
    with torch.no_grad():
        for a, b in zip(task.section_logits(batch), trained, strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
