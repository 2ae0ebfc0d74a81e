"""A dry run counts the products and the created bytes of the real network."""

from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from sam_seismic.inspection.dry_run import DryRun, dry_run
from sam_seismic.inspection.op_counter import OpCounter, Work
from sam_seismic.sam import build_sam
from sam_seismic.tuning.encoder_cut import EncoderCut, FrozenPrefix
from tests.inspection.configurations import FACIES, configured


def run_of(shape: tuple[int, int] = (100, 200), *, gpu: bool = False, **changes: object) -> DryRun:
    return dry_run(configured(**changes), FACIES, shape, gpu=gpu)


def test_products_and_attention_are_counted():
    """Two operations for each multiplication; PyTorch has no formula for attention on the CPU."""
    with OpCounter() as counter:
        torch.mm(torch.zeros(30, 40), torch.zeros(40, 50))
    assert counter.work.flops == 2 * 30 * 40 * 50
    q = torch.zeros(2, 3, 100, 32, requires_grad=True)
    with OpCounter() as counter:
        out = functional.scaled_dot_product_attention(q, q, q, attn_mask=torch.zeros(2, 3, 100, 100))
        forward = counter.work.flops
        torch.autograd.backward(out.sum())
    assert forward == 2 * 2 * 3 * 100 * 100 * 32 * 2
    assert counter.work.flops == pytest.approx(3.5 * forward)


def test_bytes_made_are_those_of_new_tensors_only():
    with OpCounter() as counter:
        x = torch.zeros(1000)
        x.view(10, 100)
        x + x
        counter.reset()
        x * 2
    assert counter.work == Work(flops=0, made=4000)


@pytest.mark.parametrize("frozen", [FrozenPrefix(6, neck=True), FrozenPrefix(1)], ids=["frozen", "last_blocks"])
@pytest.mark.parametrize("shape", [(330, 350), (100, 120)])
def test_the_counts_of_the_frozen_part_are_those_of_a_full_run(frozen: FrozenPrefix, shape: tuple[int, int]):
    """The dry run skips equal blocks; the encoder skips padding in one of the shapes."""
    kind: dict[str, object] = {"encoder": "frozen"}
    if not frozen.neck:
        kind = {"encoder": {"kind": "last_blocks", "blocks": 6 - frozen.blocks}}
    found = run_of(shape, side=352, batch_size=2, **kind).frozen_part
    with torch.device("meta"):
        encoder = build_sam("vit_t").image_encoder.requires_grad_(False)
    with FakeTensorMode(allow_non_fake_inputs=True), OpCounter() as counter:
        encoder.to_empty(device="cpu")
        images, cut = torch.zeros(2, 3, 352, 352), EncoderCut(encoder, frozen)
        cut.run_frozen(images, shown=shape)  # caches the tokens of padding
        counter.reset()
        before = counter.live
        cut.run_frozen(images, shown=shape)
    assert found is not None
    assert found.work.flops == pytest.approx(counter.work.flops, rel=1e-6)
    assert found.work.made == pytest.approx(counter.work.made, rel=0.01)
    images_and_padding = images.nbytes + 22 * 22 * 4 * encoder.size.width
    assert found.peak == pytest.approx(counter.peak - before + images_and_padding, rel=0.15)


def test_any_network_can_be_dry_run():
    """A network with another encoder than SAM's, with and without a frozen part."""
    frozen, full = (
        dry_run(configured(network={"kind": "vit", "encoder": kind}), FACIES, (60, 50), gpu=False)
        for kind in ({"kind": "last_blocks", "blocks": 2}, "full")
    )
    assert frozen.frozen_part is not None
    assert full.frozen_part is None
    assert frozen.weights == full.weights
    assert 0 < frozen.trained < full.trained
    assert frozen.frozen_part.work.flops + frozen.forward.work.flops == pytest.approx(full.forward.work.flops, rel=0.05)


def test_a_step_is_counted_forward_and_backward():
    """The backward pass of a product consists of two products."""
    full = run_of(encoder="full", side=256)
    assert full.frozen_part is None
    assert full.step.work.flops == pytest.approx(3 * full.forward.work.flops, rel=0.1)
    twice = run_of(encoder={"kind": "full", "checkpointing": True}, side=256)
    assert twice.step.work.flops == pytest.approx(4 * full.forward.work.flops, rel=0.15)
    assert twice.step.peak < full.step.peak


@pytest.mark.parametrize("gpu", [False, True])
def test_a_step_from_stored_features_does_not_include_the_encoder(gpu: bool):
    stored, each_time = (run_of(gpu=gpu, encoder="frozen", side=256, cache=cache) for cache in (True, False))
    assert stored.frozen_part is not None
    assert stored.frozen_part == each_time.frozen_part
    assert stored.step.work.flops == each_time.step.work.flops
    assert stored.frozen_part.work.flops > 2 * stored.step.work.flops


def test_a_dry_run_for_a_gpu_counts_the_work_of_a_gpu():
    """On a GPU, attention has larger products and is not computed in pieces; the trained parameters are the same."""
    cpu, gpu = (run_of(gpu=each, encoder="frozen", side=512) for each in (False, True))
    assert cpu.frozen_part is not None
    assert gpu.frozen_part is not None
    assert gpu.frozen_part.work.flops > cpu.frozen_part.work.flops
    assert replace(gpu, frozen_part=None, prediction=cpu.prediction, forward=cpu.forward, step=cpu.step) == replace(
        cpu, frozen_part=None
    )
