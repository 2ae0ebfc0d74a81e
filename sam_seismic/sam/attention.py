"""Multi-head attention of the image encoder: tokens float[B, h, w, C] go in, attended tokens of that shape come out.

Each score has a bias that depends on the row and column distance of key and query (decomposed relative positions: Li et
al. 2022, "MViTv2", eq. 4). For N tokens the bias has N x N numbers per head, far more than all other tensors. It is
never stored as a whole for attention over the canvas:

- without gradients on the CPU, it is computed for a few queries at a time, in a buffer that fits the CPU cache;
- on a GPU, or with gradients, it is computed by additional channels of queries and keys, see `folded_bias_attention`.

Both are exact: they add the same three numbers in another order.
"""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

WINDOW = 14
"""Patches along the side of an attention window."""
BIAS_CHUNK_SIZE = 1 << 22
"""Bias values computed at a time: 16 MB of float32. Measured: larger chunks do not fit the CPU cache."""


class Attention(nn.Module):
    """Multi-head attention with decomposed relative positions, over the whole canvas or within windows.

    Sources: Li et al. 2022, "MViTv2", eq. 4 (relative positions); Li et al. 2022, "Exploring Plain Vision Transformer
    Backbones for Object Detection" (windows).

    Args:
        width: channels of a token.
        heads: number of attention heads.
        side: longest side of the token grid, in tokens, for which the tables of relative positions have rows.
        windowed: whether attention is limited to windows.
    """

    def __init__(self, width: int, heads: int, *, side: int, windowed: bool = False) -> None:
        super().__init__()
        assert width % heads == 0, f"{width} channels cannot be shared by {heads} heads"
        self.heads = heads
        self.windowed = windowed
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * side - 1, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * side - 1, width // heads))

    def forward(self, x: Tensor) -> Tensor:
        """float[B, h, w, C] -> float[B, h, w, C]."""
        if not self.windowed:
            whole_canvas: Tensor = self.proj(self._attend(self.qkv(x), x.shape[1:3]))
            return whole_canvas
        b, h, w, c = x.shape
        # SAM pads the last windows with zeros, which are keys like any token. All of them share one row of zeros.
        tokens = self.qkv(functional.pad(x.reshape(-1, c), (0, 0, 0, 1)))  # [B * h * w + 1, 3 * C]
        attended, order = [], []
        for indices, queries in window_indices(b, h, w, device=x.device):
            windows = tokens.index_select(0, indices.flatten()).view(*indices.shape, -1)  # [windows, 14, 14, 3 * C]
            attended.append(self._attend(windows, queries).flatten(0, 2))  # [windows * rows * columns, C]
            order.append(indices[:, : queries[0], : queries[1]].flatten())  # [windows * rows * columns]
        inverse = torch.cat(order).argsort()  # [B * h * w]
        out: Tensor = self.proj(torch.cat(attended).index_select(0, inverse))  # [B * h * w, C]
        return out.view(b, h, w, c)  # [B, h, w, C]

    def _attend(self, qkv: Tensor, queries: Sequence[int]) -> Tensor:
        """Attention of the first rows and columns of tokens (queries) to all tokens (keys and values).

        Args:
            qkv: float[B, h, w, 3 * C].
            queries: (rows, columns) of the queries.

        Returns:
            float[B, rows, columns, C].
        """
        b, h, w, width = qkv.shape
        rows, columns = queries
        q, k, v = qkv.view(b, h, w, 3, self.heads, -1).unbind(3)  # [B, h, w, heads, d] each
        q = q[:, :rows, :columns].permute(0, 3, 1, 2, 4)  # [B, heads, rows, columns, d]
        row_bias = torch.einsum("bnhwd,hkd->bnhwk", q, relative_positions(self.rel_pos_h, h)[:rows])
        column_bias = torch.einsum("bnhwd,wkd->bnhwk", q, relative_positions(self.rel_pos_w, w)[:columns])
        q = q.flatten(2, 3)  # [B, heads, rows * columns, d]
        k, v = (each.flatten(1, 2).transpose(1, 2) for each in (k, v))  # [B, heads, h * w, d]
        attended = biased_attention(q, k, v, row_bias=row_bias, column_bias=column_bias)  # [B, heads, queries, d]
        return attended.transpose(1, 2).reshape(b, rows, columns, width // 3)  # [B, rows, columns, C]


def relative_positions(table: Tensor, side: int) -> Tensor:
    """The relative position of each query and key along one axis: R^h or R^w of "MViTv2", eq. 4.

    The table is cropped around its centre, never interpolated: a given distance in patches reads the same row for every
    canvas size.

    Args:
        table: float[2 * longest - 1, d]; the row in its centre is for distance 0.
        side: tokens along the axis, at most `longest`.

    Returns:
        float[query, key, d].
    """
    steps = torch.arange(side, device=table.device)
    return table[steps[:, None] - steps[None, :] + len(table) // 2]  # [side, side, d]


def window_indices(b: int, h: int, w: int, *, device: torch.device) -> list[tuple[Tensor, tuple[int, int]]]:
    """Token indices of the windows of a canvas, grouped by their size on it: whole windows, and those cut by an edge.

    Returns:
        For each group int64[windows, 14, 14], the index of each token among all B * h * w tokens, or B * h * w for
        padding; and the (rows, columns) of each window that are on the canvas.
    """
    padding = (0, -w % WINDOW, 0, -h % WINDOW)
    tokens = torch.arange(b * h * w, device=device).reshape(b, h, w)  # [B, h, w]
    indices = functional.pad(tokens, padding, value=b * h * w)  # [B, rows of windows * 14, columns of windows * 14]
    indices = indices.view(b, -(-h // WINDOW), WINDOW, -1, WINDOW).transpose(2, 3)  # [B, rows, columns, 14, 14]
    groups = [
        (indices[:, rows, columns].flatten(0, 2), (height, width))  # [windows, 14, 14]
        for rows, height in ((slice(h // WINDOW), WINDOW), (slice(h // WINDOW, None), h % WINDOW))
        for columns, width in ((slice(w // WINDOW), WINDOW), (slice(w // WINDOW, None), w % WINDOW))
    ]
    return [(windows, size) for windows, size in groups if len(windows)]


def biased_attention(q: Tensor, k: Tensor, v: Tensor, *, row_bias: Tensor, column_bias: Tensor) -> Tensor:
    """softmax(q k / sqrt(d) + row_bias + column_bias) v, with the decomposed bias of "MViTv2", eq. 4.

    Args:
        q: float[B, heads, rows * columns, d].
        k, v: float[B, heads, h * w, d].
        row_bias: float[B, heads, rows, columns, h], bias of a query's score for each row of keys.
        column_bias: float[B, heads, rows, columns, w], bias for each column of keys.

    Returns:
        float[B, heads, rows * columns, d].
    """
    if torch.is_grad_enabled() or q.is_cuda:
        is_window = k.shape[2] <= WINDOW * WINDOW  # so few keys that folding costs more than the bias itself
        attention = full_bias_attention if is_window else folded_bias_attention
    else:
        attention = chunked_bias_attention
    return attention(q, k, v, row_bias=row_bias, column_bias=column_bias)


def full_bias_attention(q: Tensor, k: Tensor, v: Tensor, *, row_bias: Tensor, column_bias: Tensor) -> Tensor:
    """`biased_attention` with the whole bias in memory."""
    bias = (row_bias.unsqueeze(-1) + column_bias.unsqueeze(-2)).flatten(4, 5).flatten(2, 3)  # [B, heads, queries, keys]
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))


def folded_bias_attention(q: Tensor, k: Tensor, v: Tensor, *, row_bias: Tensor, column_bias: Tensor) -> Tensor:
    """`biased_attention` with the bias folded into the channels.

    Queries get their h + w bias values as additional channels, and keys the one-hot code of their row and column. Their
    product adds the two bias values to the score, and the backward pass needs no stored bias.
    """
    d = q.shape[-1]
    one_hot = one_hot_positions(row_bias.shape[-1], column_bias.shape[-1], like=q)  # [h*w, h + w]
    # Fused kernels need a multiple of 8 channels; without one, all scores would be in memory at once.
    spare = -(d + one_hot.shape[1]) % 8
    queries = torch.cat(
        [q * d**-0.5, row_bias.flatten(2, 3), column_bias.flatten(2, 3)], dim=-1
    )  # [B, heads, queries, d + h + w]
    keys = torch.cat([k, one_hot.expand(*k.shape[:2], -1, -1)], dim=-1)  # [B, heads, h*w, d + h + w]
    queries, keys = (functional.pad(each, (0, spare)) for each in (queries, keys))
    values = functional.pad(v, (0, one_hot.shape[1] + spare))  # fused kernels need equally many channels
    return functional.scaled_dot_product_attention(queries, keys, values, scale=1.0)[..., :d]


def one_hot_positions(h: int, w: int, *, like: Tensor) -> Tensor:
    """One-hot codes of the row and of the column of each key, float[h*w, h + w], in dtype and on device of `like`."""
    rows = torch.eye(h, dtype=like.dtype, device=like.device).repeat_interleave(w, dim=0)  # [h*w, h]
    columns = torch.eye(w, dtype=like.dtype, device=like.device).repeat(h, 1)  # [h*w, w]
    return torch.cat([rows, columns], dim=1)  # [h*w, h + w]


def chunked_bias_attention(q: Tensor, k: Tensor, v: Tensor, *, row_bias: Tensor, column_bias: Tensor) -> Tensor:
    """`biased_attention` with the bias of a few images, heads or query rows at a time, in one small buffer.

    It has no gradient.
    """
    b, heads, rows, columns, h = row_bias.shape
    w, keys = column_bias.shape[-1], k.shape[2]
    head_size = rows * columns * keys
    chunk_images = max(1, BIAS_CHUNK_SIZE // (heads * head_size))  # or windows
    chunk_heads = max(1, min(heads, BIAS_CHUNK_SIZE // head_size))
    chunk_rows = max(1, min(rows, BIAS_CHUNK_SIZE // (columns * keys)))
    buffer_size = min(b, chunk_images) * chunk_heads * chunk_rows * columns * keys
    buffer = torch.empty(buffer_size, dtype=q.dtype, device=q.device)
    # A product with one-hot codes gives the same sums; matrix units are faster at it than at adding short rows.
    as_product = q.dtype != torch.float32 or h + w <= 64
    one_hot = one_hot_positions(h, w, like=q).T if as_product else None  # [h + w, keys]
    shape = (b, rows * columns, heads, q.shape[-1])
    out = torch.empty(shape, dtype=q.dtype, device=q.device).transpose(1, 2)  # [B, heads, rows * columns, d]
    for image, head, row in product(_chunks(b, chunk_images), _chunks(heads, chunk_heads), _chunks(rows, chunk_rows)):
        by_row = row_bias[image, head, row]  # [images, heads, rows, columns, h]
        by_column = column_bias[image, head, row]  # [images, heads, rows, columns, w]
        queries = slice(row.start * columns, row.stop * columns)
        count = by_row[..., 0].numel()
        bias = buffer[: count * keys]
        if one_hot is not None:
            torch.mm(torch.cat([by_row, by_column], dim=-1).view(count, -1), one_hot, out=bias.view(count, keys))
        else:
            torch.add(by_row.unsqueeze(-1), by_column.unsqueeze(-2), out=bias.view(*by_row.shape, w))
        bias = bias.view(*by_row.shape[:2], -1, keys)  # [images, heads, queries, keys]
        out[image, head, queries] = functional.scaled_dot_product_attention(
            q[image, head, queries], k[image, head], v[image, head], attn_mask=bias
        )
    return out


def _chunks(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
