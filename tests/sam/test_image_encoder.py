"""The image encoder's short cuts: padding that is remembered, a cut between blocks, blocks computed twice."""

import pytest
import torch

from sam_seismic.sam import EncoderSize, ImageEncoder

SIZE = EncoderSize(width=24, depth=4, heads=2, global_blocks=(1, 3))


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    made = ImageEncoder(SIZE).eval()
    for block in made.blocks:
        torch.nn.init.normal_(block.attn.rel_pos_h)
        torch.nn.init.normal_(block.attn.rel_pos_w)
    return made.requires_grad_(False)


def padded(shown: tuple[int, int], canvas: tuple[int, int] = (640, 512), seed: int = 0) -> torch.Tensor:
    pixels = torch.zeros(2, 3, *canvas)
    pixels[:, :, : shown[0], : shown[1]] = torch.randn(2, 3, *shown, generator=torch.Generator().manual_seed(seed))
    return pixels


@pytest.mark.parametrize("shown", [(100, 300), (224, 224), (225, 1), (640, 512), (500, 512)])
@torch.inference_mode()
def test_padding_that_is_remembered_changes_nothing(encoder, shown):
    """Sections that end inside a window, at its edge, and at the canvas's."""
    pixels = padded(shown)
    assert torch.allclose(encoder(pixels, shown=shown), encoder(pixels), atol=1e-5)


@torch.no_grad()
def test_padding_is_forgotten_when_weights_change(encoder):
    """A stale canvas would be wrong for every section."""
    pixels, shown = padded((100, 300)), (100, 300)
    before = encoder(pixels, shown=shown)
    assert encoder._padding._known, "nothing was remembered, so nothing is proved"
    for change in (
        lambda: encoder.pos_embed.mul_(3),
        lambda: encoder.blocks[0].mlp.lin1.weight.add_(0.1),
        lambda: encoder.load_state_dict(ImageEncoder(SIZE).state_dict()),
    ):
        change()
        after = encoder(pixels, shown=shown)
        assert torch.allclose(after, encoder(pixels), atol=1e-5)
        assert not torch.allclose(after, before, atol=1e-3)


@pytest.mark.parametrize("fused", [True, False])
def test_padding_follows_a_training(encoder, fused):
    """A fused optimizer changes weights without PyTorch's count of changes: validation must see the new ones."""
    pixels, shown = padded((100, 300)), (100, 300)
    with torch.no_grad():
        encoder(pixels, shown=shown)
    encoder.requires_grad_(True)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=0.1, fused=fused)
    for _ in range(2):
        encoder(pixels).square().mean().backward()
        optimizer.step()
        with torch.no_grad():
            assert torch.allclose(encoder(pixels, shown=shown), encoder(pixels), atol=1e-5)


@torch.no_grad()
def test_padding_is_forgotten_when_weights_are_cast(encoder):
    """There and back they are rounded, under the same names and types."""
    pixels, shown = padded((100, 300)), (100, 300)
    before = encoder(pixels, shown=shown)
    encoder.bfloat16().float()
    after = encoder(pixels, shown=shown)
    assert torch.allclose(after, encoder(pixels), atol=1e-5)
    assert not torch.equal(after, before)


def test_an_encoder_that_was_made_in_inference_mode_can_be_told_what_is_shown():
    with torch.inference_mode():
        made, pixels = ImageEncoder(SIZE).eval(), padded((100, 300))
        assert torch.allclose(made(pixels, shown=(100, 300)), made(pixels), atol=1e-5)


def test_without_a_global_block_padding_is_skipped_in_all(encoder):
    made = ImageEncoder(EncoderSize(width=24, depth=2, heads=2, global_blocks=())).eval().requires_grad_(False)
    pixels = padded((100, 300))
    assert torch.allclose(made(pixels, shown=(100, 300)), made(pixels), atol=1e-5)


@torch.no_grad()
def test_padding_is_not_shared_between_precisions(encoder):
    """bfloat16 by weights, bfloat16 by autocast, float32: each its own."""
    pixels, shown = padded((100, 300)), (100, 300)
    full = encoder(pixels, shown=shown)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = encoder(pixels, shown=shown)
        assert torch.allclose(mixed, encoder(pixels), atol=0.1)
    assert torch.equal(encoder(pixels, shown=shown), full)
    assert not torch.equal(mixed, full)
    half = encoder.to(torch.bfloat16)
    assert half(pixels.bfloat16(), shown=shown).dtype == torch.bfloat16


@torch.no_grad()
@pytest.mark.parametrize("shown", [None, (100, 300)])
@pytest.mark.parametrize("blocks", [0, 1, 2, 3, 4])
def test_a_cut_between_any_two_blocks_changes_nothing(encoder, blocks, shown):
    """What is frozen below and what is trained above are one encoder."""
    pixels = padded((100, 300))
    tokens = encoder.lower(pixels, blocks=blocks, shown=shown)
    assert tokens.shape == (2, 40, 32, 24)
    assert torch.allclose(encoder.upper(tokens, blocks=blocks), encoder(pixels), atol=1e-5)


def test_padding_is_not_remembered_while_it_is_trained(encoder):
    """The gradient must see the padding too."""
    encoder.requires_grad_(True)
    encoder(padded((100, 300)), shown=(100, 300)).sum().backward()
    assert not encoder._padding._known
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_blocks_that_are_computed_twice_have_the_same_gradients(encoder):
    """Checkpointing saves memory and changes no number."""
    pixels = padded((100, 300))
    encoder.requires_grad_(True)
    gradients = []
    for twice in (False, True):
        encoder.checkpointing = twice
        encoder.zero_grad()
        encoder(pixels).square().mean().backward()
        gradients.append([parameter.grad.clone() for parameter in encoder.parameters()])
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-7) for a, b in zip(*gradients, strict=True))
