"""Low-rank factors (LoRA) of an image encoder's attention come in; weights with these factors merged in go out.

The forms are those of SAMed and micro-sam: in a block, `qkv` computes W x, and its query, key and value add B A x each,
with a scale of 1. The `peft` library of Hugging Face writes the scale into another file; its files are not merged.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from sam_seismic.config.sam_sizes import SIZES
from sam_seismic.sam.weights.naming import FoundSam, Named, State

_WRAPPED = re.compile(r"(.*\.attn\.qkv)\.(?:qkv|qkv_proj)\.(weight|bias)")
"""The linear layer of SAM within the one that adds the factors."""
_FACTOR = re.compile(r"(.*\.attn\.qkv)\.(?:w_([ab])_linear|linear_([ab]))_([qkv])\.weight")
_NUMBERED = re.compile(r"w_([ab])_(\d+)")
"""Factors in a file without the encoder: of query and value of the first block, of those of the second, ..."""

Factors = Mapping[tuple[str, str], tuple[Tensor, Tensor]]
"""A [rank, width] and B [width, rank] by the name of a layer, `...attn.qkv`, and one of the letters q, k, v."""


def merged(found: FoundSam) -> FoundSam:
    """A SAM whose attention has factors, with the factors merged in; one without factors is returned as it is."""
    factors = _pairs(
        {
            (match[1], match[4], match[2] or match[3]): tensor
            for name, tensor in found.state.items()
            if (match := _FACTOR.fullmatch(name))
        }
    )
    if not factors:
        return found
    plain = {_meta_name(name): tensor for name, tensor in found.state.items() if not _FACTOR.fullmatch(name)}
    if not all(_fits(plain.get(f"{layer}.weight"), factors[layer, part]) for layer, part in factors):
        return found
    return replace(
        found,
        state=plain | _sums(plain, factors),
        names={keys: _meta_name(name) for keys, name in found.names.items()},
        lora_layers=len({layer for layer, _ in factors}),
    )


def without_encoder(tensors: list[Named]) -> tuple[str, Factors] | None:
    """Factors that a file holds in place of an image encoder, and the size of the SAM that they belong to.

    Returns:
        None if the file holds no such factors, or they do not fit any SAM.
    """
    numbered = {
        (int(match[2]), match[1]): each.tensor
        for each in tensors
        if (match := _NUMBERED.fullmatch(each.name.rpartition(".")[2]))
    }
    factors = _pairs(
        {
            (f"image_encoder.blocks.{number // 2}.attn.qkv", "qv"[number % 2], factor): tensor
            for (number, factor), tensor in numbered.items()
        }
    )
    widths = {a.shape[-1] for a, _ in factors.values()}
    for name, size in SIZES.items():
        if widths == {size.width} and len(factors) == 2 * size.depth:
            return name, factors
    return None


def with_encoder(tensors: list[Named], factors: Factors, base: State) -> list[Named] | None:
    """The tensors of a file that holds factors in place of an image encoder, with an encoder in place of the factors.

    Args:
        tensors: of the file.
        factors: those that it holds.
        base: the SAM that the factors were trained for.

    Returns:
        None if the factors do not fit.
    """
    encoder = {name: tensor for name, tensor in base.items() if name.startswith("image_encoder.")}
    if not all(_fits(encoder.get(f"{layer}.weight"), factors[layer, part]) for layer, part in factors):
        return None
    others = [each for each in tensors if not _NUMBERED.fullmatch(each.name.rpartition(".")[2])]
    encoder |= _sums(encoder, factors)
    # The encoder stands where the other parts of SAM stand, of which the file's names tell.
    place = next((each.name.partition("mask_decoder.")[0] for each in others if "mask_decoder." in each.name), "")
    return [*others, *(Named((place + name,), place + name, tensor) for name, tensor in encoder.items())]


def _meta_name(name: str) -> str:
    """The name of SAM's layer that a name belongs to, which may be of that layer, wrapped, or of one of its factors."""
    if match := _WRAPPED.fullmatch(name):
        return f"{match[1]}.{match[2]}"
    match = _FACTOR.fullmatch(name)
    return f"{match[1]}.weight" if match else name


def _pairs(factors: Mapping[tuple[str, str, str], Tensor]) -> dict[tuple[str, str], tuple[Tensor, Tensor]]:
    """A and B side by side; none of them if one of a pair is missing."""
    places = {(layer, part) for layer, part, _ in factors}
    if len(factors) != 2 * len(places):
        return {}
    return {(layer, part): (factors[layer, part, "a"], factors[layer, part, "b"]) for layer, part in sorted(places)}


def _fits(weight: Tensor | None, pair: tuple[Tensor, Tensor]) -> bool:
    """Whether factors have the shapes that a layer's weight [3 * width, width] asks for."""
    a, b = pair
    if weight is None or weight.ndim != 2 or a.ndim != 2 or b.ndim != 2 or not all(map(_is_floating, (weight, *pair))):
        return False
    width = weight.shape[1]
    return a.shape[1] == b.shape[0] == width and a.shape[0] == b.shape[1] and weight.shape[0] == 3 * width


def _is_floating(tensor: Tensor) -> bool:
    return tensor.is_floating_point()


def _sums(state: State, factors: Factors) -> dict[str, Tensor]:
    """The weights of the layers with their factors added, in float32."""
    found: dict[str, Tensor] = {}
    for (layer, part), (a, b) in factors.items():
        name = f"{layer}.weight"
        thirds = list(found.get(name, state[name].float()).chunk(3))
        third = "qkv".index(part)
        thirds[third] = thirds[third] + b.float() @ a.float()
        found[name] = torch.cat(thirds)
    return found
