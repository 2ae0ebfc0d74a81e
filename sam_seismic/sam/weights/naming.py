"""What a weights file holds comes in; the tensors of the SAM in it, under Meta's names, go out.

Training scripts keep a network under keys such as `model_state`, and those that wrap it put `module.`, `model.`, `sam.`
or `_orig_mod.` before or into its names. None of these is listed here: a SAM is where an image encoder is, whatever
stands before it, and its decoder is beside it.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from torch import Tensor

from sam_seismic.sam.weights.transformers_names import meta_name

State = Mapping[str, Tensor]

_WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""What DataParallel, torch.compile and their like put anywhere into names."""
_ENCODERS = ("image_encoder", "vision_encoder")
_OTHER_PARTS = ("prompt_encoder.", "mask_decoder.", "shared_image_embedding.")
_FIRST_LAYERS = ("patch_embed.proj.weight", "patch_embed.projection.weight", "pos_embed")
_NECKS = ("neck.0.weight", "neck.conv1.weight")
_DEEPEST = 6


@dataclass(frozen=True)
class Named:
    """A tensor and where it stands in a file.

    Args:
        keys: of the dicts that it lies in, and its own.
        name: the keys joined by dots, without the wrappers that may stand anywhere.
        tensor: it.
    """

    keys: tuple[str, ...]
    name: str
    tensor: Tensor


@dataclass(frozen=True)
class FoundSam:
    """A SAM, or its image encoder, within a file.

    Args:
        place: what stands before the names of its parts, such as `model_state.sam`.
        scheme: whose names they are: `segment-anything` or `transformers`.
        prefix: what the names of its image encoder begin with.
        state: its tensors by Meta's names, and others that lie among them.
        names: Meta's name of each of them by its keys; `transformers` has one tensor twice.
        lora_layers: number of layers that low-rank factors were merged into.
    """

    place: str
    scheme: str
    prefix: str
    state: State
    names: Mapping[tuple[str, ...], str]
    lora_layers: int = 0


def tensors_of(content: object) -> list[Named]:
    """All tensors in nested dicts."""
    found: dict[str, Named] = {}
    for keys, tensor in _walk(content, ()):
        whole = ".".join(keys)
        short = ".".join(token for token in whole.split(".") if token not in _WRAPPERS)
        name = whole if short in found else short
        found[name] = Named(keys, name, tensor)
    return list(found.values())


def _walk(content: object, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Tensor]]:
    if isinstance(content, Tensor) and keys:
        yield keys, content
    elif isinstance(content, Mapping) and len(keys) < _DEEPEST:
        for key, value in content.items():
            yield from _walk(value, (*keys, str(key)))


def find_sams(tensors: list[Named]) -> list[FoundSam]:
    """Every SAM, or image encoder of one, among the tensors of a file."""
    names = {each.name for each in tensors}
    first = {
        name.removesuffix(end)
        for name in names
        for end in _FIRST_LAYERS
        if name == end or name.endswith(f".{end}")
    }  # fmt: skip
    return [_found_at(place, tensors) for place in sorted(first) if any(place + neck in names for neck in _NECKS)]


def _found_at(place: str, tensors: list[Named]) -> FoundSam:
    """The SAM whose image encoder's names begin with `place`."""
    above, _, encoder = place.rstrip(".").rpartition(".")
    parts = _places_of_parts(tensors, f"{above}." if above else "")
    perceptrons = any(".proj_in." in each.name for each in tensors)
    state: dict[str, Tensor] = {}
    names: dict[tuple[str, ...], str] = {}
    as_written = True
    for each in tensors:
        written = _within(each.name, place, parts)
        if written is None:
            continue
        name = names[each.keys] = meta_name(written, perceptrons=perceptrons)
        as_written = as_written and name == written.replace("vision_encoder.", "image_encoder.")
        state.setdefault(name, each.tensor)
    return FoundSam(
        place=above if encoder in _ENCODERS else place.rstrip("."),
        scheme="segment-anything" if as_written else "transformers",
        prefix=place,
        state=state,
        names=names,
    )


def _places_of_parts(tensors: list[Named], beside: str) -> dict[str, str]:
    """What the names of the other parts of a SAM begin with: its encoder's place, or the only one that there is."""
    places: dict[str, str] = {}
    for part in _OTHER_PARTS:
        found = {each.name[: f".{each.name}".index(f".{part}")] for each in tensors if f".{part}" in f".{each.name}"}
        if beside in found or len(found) == 1:
            places[part] = beside if beside in found else found.pop()
    return places


def _within(name: str, place: str, parts: Mapping[str, str]) -> str | None:
    """The name of a tensor within the SAM; None if it is outside.

    Args:
        name: of the tensor.
        place: what the names of the image encoder begin with.
        parts: the same of other parts.
    """
    for part, begin in parts.items():
        if name.startswith(begin + part):
            return name.removeprefix(begin)
    return f"vision_encoder.{name.removeprefix(place)}" if name.startswith(place) else None


def left_out(tensors: list[Named], taken: Set[tuple[str, ...]]) -> tuple[str, ...]:
    """The tensors that are not taken, by name; those of a dict without any that is, by the key of the dict.

    Args:
        tensors: of a file.
        taken: keys of those that are.
    """
    dicts = {keys[:count] for keys in taken for count in range(len(keys))}
    told: dict[str, None] = {}
    for each in tensors:
        if each.keys not in taken:
            foreign = (each.keys[:count] for count in range(1, len(each.keys)) if each.keys[:count] not in dicts)
            told[".".join(next(foreign, each.keys))] = None
    return tuple(told)
