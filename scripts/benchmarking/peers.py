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
from sam_seismic.sam.weights.transformers_names import transformers_name


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
    state = {transformers_name(name): tensor for name, tensor in ours.state_dict().items()}
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
    state = {transformers_name(f"image_encoder.{name}"): tensor for name, tensor in ours.state_dict().items()}
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
