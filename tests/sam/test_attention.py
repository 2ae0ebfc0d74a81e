"""Attention in the image encoder: windows, positions, and that no way of adding the bias changes a number."""

import pytest
import torch
from torch.nn import functional

from sam_seismic.sam import attention
from sam_seismic.sam.attention import Attention, biased_attention, folded, in_pieces, relative_positions, windows_of
from sam_seismic.sam.image_encoder import Block


@pytest.mark.parametrize("side", [1, 16, 44, 64])
def test_relative_positions_keep_their_rows_on_a_shorter_axis(side):
    """Row 63 is the distance 0 whatever the canvas; interpolation would move the others."""
    table = torch.arange(127.0).unsqueeze(1)
    rows = relative_positions(table, side).squeeze(-1)
    assert rows.shape == (side, side)
    assert rows[0, 0] == 63
    assert rows[side - 1, 0] == 63 + side - 1
    assert rows[0, side - 1] == 63 - (side - 1)


@pytest.mark.parametrize(("h", "w"), [(14, 14), (16, 44), (1, 15), (64, 64), (28, 3)])
def test_each_token_lies_in_one_window_beside_its_neighbours(h, w):
    """Every token of every image once, in the row and column of its window; over the edge the one place of zeros."""
    nowhere = 2 * h * w
    seen = []
    for places, (rows, columns) in windows_of(2, h, w, device=torch.device("cpu")):
        on_canvas = places[:, :rows, :columns]
        assert (on_canvas < nowhere).all()
        assert (places[:, rows:] == nowhere).all()
        assert (places[:, :, columns:] == nowhere).all()
        inside = on_canvas % (h * w)
        row, column = inside // w, inside % w
        assert torch.equal(row % 14, torch.arange(rows)[None, :, None].expand_as(row))
        assert torch.equal(column % 14, torch.arange(columns)[None, None].expand_as(column))
        seen.append(on_canvas.flatten())
    assert torch.equal(torch.cat(seen).sort().values, torch.arange(nowhere))


@torch.inference_mode()
def test_the_padding_of_windows_is_attended_to_as_in_the_published_network():
    """Zeros enter after the norm and take part in the attention: leaving them out would change every embedding."""
    torch.manual_seed(0)
    block = Block(32, 2, windowed=True)
    torch.nn.init.ones_(block.attn.qkv.bias)
    x = torch.randn(1, 4, 4, 32)
    around = functional.pad(block.norm1(x), (0, 0, 0, 10, 0, 10))  # [1, 14, 14, 32]
    block.attn.windowed = False
    as_published = block.attn(around)[:, :4, :4]
    alone = block.attn(block.norm1(x))
    block.attn.windowed = True
    assert torch.allclose(block.attn(block.norm1(x)), as_published, atol=1e-6)
    assert (as_published - alone).abs().max() > 1e-2


def random_scores(queries: tuple[int, int], grid: tuple[int, int], seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    (rows, columns), (h, w) = queries, grid

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(2, 3, *shape, generator=generator)

    keys = {"k": draw(h * w, 8), "v": draw(h * w, 8)}
    return {"q": draw(rows * columns, 8), **keys, "down": draw(rows, columns, h), "right": draw(rows, columns, w)}


def by_the_book(q, k, v, *, down, right):
    """softmax(q k / sqrt(d) + down + right) v, with all scores at once."""
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    b, heads, rows, columns, h = down.shape
    placed = scores.reshape(b, heads, rows, columns, h, -1) + down[..., :, None] + right[..., None, :]
    return placed.reshape(scores.shape).softmax(dim=-1) @ v


SHAPES = [((14, 14), (14, 14)), ((2, 14), (14, 14)), ((16, 44), (16, 44)), ((5, 3), (5, 3)), ((40, 41), (40, 41))]


@pytest.mark.parametrize("piece", [1 << 22, 40_000, 1])
@pytest.mark.parametrize(("queries", "grid"), SHAPES)
@torch.inference_mode()
def test_the_bias_in_pieces_is_the_whole_one(monkeypatch, queries, grid, piece):
    """Pieces of several images, of several heads and of a single row of queries all give the book's numbers."""
    monkeypatch.setattr(attention, "BIAS_AT_A_TIME", piece)
    given = random_scores(queries, grid)
    assert torch.allclose(in_pieces(**given), by_the_book(**given), atol=1e-5)
    assert torch.allclose(biased_attention(**given), by_the_book(**given), atol=1e-5)


@pytest.mark.parametrize(("queries", "grid"), SHAPES)
def test_the_folded_bias_is_the_whole_one_with_its_gradients(queries, grid):
    """The way of a GPU, and of training: values and the gradients of all that goes in."""
    given = {name: tensor.requires_grad_() for name, tensor in random_scores(queries, grid).items()}
    weights = torch.randn_like(given["q"])
    expected = by_the_book(**given)
    for way in (folded, biased_attention):
        out = way(**given)
        assert torch.allclose(out, expected, atol=1e-5)
        ours = torch.autograd.grad((out * weights).sum(), list(given.values()))
        theirs = torch.autograd.grad((expected * weights).sum(), list(given.values()), retain_graph=True)
        for name, a, b in zip(given, ours, theirs, strict=True):
            assert torch.allclose(a, b, atol=1e-4), name


@pytest.mark.parametrize("grid", [(16, 44), (17, 44), (64, 64), (15, 15)])
def test_fused_kernels_take_the_folded_bias(monkeypatch, grid):
    """They refuse channels that are no multiple of 8, and what is left then makes all scores at once."""
    asked = []

    def noting(q, k, v, **given):
        asked.append((q.shape[-1], k.shape[-1], v.shape[-1]))
        return attend(q, k, v, **given)

    attend = functional.scaled_dot_product_attention
    monkeypatch.setattr(functional, "scaled_dot_product_attention", noting)
    given = random_scores(grid, grid)
    assert folded(**given).shape == given["q"].shape
    ((q, k, v),) = asked
    assert q == k == v
    assert q % 8 == 0


@pytest.mark.parametrize("windowed", [True, False])
@pytest.mark.parametrize(("h", "w"), [(16, 44), (30, 31)])
def test_attention_is_the_same_with_and_without_gradients(h, w, windowed):
    """What is trained with is what is predicted with."""
    torch.manual_seed(1)
    module = Attention(24, 3, side=14 if windowed else 64, windowed=windowed)
    torch.nn.init.normal_(module.rel_pos_h)
    torch.nn.init.normal_(module.rel_pos_w)
    x = torch.randn(2, h, w, 24)
    trained = module(x)
    assert trained.requires_grad
    with torch.no_grad():
        assert torch.allclose(module(x), trained, atol=1e-5)
