"""Attention of the image encoder: windows, relative positions, and equal results of all implementations of the bias."""

import pytest
import torch
from torch.nn import functional

from sam_seismic.sam import attention
from sam_seismic.sam.attention import (
    Attention,
    biased_attention,
    chunked_bias_attention,
    folded_bias_attention,
    relative_positions,
    window_indices,
)
from sam_seismic.sam.image_encoder import Block


@pytest.mark.parametrize("side", [1, 16, 44, 64])
def test_relative_positions_use_the_same_rows_for_every_canvas_size(side):
    """Row 63 is distance 0 for every canvas; interpolation would move the others."""
    table = torch.arange(127.0).unsqueeze(1)
    rows = relative_positions(table, side).squeeze(-1)
    assert rows.shape == (side, side)
    assert rows[0, 0] == 63
    assert rows[side - 1, 0] == 63 + side - 1
    assert rows[0, side - 1] == 63 - (side - 1)


@pytest.mark.parametrize(("h", "w"), [(14, 14), (16, 44), (1, 15), (64, 64), (28, 3)])
def test_each_token_is_in_one_window_at_its_row_and_column(h, w):
    """Every token of every image occurs once; places beyond the edge have the index of the zero row."""
    padding = 2 * h * w
    seen = []
    for indices, (rows, columns) in window_indices(2, h, w, device=torch.device("cpu")):
        on_canvas = indices[:, :rows, :columns]
        assert (on_canvas < padding).all()
        assert (indices[:, rows:] == padding).all()
        assert (indices[:, :, columns:] == padding).all()
        inside = on_canvas % (h * w)
        row, column = inside // w, inside % w
        assert torch.equal(row % 14, torch.arange(rows)[None, :, None].expand_as(row))
        assert torch.equal(column % 14, torch.arange(columns)[None, None].expand_as(column))
        seen.append(on_canvas.flatten())
    assert torch.equal(torch.cat(seen).sort().values, torch.arange(padding))


@torch.inference_mode()
def test_window_padding_takes_part_in_attention_as_in_the_published_network():
    """Zeros are added after the norm and are keys like tokens; without them every embedding would differ."""
    torch.manual_seed(0)
    block = Block(32, 2, windowed=True)
    torch.nn.init.ones_(block.attn.qkv.bias)
    x = torch.randn(1, 4, 4, 32)
    padded = functional.pad(block.norm1(x), (0, 0, 0, 10, 0, 10))  # [1, 14, 14, 32]
    block.attn.windowed = False
    as_published = block.attn(padded)[:, :4, :4]
    unpadded = block.attn(block.norm1(x))
    block.attn.windowed = True
    assert torch.allclose(block.attn(block.norm1(x)), as_published, atol=1e-6)
    assert (as_published - unpadded).abs().max() > 1e-2


def random_inputs(queries: tuple[int, int], grid: tuple[int, int], seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    (rows, columns), (h, w) = queries, grid

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(2, 3, *shape, generator=generator)

    keys = {"k": draw(h * w, 8), "v": draw(h * w, 8)}
    biases = {"row_bias": draw(rows, columns, h), "column_bias": draw(rows, columns, w)}
    return {"q": draw(rows * columns, 8), **keys, **biases}


def reference_attention(q, k, v, *, row_bias, column_bias):
    """softmax(q k / sqrt(d) + row_bias + column_bias) v, with all scores in memory."""
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    b, heads, rows, columns, h = row_bias.shape
    biased = scores.reshape(b, heads, rows, columns, h, -1) + row_bias[..., :, None] + column_bias[..., None, :]
    return biased.reshape(scores.shape).softmax(dim=-1) @ v


SHAPES = [((14, 14), (14, 14)), ((2, 14), (14, 14)), ((16, 44), (16, 44)), ((5, 3), (5, 3)), ((40, 41), (40, 41))]


@pytest.mark.parametrize("chunk", [1 << 22, 40_000, 1])
@pytest.mark.parametrize(("queries", "grid"), SHAPES)
@torch.inference_mode()
def test_chunked_bias_gives_the_reference_result(monkeypatch, queries, grid, chunk):
    """Chunks of several images, of several heads and of a single row of queries."""
    monkeypatch.setattr(attention, "BIAS_CHUNK_SIZE", chunk)
    inputs = random_inputs(queries, grid)
    assert torch.allclose(chunked_bias_attention(**inputs), reference_attention(**inputs), atol=1e-5)
    assert torch.allclose(biased_attention(**inputs), reference_attention(**inputs), atol=1e-5)


@pytest.mark.parametrize(("queries", "grid"), SHAPES)
def test_folded_bias_gives_the_reference_result_and_gradients(queries, grid):
    """Used on a GPU and in training: the output, and the gradients of all inputs."""
    inputs = {name: tensor.requires_grad_() for name, tensor in random_inputs(queries, grid).items()}
    weights = torch.randn_like(inputs["q"])
    expected = reference_attention(**inputs)
    for function in (folded_bias_attention, biased_attention):
        out = function(**inputs)
        assert torch.allclose(out, expected, atol=1e-5)
        found = torch.autograd.grad((out * weights).sum(), list(inputs.values()))
        reference = torch.autograd.grad((expected * weights).sum(), list(inputs.values()), retain_graph=True)
        for name, a, b in zip(inputs, found, reference, strict=True):
            assert torch.allclose(a, b, atol=1e-4), name


@pytest.mark.parametrize("grid", [(16, 44), (17, 44), (64, 64), (15, 15)])
def test_folded_bias_has_channels_that_fused_kernels_support(monkeypatch, grid):
    """They need a multiple of 8 channels; without a fused kernel all scores would be in memory at once."""
    calls = []

    def recording(q, k, v, **options):
        calls.append((q.shape[-1], k.shape[-1], v.shape[-1]))
        return attend(q, k, v, **options)

    attend = functional.scaled_dot_product_attention
    monkeypatch.setattr(functional, "scaled_dot_product_attention", recording)
    inputs = random_inputs(grid, grid)
    assert folded_bias_attention(**inputs).shape == inputs["q"].shape
    ((q, k, v),) = calls
    assert q == k == v
    assert q % 8 == 0


@pytest.mark.parametrize("windowed", [True, False])
@pytest.mark.parametrize(("h", "w"), [(16, 44), (30, 31)])
def test_attention_is_the_same_with_and_without_gradients(h, w, windowed):
    """Training and prediction use different implementations of the bias."""
    torch.manual_seed(1)
    module = Attention(24, 3, side=14 if windowed else 64, windowed=windowed)
    torch.nn.init.normal_(module.rel_pos_h)
    torch.nn.init.normal_(module.rel_pos_w)
    x = torch.randn(2, h, w, 24)
    trained = module(x)
    assert trained.requires_grad
    with torch.no_grad():
        assert torch.allclose(module(x), trained, atol=1e-5)
