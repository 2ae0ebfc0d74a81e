"""Loading of weights: a file and a SAM go in; the SAM gets the weights, or an error names the problem.

`read_weights` alone decides what a file is and what is loaded from it: `weights verify`, `inspect` and `submit` report
its result, and `build_sam` loads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from sam_seismic.config.sam_sizes import SIZES
from sam_seismic.errors import WeightsError
from sam_seismic.sam.mask_decoder import MASKS
from sam_seismic.sam.model import Sam
from sam_seismic.sam.weights import lora, refusals
from sam_seismic.sam.weights.content import WeightsContent, type_words
from sam_seismic.sam.weights.naming import FoundSam, Named, State, find_sams, left_out, tensors_of
from sam_seismic.sam.weights.official import OFFICIAL, file_hash, weights_folder
from sam_seismic.sam.weights.plain import read_plain
from sam_seismic.sam.weights.positions import interpolated
from sam_seismic.sam.weights.saving import saving_one

_DECODER = "mask_decoder"
_MASK_LAYERS = "mask_decoder.output_hypernetworks_mlps."
"""Of the decoder, a network for each mask."""
_OPTIONAL = ("prompt_encoder", _DECODER)
"""Parts that a file may lack, but only as a whole."""


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
    refusals.refuse_own_checkpoint(path, plain)
    tensors, base = _with_encoder(path, tensors_of(plain), values=values)
    found = lora.merged(_only_sam(path, tensors))
    held = refusals.size_of(path, found)
    refusals.check_asked(path, held, size)
    shapes = shapes_of(held)
    kept = {name: tensor for name, tensor in found.state.items() if name in shapes}
    other_masks = _count_of_other_masks(found.state)
    if other_masks is not None:
        kept = {name: tensor for name, tensor in kept.items() if not name.startswith(_DECODER)}
    state, grid = interpolated(kept, shapes)
    missing = tuple(part for part in _OPTIONAL if not any(name.startswith(part) for name in state))
    refusals.check_fit(path, state, shapes=shapes, missing=missing, tensors=tensors)
    if values:
        refusals.check_finite(path, state)
    filled, missing_from = _filled(held, missing, path, values=values)
    content = WeightsContent(
        path=path,
        size=held,
        names=found.scheme,
        place=found.place,
        left_out=left_out(tensors, _recognised(found, shapes)),
        missing=missing,
        missing_from=missing_from,
        other_masks=other_masks,
        lora_layers=found.lora_layers if base is None else SIZES[held].depth,
        lora_base=base,
        grid=grid,
        precision=type_words([str(tensor.dtype).removeprefix("torch.") for tensor in kept.values()]),
    )
    return Weights(content, {**state, **filled})


@cache
def shapes_of(size: str) -> Mapping[str, torch.Size]:
    """Names and shapes of the parameters of a SAM."""
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in Sam(size, random=False).state_dict().items()}


def _with_encoder(path: Path, tensors: list[Named], *, values: bool) -> tuple[list[Named], Path | None]:
    """The tensors of a file; where it holds low-rank factors in place of an encoder, with the official encoder.

    Returns:
        The tensors, and the official file, None if it was not needed.

    Raises:
        WeightsError: the official file is needed and is not in the weights folder, or cannot be used.
    """
    alone = lora.without_encoder(tensors)
    if alone is None:
        return tensors, None
    size, factors = alone
    if size not in OFFICIAL or not (official := weights_folder() / OFFICIAL[size].file).is_file():
        fetch = f"sam-seismic weights fetch {size} gets it; or " if size in OFFICIAL else ""
        raise WeightsError(
            problem=f"{path}: a LoRA for the image encoder of {size}, without that encoder",
            fix=f"{fetch}merge them with the program that wrote the LoRA",
        )
    found = lora.with_encoder(tensors, factors, read_weights(official, size, values=values).state)
    return (tensors, None) if found is None else (found, official)


def _count_of_other_masks(state: State) -> int | None:
    """The number of masks of a whole decoder that was made for more or fewer than SAM's 4; None if it has SAM's."""
    tokens = state.get(f"{_DECODER}.mask_tokens.weight")
    layers = {name.removeprefix(_MASK_LAYERS).partition(".")[0] for name in state if name.startswith(_MASK_LAYERS)}
    if tokens is None or tokens.ndim != 2 or len(tokens) == MASKS or len(tokens) != len(layers):
        return None
    return len(tokens)


def _recognised(found: FoundSam, shapes: Mapping[str, torch.Size]) -> set[tuple[str, ...]]:
    """Keys of the tensors that belong to a SAM, of a decoder for another number of masks also."""
    return {keys for keys, name in found.names.items() if name in shapes or name.startswith(_MASK_LAYERS)}


def _only_sam(path: Path, tensors: list[Named]) -> FoundSam:
    """The one SAM among the tensors of a file."""
    if not tensors:
        raise WeightsError(
            problem=f"{path}: holds no state dict, a mapping of names to tensors",
            fix="save one: torch.save(sam.state_dict(), FILE)",
        )
    found = find_sams(tensors)
    if not found:
        raise refusals.not_a_sam(path, tensors)
    if len(found) > 1:
        raise WeightsError(
            problem=f"{path}: holds weights of a SAM under each of {' and '.join(each.place for each in found)}",
            fix=f"save the one that you mean: {saving_one(path, found)}",
        )
    return found[0]


def _filled(size: str, missing: Sequence[str], path: Path, *, values: bool) -> tuple[dict[str, Tensor], Path | None]:
    """The parts that a file lacks, from the official file of the size where it is in the weights folder."""
    if not missing or size not in OFFICIAL:
        return {}, None
    official = weights_folder() / OFFICIAL[size].file
    if not official.is_file() or official.samefile(path):
        return {}, None
    state = read_weights(official, size, values=values).state
    return {name: tensor for name, tensor in state.items() if name.startswith(tuple(missing))}, official
