"""What a rehearsal counts is what the real network does: products, bytes made, and blocks that stand for others."""

from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from sam_seismic.inspection.op_counter import OpCounter, Work
from sam_seismic.inspection.rehearsal import Rehearsal, rehearse, shortened
from sam_seismic.sam import build_sam
from sam_seismic.tuning.cut import below
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


@pytest.mark.parametrize(
    ("size", "blocks"), [("vit_t", None), ("vit_b", None), ("vit_b", 9), ("vit_b", 2), ("vit_t", 1)]
)
@pytest.mark.parametrize("shape", [(330, 350), (100, 120)])
def test_one_block_of_each_kind_stands_for_all(size: str, blocks: int | None, shape: tuple[int, int]):
    """Also where the first ones leave padding out."""
    frozen = {"encoder": "frozen"} if blocks is None else {"encoder": "last_blocks", "blocks": 12 - blocks}
    if size == "vit_t" and blocks is not None:
        frozen["blocks"] = 6 - blocks
    found = seen(shape, size=size, side=352, batch_size=2, **frozen).below
    with torch.device("meta"):
        encoder = build_sam(size).image_encoder.requires_grad_(False)
    with FakeTensorMode(allow_non_fake_inputs=True), OpCounter() as tape:
        encoder.to_empty(device="cpu")
        images = torch.zeros(2, 3, 352, 352)
        below(encoder, images, blocks=blocks, shown=shape)  # padding is remembered
        tape.start_again()
        before = tape.live
        below(encoder, images, blocks=blocks, shown=shape)
    assert found is not None
    assert found.work.flops == pytest.approx(tape.work.flops, rel=1e-6)
    assert found.work.made == pytest.approx(tape.work.made, rel=0.01)
    images_and_padding = images.nbytes + 22 * 22 * 4 * encoder.size.width
    assert found.held == pytest.approx(tape.peak - before + images_and_padding, rel=0.15)


def test_a_short_encoder_leaves_the_whole_one_as_it_is():
    encoder = build_sam("vit_t").image_encoder
    short, times = shortened(encoder, None)
    assert (short.depth, times, encoder.depth) == (3, [2, 2, 2], 6)
    assert short.blocks[1] is encoder.blocks[2]
    assert not encoder._forward_hooks
    assert shortened(encoder, 1)[1] == [1]


def test_a_step_is_counted_forward_and_backward():
    """The backward pass of a product is two products."""
    full = seen(encoder="full", side=256)
    assert full.below is None
    assert full.step.work.flops == pytest.approx(3 * full.forward.work.flops, rel=0.1)
    twice = seen(encoder="full", side=256, checkpointing=True)
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
