"""The two parts of a cut encoder give the result of the whole encoder, and only the trained part has gradients."""

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
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
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
    """Four blocks, of which the second and the last have global attention; no parameter is zero."""
    torch.manual_seed(0)
    encoder = ImageEncoder(EncoderSize(width=24, depth=4, heads=2, global_blocks=(1, 3)))
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, std=0.1)
    return encoder


@pytest.fixture
def canvas() -> torch.Tensor:
    """Two canvases of 16 x 3 patches with sections of 40 x 48 pixels: one row of windows is padding."""
    canvas = torch.zeros(2, 3, 256, 48)
    canvas[:, :, :40] = torch.randn(2, 3, 40, 48, generator=torch.Generator().manual_seed(1))
    return canvas


@pytest.mark.parametrize("shown", [None, (40, 48)])
@pytest.mark.parametrize("frozen", CUTS)
def test_the_two_parts_give_the_embedding_of_the_whole_encoder(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix, shown: tuple[int, int] | None
):
    features = EncoderCut(encoder, frozen).run_frozen(canvas, shown=shown)
    assert tuple(features.shape[1:]) == EncoderCut(encoder, frozen).feature_shape((256, 48))
    assert features.dtype == torch.float32
    torch.testing.assert_close(EncoderCut(encoder, frozen).run_trained(features), encoder(canvas), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("frozen", CUTS)
def test_features_in_half_precision_give_nearly_the_same_embedding(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix
):
    features = EncoderCut(encoder, frozen).run_frozen(canvas).half()
    embedding = EncoderCut(encoder, frozen).run_trained(features)
    assert embedding.dtype == torch.float32
    torch.testing.assert_close(embedding, encoder(canvas), atol=5e-3, rtol=5e-3)


def tune(encoder: ImageEncoder, frozen: FrozenPrefix) -> None:
    """Apply the tuning method that freezes this prefix."""
    if frozen.neck:
        cut = METHODS["frozen"](FrozenEncoder()).apply(encoder)
    else:
        last = LastBlocksEncoder.model_construct(blocks=encoder.depth - frozen.blocks)  # 0: the neck alone
        cut = METHODS["last_blocks"](last).apply(encoder)
    assert cut.frozen == frozen


def is_frozen(name: str, frozen: FrozenPrefix) -> bool:
    """Whether the parameter of this name belongs to the frozen part."""
    if frozen.neck or name.startswith(("patch_embed.", "pos_embed")):
        return True
    return name.startswith("blocks.") and int(name.split(".")[1]) < frozen.blocks


@pytest.mark.parametrize("frozen", CUTS)
def test_only_the_trained_part_receives_gradients(encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix):
    tune(encoder, frozen)
    embedding = EncoderCut(encoder, frozen).embed(canvas)
    assert embedding.requires_grad != frozen.neck
    if not frozen.neck:
        embedding.square().sum().backward()
    for name, parameter in encoder.named_parameters():
        expected_frozen = is_frozen(name, frozen)
        assert parameter.requires_grad is not expected_frozen, name
        assert (parameter.grad is None) == expected_frozen, name
        assert expected_frozen or bool(parameter.grad.abs().sum() > 0), name


def test_full_trains_all_parameters_and_frozen_none(encoder: ImageEncoder):
    assert METHODS["full"](FullEncoder()).apply(encoder).frozen.empty
    assert count_parameters(encoder)[1] == 0
    assert METHODS["frozen"](FrozenEncoder()).apply(encoder).frozen == WHOLE
    assert count_parameters(encoder)[0] == 0


@pytest.mark.parametrize("frozen", CUTS[1:])
def test_gradients_are_those_of_the_whole_encoder(encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix):
    """Training after the cut is equal to training the whole encoder with a frozen prefix."""
    tune(encoder, frozen)
    trained = {name: each for name, each in encoder.named_parameters() if each.requires_grad}
    whole = torch.autograd.grad(encoder(canvas).square().sum(), list(trained.values()))
    cut = EncoderCut(encoder, frozen).embed(canvas)
    for name, a, b in zip(trained, torch.autograd.grad(cut.square().sum(), list(trained.values())), whole, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3, msg=lambda text, at=name: f"{at}: {text}")


@pytest.mark.parametrize("frozen", CUTS)
def test_the_frozen_weights_are_those_that_the_features_depend_on(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix
):
    """If the hash did not include a weight, stale features would be read after a change of that weight."""
    before = EncoderCut(encoder, frozen).run_frozen(canvas)
    hashed = {each.data_ptr() for _, each in EncoderCut(encoder, frozen).frozen_weights()}
    for name, parameter in encoder.named_parameters():
        assert (parameter.data_ptr() in hashed) == is_frozen(name, frozen), name
        if parameter.data_ptr() not in hashed:
            nn.init.normal_(parameter)
    assert torch.equal(EncoderCut(encoder, frozen).run_frozen(canvas), before)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("frozen", CUTS)
def test_only_the_frozen_part_is_converted_to_half_precision(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix, dtype: torch.dtype
):
    """In half precision, small updates of trained weights would be lost by rounding."""
    EncoderCut(encoder, frozen).set_precision(dtype)
    for name, parameter in encoder.named_parameters():
        assert parameter.dtype == (dtype if is_frozen(name, frozen) else torch.float32), name
    features = EncoderCut(encoder, frozen).run_frozen(canvas)
    assert features.dtype == dtype
    assert not features.requires_grad
    assert EncoderCut(encoder, frozen).run_trained(features).dtype == torch.float32


@pytest.mark.parametrize("frozen", [WHOLE, FrozenPrefix(2)])
def test_half_precision_changes_features_little(encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix):
    """The mantissa of bfloat16 has 8 bits, so the relative rounding error is up to 1/256."""
    before = EncoderCut(encoder, frozen).run_frozen(canvas)
    EncoderCut(encoder, frozen).set_precision(HALF)
    after = EncoderCut(encoder, frozen).run_frozen(canvas).float()
    assert float((after - before).norm() / before.norm()) < 0.05


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("frozen", [WHOLE, FrozenPrefix(2)])
def test_under_autocast_the_trained_part_receives_gradients(
    encoder: ImageEncoder, canvas: torch.Tensor, frozen: FrozenPrefix, half: bool
):
    """As in Lightning's bf16-mixed, with the frozen part in float32 or in half precision."""
    tune(encoder, frozen)
    if half:
        EncoderCut(encoder, frozen).set_precision(HALF)
    with torch.autocast("cpu", dtype=HALF):
        features = EncoderCut(encoder, frozen).run_frozen(canvas)
        embedding = EncoderCut(encoder, frozen).run_trained(features)
    assert not features.requires_grad
    assert embedding.dtype == torch.float32
    exact = encoder.float()(canvas).detach()
    assert float((embedding.detach() - exact).norm() / exact.norm()) < 0.05
    if not frozen.neck:
        embedding.sum().backward()
        assert all(parameter.grad is not None for parameter in encoder.blocks[2:].parameters())


def test_half_precision_weights_give_the_same_with_and_without_autocast(encoder: ImageEncoder, canvas: torch.Tensor):
    """`embed` fills a store without autocast, `train` with autocast; both must store the same features."""
    EncoderCut(encoder, WHOLE).set_precision(HALF)
    alone = EncoderCut(encoder, WHOLE).run_frozen(canvas)
    with torch.autocast("cpu", dtype=HALF):
        assert torch.equal(EncoderCut(encoder, WHOLE).run_frozen(canvas), alone)


def test_the_features_require_no_gradient(encoder: ImageEncoder, canvas: torch.Tensor):
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    assert not EncoderCut(encoder, FrozenPrefix(2)).run_frozen(canvas.requires_grad_()).requires_grad


# --- a training step ----------------------------------------------------------------------------------------------


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


def batch_for(task: FaciesSegmentation, *, stored: bool) -> Batch:
    """Two sections of different sizes, as canvases or as stored features."""
    rng, samples = np.random.default_rng(0), []
    for shape in ((40, 48), (30, 60)):
        frame = frame_of(shape, task.metadata.inputs)
        image = on_canvas(rng.uniform(-1, 1, shape).astype(np.float32), frame)
        if stored:
            image = task.network.cut.run_frozen(image[None])[0].half()
        samples.append(Sample(image, frame, torch.from_numpy(rng.integers(0, 3, shape).astype(np.uint8)), REF))
    return (EmbeddingBatch if stored else CanvasBatch).of(samples)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("stored", [False, True])
def test_a_training_step_of_last_blocks_changes_only_these_blocks_neck_and_head(stored: bool, checkpointing: bool):
    task = task_of(encoder=LAST_BLOCKS | {"checkpointing": checkpointing})
    before = {name: value.clone() for name, value in task.state_dict().items()}
    parameters = [parameter for parameter in task.parameters() if parameter.requires_grad]
    batch = batch_for(task, stored=stored)
    task.loss(task.section_logits(batch), batch).backward()
    assert all(parameter.grad is not None for parameter in parameters), "distributed training would hang"
    torch.optim.SGD(parameters, lr=1.0).step()
    changed = {name for name, value in task.state_dict().items() if not torch.equal(value, before[name])}
    trained = tuple(
        f"network.{name}."
        for name in ("image_encoder.blocks.4", "image_encoder.blocks.5", "image_encoder.neck", "head")
    )
    assert all(name.startswith(trained) for name in changed)
    assert all(any(name.startswith(prefix) for name in changed) for prefix in trained)


@pytest.mark.parametrize("model", [{}, {"encoder": LAST_BLOCKS}], ids=["frozen", "last_blocks"])
def test_stored_features_give_the_same_loss_as_canvases(model: dict[str, object]):
    task = task_of(**model)
    losses = []
    for stored in (False, True):
        batch = batch_for(task, stored=stored)
        losses.append(task.loss(task.section_logits(batch), batch).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_last_blocks_has_the_same_logits_with_and_without_gradients():
    """Without gradients, padding is skipped in the trained blocks, too."""
    task = task_of(encoder=LAST_BLOCKS).eval()
    batch = batch_for(task, stored=False)
    trained = [logits.detach() for logits in task.section_logits(batch)]
    with torch.no_grad():
        for a, b in zip(task.section_logits(batch), trained, strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
