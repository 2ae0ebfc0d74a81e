"""Tables of positions made for another image size come in, those of SAM's 1024 x 1024 pixels go out."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

_TABLE = "image_encoder.pos_embed"


def interpolated(
    state: Mapping[str, Tensor], shapes: Mapping[str, torch.Size]
) -> tuple[dict[str, Tensor], tuple[int, int] | None]:
    """The tensors with tables of positions as long as they are to be.

    The table of absolute positions is interpolated bicubically, as in plain vision transformers (Dosovitskiy et al.
    2021, section 3.2), and those of relative positions linearly, as by `get_rel_pos` of segment-anything. The tables of
    windows do not depend on the size of the image.

    Args:
        state: by Meta's names.
        shapes: of SAM's parameters.

    Returns:
        The tensors, and the (rows, columns) of patches of the image that the tables were made for; None where they are
        SAM's.
    """
    table, shape = state.get(_TABLE), shapes[_TABLE]
    if table is None or table.shape == shape or table.ndim != 4 or table.shape[-1] != shape[-1] or len(table) != 1:
        return dict(state), None
    rows, columns = table.shape[1:3]
    out = dict(state)
    out[_TABLE] = _absolute(table, (shape[1], shape[2]))
    for name, wanted in shapes.items():
        side = {"rel_pos_h": rows, "rel_pos_w": columns}.get(name.rpartition(".")[2])
        if side is None or name not in state or wanted[0] != 2 * shape[1] - 1:
            continue
        if state[name].shape == (2 * side - 1, wanted[1]):
            out[name] = _relative(state[name], wanted[0])
    return out, (rows, columns)


def _absolute(table: Tensor, grid: tuple[int, int]) -> Tensor:
    """float[1, rows, columns, channel] -> float[1, *grid, channel]."""
    planes = table.float().permute(0, 3, 1, 2)  # [1, channel, rows, columns]
    return functional.interpolate(planes, size=grid, mode="bicubic").permute(0, 2, 3, 1).contiguous()


def _relative(table: Tensor, length: int) -> Tensor:
    """float[distance, channel] -> float[length, channel]."""
    lines = table.float().T.unsqueeze(0)  # [1, channel, distance]
    return functional.interpolate(lines, size=length, mode="linear").squeeze(0).T.contiguous()
