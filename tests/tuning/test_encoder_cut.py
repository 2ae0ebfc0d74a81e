"""An encoder that is cut in two is the encoder: same numbers, and gradients for the trained part alone."""

import numpy as np
import pytest
import torch
from torch import nn

from sam_seismic.config import DataConfig, InputConfig, SamConfig, TrainConfig
from sam_seismic.config.encoder import FrozenEncoder, FullEncoder, LastBlocksEncoder
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.batches import Batch, CanvasBatch, EmbeddingBatch, Sample
from sam_seismic.data.canvas import frame_of, on_canvas
from sam_seismic.networks import build_network
from sam_seismic.sam import EncoderSize, ImageEncoder
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.splits import SectionRef
from sam_seismic.survey.volume import Orientation
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.encoder_cut import EncoderCut, FrozenPrefix
from sam_seismic.tuning.methods import METHODS
from sam_seismic.tuning.parameters import count_parameters

WHOLE = FrozenPrefix(4, neck=True)
CUTS = (WHOLE, *(FrozenPrefix(blocks) for blocks in (1, 2, 3, 4)))
HALF = torch.bfloat16
LAST_BLOCKS = {"kind": "last_blocks", "blocks": 2}
REF = SectionRef(Orientation.INLINE, 1)


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
@pytest.mark.parametrize("frozen", CUTS)
def test_below_and_above_are_the_encoder(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix, shown: tuple[int, int] | None
):
    kept = EncoderCut(encoder, frozen).below(canvas, shown=shown)
    assert tuple(kept.shape[1:]) == EncoderCut(encoder, frozen).kept_shape((256, 48))
    assert kept.dtype == torch.float32
    torch.testing.assert_close(EncoderCut(encoder, frozen).above(kept), encoder(canvas), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("frozen", CUTS)
def test_what_is_kept_in_half_precision_gives_nearly_the_same(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix
):
    kept = EncoderCut(encoder, frozen).below(canvas).half()
    embedding = EncoderCut(encoder, frozen).above(kept)
    assert embedding.dtype == torch.float32
    torch.testing.assert_close(embedding, encoder(canvas), atol=5e-3, rtol=5e-3)


def tuned(encoder: ImageEncoder, frozen: FrozenPrefix) -> None:
    """Freeze what lies below a cut, as the method of the same name does."""
    if frozen.neck:
        cut = METHODS["frozen"](FrozenEncoder()).apply(encoder)
    else:
        last = LastBlocksEncoder.model_construct(blocks=encoder.depth - frozen.blocks)  # 0: the neck alone
        cut = METHODS["last_blocks"](last).apply(encoder)
    assert cut.frozen == frozen


def is_frozen(name: str, frozen: FrozenPrefix) -> bool:
    """Whether a parameter is of the frozen part, told by its name."""
    if frozen.neck or name.startswith(("patch_embed.", "pos_embed")):
        return True
    return name.startswith("blocks.") and int(name.split(".")[1]) < frozen.blocks


@pytest.mark.parametrize("frozen", CUTS)
def test_gradients_reach_the_trained_part_and_nothing_else(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix
):
    tuned(encoder, frozen)
    embedding = EncoderCut(encoder, frozen).embed(canvas)
    assert embedding.requires_grad != frozen.neck
    if not frozen.neck:
        embedding.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        still = is_frozen(name, frozen)
        assert parameter.requires_grad is not still, name
        assert (parameter.grad is None) == still, name
        assert still or bool(parameter.grad.abs().sum() > 0), name


def test_all_or_nothing_can_be_trained(encoder: ImageEncoder):
    assert METHODS["full"](FullEncoder()).apply(encoder).frozen.empty
    assert count_parameters(encoder)[1] == 0
    assert METHODS["frozen"](FrozenEncoder()).apply(encoder).frozen == WHOLE
    assert count_parameters(encoder)[0] == 0


@pytest.mark.parametrize("frozen", CUTS[1:])
def test_gradients_are_those_of_the_whole_encoder(encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix):
    """Training above the cut is training the encoder with its lower part frozen."""
    tuned(encoder, frozen)
    trained = {name: each for name, each in encoder.named_parameters() if each.requires_grad}
    whole = torch.autograd.grad(encoder(canvas).square().sum(), list(trained.values()))
    cut = EncoderCut(encoder, frozen).embed(canvas)
    for name, a, b in zip(trained, torch.autograd.grad(cut.square().sum(), list(trained.values())), whole, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3, msg=lambda text, at=name: f"{at}: {text}")


@pytest.mark.parametrize("frozen", CUTS)
def test_the_frozen_weights_are_those_that_what_is_kept_depends_on(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix
):
    """A recipe that forgot one would find what other weights have left."""
    before = EncoderCut(encoder, frozen).below(canvas)
    told = {each.data_ptr() for _, each in EncoderCut(encoder, frozen).frozen_weights()}
    for name, parameter in encoder.named_parameters():
        assert (parameter.data_ptr() in told) == is_frozen(name, frozen), name
        if parameter.data_ptr() not in told:
            nn.init.normal_(parameter)
    assert torch.equal(EncoderCut(encoder, frozen).below(canvas), before)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("frozen", CUTS)
def test_only_the_frozen_part_is_held_in_half_precision(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix, dtype: torch.dtype
):
    """The trained weights take steps that half precision would round away."""
    EncoderCut(encoder, frozen).hold(dtype)
    for name, parameter in encoder.named_parameters():
        assert parameter.dtype == (dtype if is_frozen(name, frozen) else torch.float32), name
    kept = EncoderCut(encoder, frozen).below(canvas)
    assert kept.dtype == dtype
    assert not kept.requires_grad
    assert EncoderCut(encoder, frozen).above(kept).dtype == torch.float32


@pytest.mark.parametrize("frozen", [WHOLE, FrozenPrefix(2)])
def test_a_held_part_gives_nearly_what_it_gave(encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix):
    """bfloat16 has 8 bits: 1 part in 256 a rounding."""
    before = EncoderCut(encoder, frozen).below(canvas)
    EncoderCut(encoder, frozen).hold(HALF)
    after = EncoderCut(encoder, frozen).below(canvas).float()
    assert float((after - before).norm() / before.norm()) < 0.05


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("frozen", [WHOLE, FrozenPrefix(2)])
def test_under_autocast_the_trained_part_still_learns(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix, held: bool
):
    """As Lightning runs a step in bf16-mixed: what is held is not cast again, the embedding comes in float32."""
    tuned(encoder, frozen)
    if held:
        EncoderCut(encoder, frozen).hold(HALF)
    with torch.autocast("cpu", dtype=HALF):
        kept = EncoderCut(encoder, frozen).below(canvas)
        embedding = EncoderCut(encoder, frozen).above(kept)
    assert not kept.requires_grad
    assert embedding.dtype == torch.float32
    exact = encoder.float()(canvas).detach()
    assert float((embedding.detach() - exact).norm() / exact.norm()) < 0.05
    if not frozen.neck:
        embedding.sum().backward()
        assert all(parameter.grad is not None for parameter in encoder.blocks[2:].parameters())


def test_what_is_held_computes_the_same_under_autocast_and_without(encoder: ImageEncoder, canvas: torch.Tensor):
    """`embed` fills a store without autocast, a training within it: both must find what they would have made."""
    EncoderCut(encoder, WHOLE).hold(HALF)
    alone = EncoderCut(encoder, WHOLE).below(canvas)
    with torch.autocast("cpu", dtype=HALF):
        assert torch.equal(EncoderCut(encoder, WHOLE).below(canvas), alone)


def test_below_gives_no_gradient_even_to_what_would_take_one(encoder: ImageEncoder, canvas: torch.Tensor):
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    assert not EncoderCut(encoder, FrozenPrefix(2)).below(canvas.requires_grad_()).requires_grad


# --- a step of a task ---------------------------------------------------------------------------------------------


def metadata_of(model: SamConfig) -> CheckpointMetadata:
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
    chosen = SamConfig.model_validate({"size": "vit_t", "weights": "random"} | model)
    return FaciesSegmentation(build_network(chosen, 3), metadata_of(chosen), TrainConfig())


def batch_for(task: FaciesSegmentation, *, kept: bool) -> Batch:
    """Two sections of different sizes, as canvases or as what is kept of them."""
    rng, samples = np.random.default_rng(0), []
    for shape in ((40, 48), (30, 60)):
        frame = frame_of(shape, task.metadata.inputs)
        image = on_canvas(rng.uniform(-1, 1, shape).astype(np.float32), frame)
        if kept:
            image = task.network.cut.below(image[None])[0].half()
        samples.append(Sample(image, frame, torch.from_numpy(rng.integers(0, 3, shape).astype(np.uint8)), REF))
    return (EmbeddingBatch if kept else CanvasBatch).of(samples)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kept", [False, True])
def test_a_step_of_last_blocks_changes_them_and_the_decoder_alone(kept: bool, checkpointing: bool):
    task = task_of(encoder=LAST_BLOCKS | {"checkpointing": checkpointing})
    before = {name: value.clone() for name, value in task.state_dict().items()}
    parameters = [parameter for parameter in task.parameters() if parameter.requires_grad]
    batch = batch_for(task, kept=kept)
    task.loss(task.section_logits(batch), batch).backward()
    assert all(parameter.grad is not None for parameter in parameters), "distributed training would hang on one"
    torch.optim.SGD(parameters, lr=1.0).step()
    changed = {name for name, value in task.state_dict().items() if not torch.equal(value, before[name])}
    trained = tuple(
        f"network.{name}."
        for name in ("image_encoder.blocks.4", "image_encoder.blocks.5", "image_encoder.neck", "head")
    )
    assert all(name.startswith(trained) for name in changed)
    assert all(any(name.startswith(prefix) for name in changed) for prefix in trained)


@pytest.mark.parametrize("model", [{}, {"encoder": LAST_BLOCKS}], ids=["frozen", "last_blocks"])
def test_a_batch_that_was_kept_gives_the_loss_of_its_canvases(model: dict[str, object]):
    task = task_of(**model)
    losses = []
    for kept in (False, True):
        batch = batch_for(task, kept=kept)
        losses.append(task.loss(task.section_logits(batch), batch).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_without_gradients_last_blocks_predicts_as_it_trains():
    """Validation and prediction take a shorter way through the same network."""
    task = task_of(encoder=LAST_BLOCKS).eval()
    batch = batch_for(task, kept=False)
    trained = [logits.detach() for logits in task.section_logits(batch)]
    with torch.no_grad():
        for a, b in zip(task.section_logits(batch), trained, strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
