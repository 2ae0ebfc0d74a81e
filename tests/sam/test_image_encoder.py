"""Optimisations of the image encoder: cached padding, a cut between two blocks, activation checkpointing."""

import pytest
import torch

from sam_seismic.sam import EncoderSize, ImageEncoder

SIZE = EncoderSize(width=24, depth=4, heads=2, global_blocks=(1, 3))


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    encoder = ImageEncoder(SIZE).eval()
    for block in encoder.blocks:
        torch.nn.init.normal_(block.attn.rel_pos_h)
        torch.nn.init.normal_(block.attn.rel_pos_w)
    return encoder.requires_grad_(False)


def padded(shown: tuple[int, int], canvas: tuple[int, int] = (640, 512), seed: int = 0) -> torch.Tensor:
    pixels = torch.zeros(2, 3, *canvas)
    pixels[:, :, : shown[0], : shown[1]] = torch.randn(2, 3, *shown, generator=torch.Generator().manual_seed(seed))
    return pixels


@pytest.mark.parametrize("shown", [(100, 300), (224, 224), (225, 1), (640, 512), (500, 512)])
@torch.inference_mode()
def test_skipping_padding_does_not_change_the_embedding(encoder, shown):
    """Sections that end inside a window, at the edge of a window, and at the edge of the canvas."""
    pixels = padded(shown)
    assert torch.allclose(encoder(pixels, shown=shown), encoder(pixels), atol=1e-5)


@torch.no_grad()
def test_cached_padding_is_not_used_after_a_change_of_weights(encoder):
    """Stale tokens would make the embedding of every section wrong."""
    pixels, shown = padded((100, 300)), (100, 300)
    before = encoder(pixels, shown=shown)
    assert encoder._padding_cache._entries, "the cache is not used, so this test proves nothing"
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
def test_validation_during_training_uses_padding_of_the_current_weights(encoder, fused):
    """A fused optimizer changes weights without an increase of their version counter."""
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
def test_cached_padding_is_not_used_after_a_cast_of_weights(encoder):
    """A cast to bfloat16 and back rounds the weights, but leaves their names and dtypes unchanged."""
    pixels, shown = padded((100, 300)), (100, 300)
    before = encoder(pixels, shown=shown)
    encoder.bfloat16().float()
    after = encoder(pixels, shown=shown)
    assert torch.allclose(after, encoder(pixels), atol=1e-5)
    assert not torch.equal(after, before)


def test_an_encoder_created_in_inference_mode_accepts_the_size_of_the_section():
    with torch.inference_mode():
        encoder, pixels = ImageEncoder(SIZE).eval(), padded((100, 300))
        assert torch.allclose(encoder(pixels, shown=(100, 300)), encoder(pixels), atol=1e-5)


def test_without_a_global_block_padding_is_skipped_in_all_blocks():
    torch.manual_seed(0)
    windowed = ImageEncoder(EncoderSize(width=24, depth=2, heads=2, global_blocks=())).eval().requires_grad_(False)
    pixels = padded((100, 300))
    assert torch.allclose(windowed(pixels, shown=(100, 300)), windowed(pixels), atol=1e-5)


@torch.no_grad()
def test_padding_is_not_shared_between_precisions(encoder):
    """Float32, bfloat16 by autocast and bfloat16 weights each have other tokens."""
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
def test_lower_and_upper_give_the_embedding_of_the_whole_encoder(encoder, blocks, shown):
    """For a cut before, between and after all blocks."""
    pixels = padded((100, 300))
    tokens = encoder.lower(pixels, blocks=blocks, shown=shown)
    assert tokens.shape == (2, 40, 32, 24)
    assert torch.allclose(encoder.upper(tokens, blocks=blocks), encoder(pixels), atol=1e-5)


def test_padding_is_not_cached_while_the_encoder_is_trained(encoder):
    """Padding contributes to the gradients, too."""
    encoder.requires_grad_(True)
    encoder(padded((100, 300)), shown=(100, 300)).sum().backward()
    assert not encoder._padding_cache._entries
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_activation_checkpointing_does_not_change_gradients(encoder):
    """It saves memory by computing activations twice."""
    pixels = padded((100, 300))
    encoder.requires_grad_(True)
    gradients = []
    for checkpointing in (False, True):
        encoder.checkpointing = checkpointing
        encoder.zero_grad()
        encoder(pixels).square().mean().backward()
        gradients.append([parameter.grad.clone() for parameter in encoder.parameters()])
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-7) for a, b in zip(*gradients, strict=True))
