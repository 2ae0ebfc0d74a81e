"""Multi-head attention of the image encoder: tokens on a grid go in, tokens that looked at each other come out.

Each score has a bias for how far its key lies below and to the right of its query (Li et al. 2022, "MViTv2", eq. 4).
For a canvas of N tokens it would take N x N numbers a head, far more than all else; here it never does:

- without gradients on the CPU it is made for a few queries at a time, in a buffer that fits the processor's cache;
- on a GPU, or with gradients, it is folded into the channels: a score is then one longer product, see `folded`.

Both are exact: they sum the same three numbers, in another order.
"""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

WINDOW = 14
"""Patches along the side of an attention window."""
BIAS_AT_A_TIME = 1 << 22
"""Numbers of the bias that are made at a time: 16 MB of float32. Measured: larger ones leave the cache."""


class Attention(nn.Module):
    """Multi-head attention with a decomposed relative position as bias, over the whole canvas or within windows.

    Args:
        width: channels of a token.
        heads: attention heads.
        side: the longest side, in tokens, that its tables of relative positions reach over.
        windowed: whether it attends within windows.
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
        # SAM fills the last windows up with zeros, which are attended to like tokens. One zero serves for all of them.
        tokens = self.qkv(functional.pad(x.reshape(-1, c), (0, 0, 0, 1)))  # [B * h * w + 1, 3 * C]
        attended, order = [], []
        for places, queries in windows_of(b, h, w, device=x.device):
            windows = tokens.index_select(0, places.flatten()).view(*places.shape, -1)  # [windows, 14, 14, 3 * C]
            attended.append(self._attend(windows, queries).flatten(0, 2))  # [some of B * h * w, C]
            order.append(places[:, : queries[0], : queries[1]].flatten())
        back = torch.cat(order).argsort()
        out: Tensor = self.proj(torch.cat(attended).index_select(0, back))  # [B * h * w, C]
        return out.view(b, h, w, c)  # [B, h, w, C]

    def _attend(self, qkv: Tensor, queries: Sequence[int]) -> Tensor:
        """All keys, and the queries in the first rows and columns of them.

        Args:
            qkv: float[B, h, w, 3 * C].
            queries: (rows, columns) that ask; all others are only asked.

        Returns:
            float[B, rows, columns, C].
        """
        b, h, w, width = qkv.shape
        rows, columns = queries
        q, k, v = qkv.view(b, h, w, 3, self.heads, -1).unbind(3)  # [B, h, w, heads, d] each
        q = q[:, :rows, :columns].permute(0, 3, 1, 2, 4)  # [B, heads, rows, columns, d]
        down = torch.einsum("bnhwd,hkd->bnhwk", q, relative_positions(self.rel_pos_h, h)[:rows])
        right = torch.einsum("bnhwd,wkd->bnhwk", q, relative_positions(self.rel_pos_w, w)[:columns])
        q = q.flatten(2, 3)  # [B, heads, rows * columns, d]
        k, v = (each.flatten(1, 2).transpose(1, 2) for each in (k, v))  # [B, heads, h * w, d]
        attended = biased_attention(q, k, v, down=down, right=right)  # [B, heads, rows * columns, d]
        return attended.transpose(1, 2).reshape(b, rows, columns, width // 3)


def relative_positions(table: Tensor, side: int) -> Tensor:
    """The row of a table of relative positions for each query and key along one axis.

    The table is cropped around its centre, never interpolated: two tokens so many patches apart look up the same row
    whatever the canvas.

    Args:
        table: float[2 * longest - 1, d]; its centre is the distance 0.
        side: tokens along the axis, at most `longest`.

    Returns:
        float[query, key, d].
    """
    steps = torch.arange(side, device=table.device)
    return table[steps[:, None] - steps[None, :] + len(table) // 2]  # [side, side, d]


def windows_of(b: int, h: int, w: int, *, device: torch.device) -> list[tuple[Tensor, tuple[int, int]]]:
    """The windows of a canvas, grouped by how much of them lies on it: whole ones, and those that reach over an edge.

    Returns:
        For each group int64[windows, 14, 14], the position of each place's token among all B * h * w, or B * h * w over
        the edge; and the (rows, columns) of places that lie on the canvas.
    """
    edge = (0, -w % WINDOW, 0, -h % WINDOW)
    tokens = torch.arange(b * h * w, device=device).reshape(b, h, w)
    places = functional.pad(tokens, edge, value=b * h * w)  # [B, rows of windows * 14, columns of windows * 14]
    places = places.view(b, -(-h // WINDOW), WINDOW, -1, WINDOW).transpose(2, 3)  # [B, rows, columns, 14, 14]
    parts = [
        (places[:, rows, columns].flatten(0, 2), (height, width))  # [windows, 14, 14]
        for rows, height in ((slice(h // WINDOW), WINDOW), (slice(h // WINDOW, None), h % WINDOW))
        for columns, width in ((slice(w // WINDOW), WINDOW), (slice(w // WINDOW, None), w % WINDOW))
    ]
    return [(windows, shown) for windows, shown in parts if len(windows)]


def biased_attention(q: Tensor, k: Tensor, v: Tensor, *, down: Tensor, right: Tensor) -> Tensor:
    """Attention with a bias for where a key lies.

    Args:
        q: float[B, heads, rows * columns, d].
        k, v: float[B, heads, h * w, d].
        down: float[B, heads, rows, columns, h], what a query adds for the row of a key.
        right: float[B, heads, rows, columns, w], the same for its column.

    Returns:
        float[B, heads, rows * columns, d].
    """
    if torch.is_grad_enabled() or q.is_cuda:
        windows = k.shape[2] <= WINDOW * WINDOW  # so few that folding would cost more than the bias itself
        return whole(q, k, v, down=down, right=right) if windows else folded(q, k, v, down=down, right=right)
    return in_pieces(q, k, v, down=down, right=right)


def whole(q: Tensor, k: Tensor, v: Tensor, *, down: Tensor, right: Tensor) -> Tensor:
    """As `biased_attention`, with all of the bias at once."""
    bias = (down.unsqueeze(-1) + right.unsqueeze(-2)).flatten(4, 5).flatten(2, 3)  # [B, heads, queries, keys]
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))


def folded(q: Tensor, k: Tensor, v: Tensor, *, down: Tensor, right: Tensor) -> Tensor:
    """As `biased_attention`, with the bias folded into the channels.

    A query gets its h + w numbers as further channels, a key a one where its own row and column stand: their product
    picks the two numbers. No bias is made, and none is kept for the backward pass.
    """
    d = q.shape[-1]
    places = key_places(down.shape[-1], right.shape[-1], like=q)  # [h*w, h + w]
    # Without a fused kernel all scores would be made at once; these want a multiple of 8 channels.
    spare = -(d + places.shape[1]) % 8
    queries = torch.cat(
        [q * d**-0.5, down.flatten(2, 3), right.flatten(2, 3)], dim=-1
    )  # [B, heads, queries, d + h + w]
    keys = torch.cat([k, places.expand(*k.shape[:2], -1, -1)], dim=-1)  # [B, heads, h*w, d + h + w]
    queries, keys = (functional.pad(each, (0, spare)) for each in (queries, keys))
    values = functional.pad(v, (0, places.shape[1] + spare))  # as many channels: fused kernels want that too
    return functional.scaled_dot_product_attention(queries, keys, values, scale=1.0)[..., :d]


def key_places(h: int, w: int, *, like: Tensor) -> Tensor:
    """A one for the row of each key and a one for its column, float[h*w, h + w]; the rest is zeros."""
    rows = torch.eye(h, dtype=like.dtype, device=like.device).repeat_interleave(w, dim=0)  # [h*w, h]
    columns = torch.eye(w, dtype=like.dtype, device=like.device).repeat(h, 1)  # [h*w, w]
    return torch.cat([rows, columns], dim=1)


def in_pieces(q: Tensor, k: Tensor, v: Tensor, *, down: Tensor, right: Tensor) -> Tensor:
    """As `biased_attention`, with the bias made in one small buffer for some heads, or some queries, at a time.

    It cannot be differentiated.
    """
    b, heads, rows, columns, h = down.shape
    w, keys = right.shape[-1], k.shape[2]
    a_head = rows * columns * keys
    images = max(1, BIAS_AT_A_TIME // (heads * a_head))  # or windows
    some_heads = max(1, min(heads, BIAS_AT_A_TIME // a_head))
    some_rows = max(1, min(rows, BIAS_AT_A_TIME // (columns * keys)))
    buffer = torch.empty(min(b, images) * some_heads * some_rows * columns * keys, dtype=q.dtype, device=q.device)
    # A product with ones picks the same two numbers; matrix units do it faster than short rows are added.
    as_product = q.dtype != torch.float32 or h + w <= 64
    places = key_places(h, w, like=q).T if as_product else None  # [h + w, keys]
    out = torch.empty((b, rows * columns, heads, q.shape[-1]), dtype=q.dtype, device=q.device).transpose(1, 2)
    for image, head, row in product(_steps(b, images), _steps(heads, some_heads), _steps(rows, some_rows)):
        below, beside = down[image, head, row], right[image, head, row]  # [images, heads, rows, columns, h or w]
        queries = slice(row.start * columns, row.stop * columns)
        count = below[..., 0].numel()
        bias = buffer[: count * keys]
        if places is not None:
            torch.mm(torch.cat([below, beside], dim=-1).view(count, -1), places, out=bias.view(count, keys))
        else:
            torch.add(below.unsqueeze(-1), beside.unsqueeze(-2), out=bias.view(*below.shape, w))
        bias = bias.view(*below.shape[:2], -1, keys)  # [images, heads, queries, keys]
        out[image, head, queries] = functional.scaled_dot_product_attention(
            q[image, head, queries], k[image, head], v[image, head], attn_mask=bias
        )
    return out


def _steps(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
