"""Facies segmentation trains the configured parts, scores no padding, and starts from the mask tokens of SAM."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sam_seismic.config import SamConfig, TrainConfig
from sam_seismic.data.batches import CanvasBatch, Sample
from sam_seismic.data.canvas import frame_of, on_canvas
from sam_seismic.networks import build_network
from sam_seismic.networks.heads.tokens import TokenHead
from sam_seismic.sam import build_sam
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.optimiser import rate_at
from sam_seismic.tuning.parameters import count_parameters

REF = SectionRef(Orientation.INLINE, 1)


def batch_of(metadata: CheckpointMetadata, shapes: list[tuple[int, int]]) -> CanvasBatch:
    rng = np.random.default_rng(0)
    samples = []
    for shape in shapes:
        frame = frame_of(shape, metadata.inputs)
        canvas = on_canvas(rng.uniform(-1, 1, shape).astype(np.float32), frame)
        labels = torch.from_numpy(rng.integers(0, 3, shape).astype(np.uint8))
        samples.append(Sample(canvas, frame, labels, REF))
    return CanvasBatch.of(samples)


def test_sections_of_different_sizes_share_a_batch(task: FaciesSegmentation):
    batch = batch_of(task.metadata, [(40, 50), (64, 20)])
    assert [tuple(logits.shape) for logits in task.section_logits(batch)] == [(3, 40, 50), (3, 64, 20)]


def test_sections_of_a_batch_do_not_affect_each_other(task: FaciesSegmentation):
    batch = batch_of(task.metadata, [(40, 50), (64, 20)])
    alone = CanvasBatch(batch.images[1:], batch.frames[1:], batch.refs[1:])
    task.eval()
    with torch.no_grad():
        together, single = task.section_logits(batch)[1], task.section_logits(alone)[0]
    torch.testing.assert_close(together, single, atol=1e-5, rtol=1e-4)


def test_padding_is_never_scored(task: FaciesSegmentation, monkeypatch: pytest.MonkeyPatch):
    """A network that is correct on the section and wrong on all padding gets a perfect score."""
    batch = batch_of(task.metadata, [(40, 48)])
    coarse = (torch.arange(10) % 3)[:, None].expand(10, 12)  # each layer is one logit thick
    labels = coarse.repeat_interleave(4, dim=0).repeat_interleave(4, dim=1).to(torch.uint8)  # [40, 48]
    batch = replace(batch, labels=(labels,))
    logits = torch.zeros(3, 16, 16)
    logits[0] = 1.0  # class 0 in the padding, where no class is correct
    logits[:, :10, :12] = torch.nn.functional.one_hot(coarse, 3).permute(2, 0, 1).float() * 9
    monkeypatch.setattr(
        task.network, "forward", lambda _, shown, patches: logits[None, :, : 4 * patches[0], : 4 * patches[1]]
    )
    task.test_step(batch)
    scores = task.scores()
    assert scores.voxels == 40 * 48
    assert scores.mean_iou == 1.0


def test_logits_of_a_batch_are_in_the_order_of_its_sections(task: FaciesSegmentation):
    """With canvases of two sizes, one with two frames, each section gets the same logits as alone."""
    inputs = task.metadata.inputs.model_copy(update={"canvas": "tight"})
    batch = batch_of(replace(task.metadata, inputs=inputs), [(40, 50), (64, 20), (41, 52), (40, 50)])
    assert [tuple(image.shape[1:]) for image in batch.images] == [(48, 64), (64, 32), (48, 64), (48, 64)]
    task.eval()
    with torch.no_grad():
        together = task.section_logits(batch)
        for position, logits in enumerate(together):
            one = CanvasBatch(*((each[position],) for each in (batch.images, batch.frames, batch.refs)))
            alone = task.section_logits(one)[0]
            assert logits.shape[1:] == batch.frames[position].section_shape
            torch.testing.assert_close(logits, alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("canvas", ["square", "tight"])
def test_upscaling_only_the_section_changes_no_logit(task: FaciesSegmentation, canvas: str):
    """Only logits that `recover` does not read are left out."""
    inputs = task.metadata.inputs.model_copy(update={"canvas": canvas})
    batch = batch_of(replace(task.metadata, inputs=inputs), [(30, 17)])
    task.eval()
    with torch.no_grad():
        whole = batch.frames[0].recover(task(batch.images[0][None]), stride=4)[0]
        torch.testing.assert_close(task.section_logits(batch)[0], whole, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("encoder", "decoder", "trained"),
    [
        ("frozen", "full", {"head"}),
        ("full", "full", {"head", "image_encoder"}),
        ("full", "frozen", {"head.class_tokens", "head.hypernetworks", "image_encoder"}),
    ],
)
def test_a_step_changes_only_the_trained_weights(
    metadata: CheckpointMetadata, encoder: str, decoder: str, trained: set[str]
):
    model = SamConfig.model_validate({"size": "vit_t", "weights": "random", "encoder": encoder, "decoder": decoder})
    task = FaciesSegmentation(build_network(model, 3), replace(metadata, model=model))
    trained = {f"network.{name}" for name in trained}
    before = {name: value.clone() for name, value in task.state_dict().items()}
    batch = batch_of(task.metadata, [(40, 50)])
    parameters = [parameter for parameter in task.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=1.0)
    task.loss(task.section_logits(batch), batch).backward()
    optimizer.step()
    changed = {name for name, value in task.state_dict().items() if not torch.equal(value, before[name])}
    assert all(any(name.startswith(prefix) for prefix in trained) for name in changed)
    assert all(any(name.startswith(prefix) for name in changed) for prefix in trained)
    assert sum(parameter.numel() for parameter in parameters) == count_parameters(task)[0]


def test_every_trained_parameter_gets_a_gradient(metadata: CheckpointMetadata):
    """Otherwise distributed training would hang."""
    model = SamConfig(size="vit_t", weights="random", encoder="full", decoder="full")
    task = FaciesSegmentation(build_network(model, 3), replace(metadata, model=model))
    batch = batch_of(task.metadata, [(64, 64)])
    task.loss(task.section_logits(batch), batch).backward()
    without = [name for name, value in task.named_parameters() if value.requires_grad and value.grad is None]
    assert without == []


def test_class_tokens_start_from_the_mask_tokens_of_sam():
    sam = build_sam("vit_t")
    decoder = TokenHead(None, sam, 6)
    tokens = decoder.class_tokens.weight
    assert torch.equal(tokens[:4], sam.mask_decoder.mask_tokens.weight)
    assert not torch.equal(tokens[4], tokens[0]), "classes that share a token must be told apart"
    assert torch.nn.functional.cosine_similarity(tokens[4], tokens[0], dim=0) > 0.9
    first = sam.mask_decoder.output_hypernetworks_mlps[1].state_dict()
    assert all(torch.equal(value, first[name]) for name, value in decoder.hypernetworks[5].state_dict().items())


def test_the_head_equals_the_decoder_of_sam_without_a_prompt():
    """Untrained and with 4 classes, its logit planes are the four masks of SAM for the empty prompt."""
    torch.manual_seed(0)
    sam = build_sam("vit_t").eval()
    embedding = torch.randn(2, 256, 4, 6)
    with torch.no_grad():
        sparse, dense = sam.prompt_encoder(grid=(4, 6))
        pe = sam.prompt_encoder.dense_pe((4, 6))
        expected, _ = sam.mask_decoder.predict_all(
            embedding, pe, sparse=sparse.expand(2, -1, -1), dense=dense.expand(2, -1, -1, -1)
        )
        planes = TokenHead(None, sam, 4)(embedding, pe, dense)
    torch.testing.assert_close(planes, expected, atol=1e-5, rtol=1e-5)


def test_the_learning_rate_rises_and_decays():
    rates = [rate_at(step, 100, warmup=0.1) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[99] == pytest.approx(0.01, abs=1e-3)
    assert all(later <= earlier for earlier, later in pairwise(rates[10:]))
    assert rate_at(0, 1, warmup=0.0) == 1.0


def test_the_dice_weight_is_used(metadata: CheckpointMetadata):
    torch.manual_seed(0)
    network = build_network(metadata.model, 3)
    losses = []
    for dice in (0.0, 1.0):
        loss = {"kind": "cross_entropy_dice", "dice": dice}
        task = FaciesSegmentation(network, metadata, TrainConfig.model_validate({"loss": loss}))
        batch = batch_of(metadata, [(40, 50)])
        losses.append(task.loss(task.section_logits(batch), batch).item())
    assert 0 < losses[1] - losses[0] < 1


def test_padding_is_outside_all_sections_of_a_batch(metadata: CheckpointMetadata):
    """The first section ends inside the first window of the encoder, the second one does not."""
    inputs = metadata.inputs.model_copy(update={"side": 256})
    torch.manual_seed(0)
    task = FaciesSegmentation(build_network(metadata.model, 3), replace(metadata, inputs=inputs)).eval()
    batch = batch_of(task.metadata, [(200, 200), (250, 240)])
    with torch.no_grad():
        every = zip(batch.images, batch.frames, batch.refs, strict=True)
        alone = [task.section_logits(CanvasBatch((image,), (frame,), (ref,)))[0] for image, frame, ref in every]
        for mine, expected in zip(task.section_logits(batch), alone, strict=True):
            torch.testing.assert_close(mine, expected, atol=1e-5, rtol=1e-4)


def test_the_optimiser_gets_learning_rates_and_weight_decay(metadata: CheckpointMetadata):
    model = SamConfig.model_validate({"size": "vit_t", "weights": "random", "encoder": "full"})
    train = TrainConfig(learning_rate=1e-3, encoder_rate=0.25, weight_decay=0.3)
    task = FaciesSegmentation(build_network(model, 3), replace(metadata, model=model), train)
    task.trainer = SimpleNamespace(precision="32-true", estimated_stepping_batches=10)
    groups = task.configure_optimizers()["optimizer"].param_groups
    rates = {id(parameter): group["initial_lr"] for group in groups for parameter in group["params"]}
    assert {rates[id(parameter)] for parameter in task.network.head.parameters()} == {1e-3}
    assert {rates[id(parameter)] for parameter in task.network.image_encoder.parameters()} == {0.25e-3}
    assert {group["weight_decay"] for group in groups} == {0.3}


def test_each_validation_resets_loss_and_scores(task: FaciesSegmentation, monkeypatch: pytest.MonkeyPatch):
    """The scores and the loss of a validation do not depend on the previous one."""
    logged: list[dict[str, float]] = []
    monkeypatch.setattr(task, "log_dict", lambda values, **_: logged.append(values))
    task.eval()
    batches = [batch_of(task.metadata, [shape]) for shape in ((40, 50), (64, 20), (64, 20))]
    for batch in batches:
        task.on_validation_epoch_start()
        with torch.no_grad():
            task.validation_step(batch)
        task.on_validation_epoch_end()
    assert logged[0]["val_loss"] != logged[1]["val_loss"]
    assert logged[1] == logged[2]
    with torch.no_grad():
        assert logged[1]["val_loss"] == pytest.approx(float(task.loss(task.section_logits(batches[1]), batches[1])))
