"""The tensors of a file that holds no SAM come in, the name of the network that they belong to goes out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class OtherNetwork:
    """A network that cannot be loaded as a SAM.

    Args:
        what: its name, and how it differs from SAM.
        mark: pattern that matches one of its parameter names, and none of SAM's.
    """

    what: str
    mark: str


_OTHERS = (
    OtherNetwork("SAM 3: another network than SAM", r"detector\.backbone\.vision_backbone|detector_model\."),
    OtherNetwork(
        "SAM 2: a Hiera encoder and a memory",
        r"image_encoder\.trunk\.|memory_attention\.|sam_mask_decoder\.|vision_encoder\.backbone\.|^trunk\.blocks\.",
    ),
    OtherNetwork(
        "MobileSAM: a TinyViT encoder, as also TinySAM and Light HQ-SAM have it", r"patch_embed\.seq\.|local_conv\."
    ),
    OtherNetwork("EfficientViT-SAM: an EfficientViT encoder", r"input_stem\.|stages\.\d+\.op_list\."),
    OtherNetwork("EdgeSAM or RepViT-SAM: a RepViT encoder", r"token_mixer\.|channel_mixer\."),
    OtherNetwork("EfficientSAM: a plain ViT encoder of another form", r"image_encoder\.blocks\.\d+\.mlp\.fc1\."),
    OtherNetwork(
        "a LoRA or an adapter, which changes an encoder",
        r"lora|\bw_[ab]_|linear_[ab]_[qkv]|\.base_layer\.|(?i:adapter)",
    ),
    OtherNetwork("FastSAM or another YOLO network", r"^(.*\.)?(model|0)\.\d+\.(conv|cv\d|m\.\d+|bn|dfl)\."),
    OtherNetwork("a DINOv2 encoder", r"\.ls[12]\.gamma|layer_scale[12]\.|register_tokens|storage_tokens"),
    OtherNetwork("a masked autoencoder (MAE)", r"(^|\.)decoder_(embed|blocks|pos_embed)\b"),
    OtherNetwork("CLIP", r"visual\.transformer\.resblocks|text_model\.|logit_scale"),
    OtherNetwork("a Swin transformer", r"relative_position_bias_table"),
    OtherNetwork("a vision transformer with a class token, as of MAE, DINO or timm", r"(^|\.)(cls_token|class_token)$"),
    OtherNetwork("a ResNet", r"(^|\.)layer[1-4]\.\d+\.(conv|bn)\d\."),
)
"""From the special to the general."""


def recognised(tensors: Mapping[str, Tensor]) -> str | None:
    """The network of the table that tensors belong to."""
    matching = (other.what for other in _OTHERS if any(re.search(other.mark, name) for name in tensors))
    return next(matching, None)


def other_network(tensors: Mapping[str, Tensor]) -> str:
    """What a file without a SAM's image encoder holds, in words."""
    if (what := recognised(tensors)) is not None:
        return what
    if any(name.endswith("patch_embed.proj.weight") for name in tensors):
        return "a vision transformer without the neck of SAM's"
    parts = [part for part in ("mask_decoder", "prompt_encoder") if any(f"{part}." in name for name in tensors)]
    if parts:
        return f"SAM's {' and '.join(parts)} alone".replace("_", " ")
    name, tensor = next(iter(tensors.items()))
    more = f" and {len(tensors) - 1} more" if len(tensors) > 1 else ""
    return f"a network that is not known: {name} {list(tensor.shape)}{more}"
