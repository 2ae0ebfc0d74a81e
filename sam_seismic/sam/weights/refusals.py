"""Reasons why a weights file cannot be loaded, as errors that say what the file is and which one to give."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from sam_seismic.config.sam_sizes import SIZES
from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights.naming import FoundSam, Named, State
from sam_seismic.sam.weights.other_networks import other_network, recognised

_SHOWN = 3
_OWN_KEY = "sam_seismic"
"""What a checkpoint of `sam-seismic train` has beside its weights."""
_USABLE = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_GET_ONE = "sam-seismic weights fetch vit_b gets a published one"


def refuse_own_checkpoint(path: Path, plain: object) -> None:
    """Refuse a checkpoint of this program: its class head is none of SAM's parts."""
    if isinstance(plain, dict) and _OWN_KEY in plain:
        raise WeightsError(
            problem=f"{path}: a checkpoint of sam-seismic train, whose class head is not SAM's",
            fix=f"--set model.init_from={shlex.quote(str(path))} --set model.weights=null starts a training from it",
        )


def size_of(path: Path, found: FoundSam) -> str:
    """The size of a SAM, by the width and the depth of its image encoder."""
    state = found.state
    wide = state.get("image_encoder.patch_embed.proj.bias", state.get("image_encoder.pos_embed"))
    width = 0 if wide is None or not wide.ndim else wide.shape[-1]
    depth = len({name.split(".")[2] for name in state if name.startswith("image_encoder.blocks.")})
    for name, size in SIZES.items():
        if (size.width, size.depth) == (width, depth):
            return name
    known = ", ".join(f"{name} {size.width} x {size.depth}" for name, size in SIZES.items())
    other = recognised(state)
    what = f"{other}; " if other else ""
    raise WeightsError(
        problem=f"{path}: {what}its image encoder has a width of {width} and {depth} blocks, SAM's have {known}",
        fix=f"give the weights of a SAM of one of these sizes: {_GET_ONE}",
    )


def check_asked(path: Path, held: str, asked: str | None) -> None:
    """Refuse a SAM of another size than the configuration asks for."""
    if asked not in (None, held):
        raise WeightsError(
            problem=f"{path}: holds {held}, but {asked} was asked for",
            fix=f"set model.size: {held}, or choose the weights of {asked}",
        )


def check_fit(
    path: Path, state: State, *, shapes: Mapping[str, torch.Size], missing: tuple[str, ...], tensors: list[Named]
) -> None:
    """Refuse incomplete parts, other shapes, and tensors that are not floating point of 16 bits or more."""
    lacking = [name for name in shapes if name not in state and not name.startswith(missing)]
    problems = [
        _listing("missing", lacking),
        _listing(
            "of another shape",
            [
                f"{name} {list(tensor.shape)} instead of {list(shapes[name])}"
                for name, tensor in state.items()
                if tensor.shape != shapes[name]
            ],
        ),
        _listing(
            "of integers or floats of 8 bits, as quantisation makes them",
            [name for name, tensor in state.items() if tensor.dtype not in _USABLE or tensor.layout != torch.strided],
        ),
    ]
    if any(problems):
        other = recognised({each.name: each.tensor for each in tensors})
        what = f" alone, but with {other}" if other else ""
        raise WeightsError(
            problem=f"{path}: not the weights of a SAM{what}\n" + "\n".join(filter(None, problems)),
            fix=f"give the weights of a SAM of Meta's architecture: {_GET_ONE}",
        )


def check_finite(path: Path, state: State) -> None:
    """Refuse NaN and infinite values."""
    for name, tensor in state.items():
        # The sum is finite only if all values are; unlike `isfinite`, it takes no memory.
        if tensor.sum(dtype=torch.float32).isfinite():
            continue
        if count := int((~tensor.float().isfinite()).sum()):
            raise WeightsError(
                problem=f"{path}: {count:,} of {tensor.numel():,} values of {name} are NaN or infinite",
                fix="give weights from before that training diverged, or copy the file again",
            )


def not_a_sam(path: Path, tensors: list[Named]) -> WeightsError:
    """The error for a file in which no image encoder of a SAM was found."""
    what = other_network({each.name: each.tensor for each in tensors})
    return WeightsError(
        problem=f"{path}: holds no SAM with its ViT encoder, but {what}",
        fix=f"give the weights of a SAM of Meta's architecture, vit_b, vit_l or vit_h: {_GET_ONE}",
    )


def _listing(what: str, names: Sequence[str]) -> str:
    """`  2 missing: a, b`, the first few only."""
    if not names:
        return ""
    return f"  {len(names)} {what}: {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
