"""Weights of our SAM go in, the same network in other people's code comes out: what ours is compared with.

The tests compare numbers, the benchmark compares speed and memory. All weights are random, and not as the networks draw
them by themselves: see `randomise`.
"""

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import torch
from torch import nn
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig
from transformers.models.sam.modeling_sam import SamVisionSdpaAttention

from sam_seismic.sam import EncoderSize, ImageEncoder, MaskDecoder, PromptEncoder

RENAMED = {
    "image_encoder.patch_embed.proj": "vision_encoder.patch_embed.projection",
    "image_encoder.pos_embed": "vision_encoder.pos_embed",
    "image_encoder.blocks": "vision_encoder.layers",
    "image_encoder.neck.0": "vision_encoder.neck.conv1",
    "image_encoder.neck.1": "vision_encoder.neck.layer_norm1",
    "image_encoder.neck.2": "vision_encoder.neck.conv2",
    "image_encoder.neck.3": "vision_encoder.neck.layer_norm2",
    "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": "shared_image_embedding.positional_embedding",
    "point_embeddings": "point_embed",
    "mask_downscaling.0": "mask_embed.conv1",
    "mask_downscaling.1": "mask_embed.layer_norm1",
    "mask_downscaling.3": "mask_embed.conv2",
    "mask_downscaling.4": "mask_embed.layer_norm2",
    "mask_downscaling.6": "mask_embed.conv3",
    "output_upscaling.0": "upscale_conv1",
    "output_upscaling.1": "upscale_layer_norm",
    "output_upscaling.3": "upscale_conv2",
    ".norm": ".layer_norm",
}
HEADS = {"layers.0": "proj_in", "layers.1": "layers.0", "layers.2": "proj_out"}


@dataclass(frozen=True)
class Pair:
    """Our SAM and the one in `transformers`, with the same weights."""

    ours: nn.ModuleDict
    theirs: SamModel


def make_pair(size: EncoderSize, seed: int = 0) -> Pair:
    """Both implementations, theirs for the square canvas only; each has weights of its own."""
    ours = nn.ModuleDict(
        {"image_encoder": ImageEncoder(size), "prompt_encoder": PromptEncoder(), "mask_decoder": MaskDecoder()}
    ).eval()
    randomise(ours, seed)
    theirs = SamModel(their_config(size)).eval()
    state = {their_name(name): tensor for name, tensor in ours.state_dict().items()}
    shared = state["shared_image_embedding.positional_embedding"]
    theirs.load_state_dict(state | {"prompt_encoder.shared_embedding.positional_embedding": shared})
    return Pair(ours, theirs)


def random_encoder(size: EncoderSize, seed: int = 0) -> ImageEncoder:
    """Our image encoder. Drawing its weights twice would take longer than a pass, so they are drawn once."""
    with torch.device("meta"):
        encoder = ImageEncoder(size)
    encoder.to_empty(device="cpu")
    randomise(nn.ModuleDict({"image_encoder": encoder}), seed)
    return encoder.eval().requires_grad_(False)


def transformers_encoder(ours: ImageEncoder) -> nn.Module:
    """The image encoder of `transformers` with the very tensors of ours; it takes the square canvas only."""
    with torch.device("meta"):
        theirs = SamModel(their_config(ours.size)).vision_encoder
    attention = {type(layer.attn) for layer in theirs.layers}
    assert attention == {SamVisionSdpaAttention}, f"the fast attention of transformers was meant, not {attention}"
    state = {their_name(f"image_encoder.{name}"): tensor for name, tensor in ours.state_dict().items()}
    theirs.load_state_dict({name.removeprefix("vision_encoder."): state[name] for name in state}, assign=True)
    return theirs.eval()


def meta_encoder(ours: ImageEncoder) -> nn.Module:
    """The image encoder of `segment-anything` with the very tensors of ours; it takes the square canvas only."""
    size = ours.size
    with torch.device("meta"):
        theirs = _meta_module().ImageEncoderViT(
            embed_dim=size.width,
            depth=size.depth,
            num_heads=size.heads,
            global_attn_indexes=size.global_blocks,
            out_chans=256,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=14,
        )
    theirs.load_state_dict(ours.state_dict(), assign=True)
    return theirs.eval()


def _meta_module() -> ModuleType:
    """The file of Meta's image encoder alone.

    Its package opens with tools that want torchvision, which an encoder has no use for. So a package without that
    opening stands in while the file is imported, and leaves nothing behind.
    """
    package = ModuleType("segment_anything")
    found = importlib.util.find_spec("segment_anything")
    assert found is not None, "segment-anything is missing: it comes with the test extra"
    package.__path__ = list(found.submodule_search_locations or [])
    sys.modules["segment_anything"] = package
    try:
        return importlib.import_module("segment_anything.modeling.image_encoder")
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "segment_anything"]:
            del sys.modules[name]


def their_config(size: EncoderSize) -> SamConfig:
    """What makes the SAM of `transformers` the published one, with its fastest attention."""
    config = SamConfig(
        vision_config=SamVisionConfig(
            hidden_size=size.width,
            num_hidden_layers=size.depth,
            num_attention_heads=size.heads,
            global_attn_indexes=list(size.global_blocks),
        ),
        prompt_encoder_config=SamPromptEncoderConfig(),
        # The published decoder normalises with PyTorch's default epsilon, this implementation with another.
        mask_decoder_config=SamMaskDecoderConfig(layer_norm_eps=1e-5),
    )
    config._attn_implementation = "sdpa"
    return config


def their_name(name: str) -> str:
    """Meta's name of a parameter -> the one in `transformers`."""
    for ours, theirs in RENAMED.items():
        name = name.replace(ours, theirs)
    if "output_hypernetworks_mlps" in name or "iou_prediction_head" in name:
        stem, layer = name[: name.index("layers.")], name[name.index("layers.") :]
        old = layer[: len("layers.0")]
        return stem + layer.replace(old, HEADS[old])
    return name


def randomise(module: nn.Module, seed: int) -> None:
    """Every parameter random, so that none hides behind zeros; of a size that keeps activations around one.

    Left as `transformers` draws them, the encoder's activations fall into denormal numbers, which processors handle so
    slowly that nothing else would be measured.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name or ".neck.1." in name or ".neck.3." in name or "upscaling.1." in name:
                parameter.copy_((1.0 if name.endswith("weight") else 0.0) + 0.2 * noise)
            elif "rel_pos" in name or "pos_embed" in name:
                parameter.copy_(0.3 * noise)
            elif parameter.ndim > 1 and "embed" not in name and "token." not in name:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.5 * noise)
