"""What a rehearsal counts is what the real network does: products and bytes made."""

from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from sam_seismic.inspection.dry_run import Rehearsal, rehearse
from sam_seismic.inspection.op_counter import OpCounter, Work
from sam_seismic.sam import build_sam
from sam_seismic.tuning.encoder_cut import EncoderCut, FrozenPrefix
from tests.inspection.foreseen import FACIES, configured


def seen(shape: tuple[int, int] = (100, 200), *, gpu: bool = False, **changes: object) -> Rehearsal:
    return rehearse(configured(**changes), FACIES, shape, gpu=gpu)


def test_products_and_attention_are_counted():
    """Two operations a multiplication; attention on the CPU has no formula of PyTorch's own."""
    with OpCounter() as tape:
        torch.mm(torch.zeros(30, 40), torch.zeros(40, 50))
    assert tape.work.flops == 2 * 30 * 40 * 50
    q = torch.zeros(2, 3, 100, 32, requires_grad=True)
    with OpCounter() as tape:
        out = functional.scaled_dot_product_attention(q, q, q, attn_mask=torch.zeros(2, 3, 100, 100))
        forward = tape.work.flops
        torch.autograd.backward(out.sum())
    assert forward == 2 * 2 * 3 * 100 * 100 * 32 * 2
    assert tape.work.flops == pytest.approx(3.5 * forward)


def test_bytes_made_are_those_of_new_tensors_only():
    with OpCounter() as tape:
        x = torch.zeros(1000)
        x.view(10, 100)
        x + x
        tape.start_again()
        x * 2
    assert tape.work == Work(flops=0, made=4000)


@pytest.mark.parametrize("frozen", [FrozenPrefix(6, neck=True), FrozenPrefix(1)], ids=["frozen", "last_blocks"])
@pytest.mark.parametrize("shape", [(330, 350), (100, 120)])
def test_the_frozen_part_is_counted_as_it_runs(frozen: FrozenPrefix, shape: tuple[int, int]):
    """Also where padding is left out."""
    kind: dict[str, object] = {"encoder": "frozen"}
    if not frozen.neck:
        kind = {"encoder": {"kind": "last_blocks", "blocks": 6 - frozen.blocks}}
    found = seen(shape, side=352, batch_size=2, **kind).below
    with torch.device("meta"):
        encoder = build_sam("vit_t").image_encoder.requires_grad_(False)
    with FakeTensorMode(allow_non_fake_inputs=True), OpCounter() as counter:
        encoder.to_empty(device="cpu")
        images, cut = torch.zeros(2, 3, 352, 352), EncoderCut(encoder, frozen)
        cut.run_frozen(images, shown=shape)  # padding is remembered
        counter.start_again()
        before = counter.live
        cut.run_frozen(images, shown=shape)
    assert found is not None
    assert found.work.flops == pytest.approx(counter.work.flops, rel=1e-6)
    assert found.work.made == pytest.approx(counter.work.made, rel=0.01)
    images_and_padding = images.nbytes + 22 * 22 * 4 * encoder.size.width
    assert found.held == pytest.approx(counter.peak - before + images_and_padding, rel=0.15)


def test_any_network_can_be_rehearsed():
    """One whose encoder is not SAM's, and one of which nothing is frozen."""
    frozen, full = (
        rehearse(configured(network={"kind": "vit", "encoder": kind}), FACIES, (100, 120), gpu=False)
        for kind in ({"kind": "last_blocks", "blocks": 2}, "full")
    )
    assert frozen.below is not None
    assert full.below is None
    assert frozen.weights == full.weights
    assert 0 < frozen.trained < full.trained
    assert frozen.below.work.flops + frozen.forward.work.flops == pytest.approx(full.forward.work.flops, rel=0.05)


def test_a_step_is_counted_forward_and_backward():
    """The backward pass of a product is two products."""
    full = seen(encoder="full", side=256)
    assert full.below is None
    assert full.step.work.flops == pytest.approx(3 * full.forward.work.flops, rel=0.1)
    twice = seen(encoder={"kind": "full", "checkpointing": True}, side=256)
    assert twice.step.work.flops == pytest.approx(4 * full.forward.work.flops, rel=0.15)
    assert twice.step.held < full.step.held


@pytest.mark.parametrize("gpu", [False, True])
def test_a_store_takes_the_encoder_out_of_the_step(gpu: bool):
    kept, each_time = (seen(gpu=gpu, encoder="frozen", side=256, cache=cache) for cache in (True, False))
    assert kept.below is not None
    assert kept.below == each_time.below
    assert kept.step.work.flops == each_time.step.work.flops
    assert kept.below.work.flops > 2 * kept.step.work.flops


def test_a_rehearsal_on_a_gpu_does_the_work_of_one():
    """There, attention has longer products and no pieces; what is trained is the same."""
    cpu, gpu = (seen(gpu=each, encoder="frozen", side=512) for each in (False, True))
    assert cpu.below is not None
    assert gpu.below is not None
    assert gpu.below.work.flops > cpu.below.work.flops
    assert replace(gpu, below=None, prediction=cpu.prediction, forward=cpu.forward, step=cpu.step) == replace(
        cpu, below=None
    )
