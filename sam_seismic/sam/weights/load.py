"""Loading of weights: a file and a SAM go in; the SAM gets the weights, or an error names the problem.

`read_weights` alone decides what a file is and what is loaded from it: `weights verify`, `inspect` and `submit` report
its result, and `build_sam` loads it.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from sam_seismic.config.sam_sizes import SIZES
from sam_seismic.errors import WeightsError
from sam_seismic.sam.model import Sam
from sam_seismic.sam.weights.content import WeightsContent, type_words
from sam_seismic.sam.weights.naming import FoundSam, Named, State, find_sams, left_out, tensors_of
from sam_seismic.sam.weights.official import OFFICIAL, file_hash, weights_folder
from sam_seismic.sam.weights.other_networks import other_network, recognised
from sam_seismic.sam.weights.plain import read_plain
from sam_seismic.sam.weights.positions import interpolated
from sam_seismic.sam.weights.saving import saving_one

_SHOWN = 3
_OPTIONAL = ("prompt_encoder", "mask_decoder")
"""Parts that a file may lack, but only as a whole."""
_OWN_KEY = "sam_seismic"
"""What a checkpoint of `sam-seismic train` has beside its weights."""
_USABLE = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
_GET_ONE = "sam-seismic weights fetch vit_b gets a published one"


@dataclass(frozen=True)
class Weights:
    """The weights that are loaded into a SAM.

    Args:
        content: description of the file.
        state: tensors by Meta's names, memory-mapped if possible; parts that start from random weights are absent.
    """

    content: WeightsContent
    state: State


@dataclass(frozen=True)
class Verified:
    """The result of `verify`.

    Args:
        content: description of the file.
        sha256: hash of the file, 64 hex digits.
        official: whether the file is identical to a published one.
    """

    content: WeightsContent
    sha256: str
    official: bool

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "path": str(self.content.path),
            **self.content.as_dict(),
            "sha256": self.sha256,
            "official": self.official,
        }


def verify(path: Path) -> Verified:
    """Find which SAM is in a file, and whether the file is a published one.

    Raises:
        WeightsError: the file cannot be used; `train` raises the same error.
    """
    content = read_weights(path).content
    sha256 = file_hash(path)
    return Verified(content, sha256, official=sha256 in {weights.sha256 for weights in OFFICIAL.values()})


def load_weights(sam: Sam, path: Path) -> WeightsContent:
    """Load a file into a SAM; parts that are not in the file stay as they are.

    Args:
        sam: the network, modified in place.
        path: the file.

    Raises:
        WeightsError: see `read_weights`.
    """
    weights = read_weights(path, sam.size)
    fill(sam, weights)
    return weights.content


def fill(sam: Sam, weights: Weights) -> None:
    """Load weights into a SAM of their size."""
    found = sam.load_state_dict(weights.state, strict=False)
    missing = weights.content.missing if weights.content.has_random_parts else ()
    assert all(name.startswith(missing) for name in found.missing_keys), found.missing_keys
    assert not found.unexpected_keys, found.unexpected_keys


def read_weights(path: Path, size: str | None = None, *, values: bool = True) -> Weights:
    """The weights of the SAM in a file; code in the file is not executed.

    Args:
        path: the file, in any of the forms that docs/weights.md lists.
        size: required size of the SAM; None for any.
        values: whether to check that all values are finite, which reads the whole file.

    Raises:
        WeightsError: the file is missing, damaged or unsafe; it holds no SAM or another one; a number is not finite.
    """
    plain = read_plain(path)
    _refuse_own_checkpoint(path, plain)
    tensors = tensors_of(plain)
    found = _only_sam(path, tensors)
    held = _size_of(path, found)
    _check_asked(path, held, size)
    shapes = shapes_of(held)
    kept = {name: tensor for name, tensor in found.state.items() if name in shapes}
    state, grid = interpolated(kept, shapes)
    missing = tuple(part for part in _OPTIONAL if not any(name.startswith(part) for name in state))
    _check_fit(path, state, shapes=shapes, missing=missing, tensors=tensors)
    if values:
        _check_finite(path, state)
    filled, missing_from = _filled(held, missing, path, values=values)
    content = WeightsContent(
        path=path,
        size=held,
        names=found.scheme,
        place=found.place,
        left_out=left_out(tensors, {keys for keys, name in found.names.items() if name in shapes}),
        missing=missing,
        missing_from=missing_from,
        grid=grid,
        precision=type_words([str(tensor.dtype).removeprefix("torch.") for tensor in kept.values()]),
    )
    return Weights(content, {**state, **filled})


@cache
def shapes_of(size: str) -> Mapping[str, torch.Size]:
    """Names and shapes of the parameters of a SAM."""
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in Sam(size, random=False).state_dict().items()}


def _refuse_own_checkpoint(path: Path, plain: object) -> None:
    if isinstance(plain, dict) and _OWN_KEY in plain:
        raise WeightsError(
            problem=f"{path}: a checkpoint of sam-seismic train, whose class head is not SAM's",
            fix=f"--set model.init_from={shlex.quote(str(path))} --set model.weights=null starts a training from it",
        )


def _only_sam(path: Path, tensors: list[Named]) -> FoundSam:
    """The one SAM among the tensors of a file."""
    if not tensors:
        raise WeightsError(
            problem=f"{path}: holds no state dict, a mapping of names to tensors",
            fix="save one: torch.save(sam.state_dict(), FILE)",
        )
    found = find_sams(tensors)
    if not found:
        raise _not_a_sam(path, tensors)
    if len(found) > 1:
        raise WeightsError(
            problem=f"{path}: holds weights of a SAM under each of {' and '.join(each.place for each in found)}",
            fix=f"save the one that you mean: {saving_one(path, found)}",
        )
    return found[0]


def _not_a_sam(path: Path, tensors: list[Named]) -> WeightsError:
    what = other_network({each.name: each.tensor for each in tensors})
    return WeightsError(
        problem=f"{path}: holds no SAM with its ViT encoder, but {what}",
        fix=f"give the weights of a SAM of Meta's architecture, vit_b, vit_l or vit_h: {_GET_ONE}",
    )


def _size_of(path: Path, found: FoundSam) -> str:
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


def _check_asked(path: Path, held: str, asked: str | None) -> None:
    if asked not in (None, held):
        raise WeightsError(
            problem=f"{path}: holds {held}, but {asked} was asked for",
            fix=f"set model.size: {held}, or choose the weights of {asked}",
        )


def _check_fit(
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


def _check_finite(path: Path, state: State) -> None:
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


def _filled(size: str, missing: Sequence[str], path: Path, *, values: bool) -> tuple[dict[str, Tensor], Path | None]:
    """The parts that a file lacks, from the official file of the size where it is in the weights folder."""
    if not missing or size not in OFFICIAL:
        return {}, None
    official = weights_folder() / OFFICIAL[size].file
    if not official.is_file() or official.samefile(path):
        return {}, None
    state = read_weights(official, size, values=values).state
    return {name: tensor for name, tensor in state.items() if name.startswith(tuple(missing))}, official


def _listing(what: str, names: Sequence[str]) -> str:
    """`  2 missing: a, b`, the first few only."""
    if not names:
        return ""
    return f"  {len(names)} {what}: {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
