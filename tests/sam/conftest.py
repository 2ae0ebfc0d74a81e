"""What several tests of the network share: random weights, the second implementation, the published manifest."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from transformers import SamConfig, SamMaskDecoderConfig, SamModel, SamPromptEncoderConfig, SamVisionConfig

from sam_seismic.sam import EncoderSize, ImageEncoder, MaskDecoder, PromptEncoder

Shapes = dict[str, tuple[int, ...]]


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(min(2, before))
    yield
    torch.set_num_threads(before)


# --- the published manifest ---------------------------------------------------------------------------------------


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, channels: int) -> Shapes:
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def manifest(width: int, depth: int, heads: int, global_blocks: tuple[int, ...]) -> Shapes:
    """Names and shapes in a published checkpoint, from the architecture's numbers alone."""
    return encoder_manifest(width, depth, heads, global_blocks) | prompt_manifest() | decoder_manifest()


def encoder_manifest(width: int, depth: int, heads: int, global_blocks: tuple[int, ...]) -> Shapes:
    root = "image_encoder"
    shapes: Shapes = {
        f"{root}.pos_embed": (1, 64, 64, width),
        f"{root}.patch_embed.proj.weight": (width, 3, 16, 16),
        f"{root}.patch_embed.proj.bias": (width,),
        f"{root}.neck.0.weight": (256, width, 1, 1),
        f"{root}.neck.2.weight": (256, 256, 3, 3),
    }
    shapes |= norm(f"{root}.neck.1", 256) | norm(f"{root}.neck.3", 256)
    for block in range(depth):
        name = f"{root}.blocks.{block}"
        table = (127 if block in global_blocks else 27, width // heads)
        shapes |= {f"{name}.attn.rel_pos_h": table, f"{name}.attn.rel_pos_w": table}
        shapes |= norm(f"{name}.norm1", width) | norm(f"{name}.norm2", width)
        shapes |= linear(f"{name}.attn.qkv", width, 3 * width) | linear(f"{name}.attn.proj", width, width)
        shapes |= linear(f"{name}.mlp.lin1", width, 4 * width) | linear(f"{name}.mlp.lin2", 4 * width, width)
    return shapes


def prompt_manifest() -> Shapes:
    root = "prompt_encoder"
    embeddings = [*(f"point_embeddings.{i}" for i in range(4)), "not_a_point_embed", "no_mask_embed"]
    shapes: Shapes = {f"{root}.{name}.weight": (1, 256) for name in embeddings}
    shapes[f"{root}.pe_layer.positional_encoding_gaussian_matrix"] = (2, 128)
    kernels = {0: (4, 1, 2, 2), 3: (16, 4, 2, 2), 6: (256, 16, 1, 1)}
    for layer, kernel in kernels.items():
        shapes[f"{root}.mask_downscaling.{layer}.weight"] = kernel
        shapes[f"{root}.mask_downscaling.{layer}.bias"] = kernel[:1]
    return shapes | norm(f"{root}.mask_downscaling.1", 4) | norm(f"{root}.mask_downscaling.4", 16)


def decoder_manifest() -> Shapes:
    root = "mask_decoder"
    shapes: Shapes = {
        f"{root}.iou_token.weight": (1, 256),
        f"{root}.mask_tokens.weight": (4, 256),
        f"{root}.output_upscaling.0.weight": (256, 64, 2, 2),
        f"{root}.output_upscaling.0.bias": (64,),
        f"{root}.output_upscaling.3.weight": (64, 32, 2, 2),
        f"{root}.output_upscaling.3.bias": (32,),
    }
    shapes |= norm(f"{root}.output_upscaling.1", 64) | norm(f"{root}.transformer.norm_final_attn", 256)
    shapes |= attention(f"{root}.transformer.final_attn_token_to_image", 128)
    for layer in range(2):
        name = f"{root}.transformer.layers.{layer}"
        shapes |= attention(f"{name}.self_attn", 256)
        shapes |= attention(f"{name}.cross_attn_token_to_image", 128)
        shapes |= attention(f"{name}.cross_attn_image_to_token", 128)
        shapes |= linear(f"{name}.mlp.lin1", 256, 2048) | linear(f"{name}.mlp.lin2", 2048, 256)
        for number in range(1, 5):
            shapes |= norm(f"{name}.norm{number}", 256)
    heads = {f"output_hypernetworks_mlps.{i}": 32 for i in range(4)} | {"iou_prediction_head": 4}
    for name, outputs in heads.items():
        for layer, width in enumerate((256, 256, outputs)):
            shapes |= linear(f"{root}.{name}.layers.{layer}", 256, width)
    return shapes


def attention(name: str, inner: int) -> Shapes:
    shapes = linear(f"{name}.out_proj", inner, 256)
    for part in ("q_proj", "k_proj", "v_proj"):
        shapes |= linear(f"{name}.{part}", 256, inner)
    return shapes


@pytest.fixture
def published_shapes() -> Callable[..., Shapes]:
    return manifest


# --- the second implementation ------------------------------------------------------------------------------------

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


def their_name(name: str) -> str:
    for ours, theirs in RENAMED.items():
        name = name.replace(ours, theirs)
    if "output_hypernetworks_mlps" in name or "iou_prediction_head" in name:
        stem, layer = name[: name.index("layers.")], name[name.index("layers.") :]
        old = layer[: len("layers.0")]
        return stem + layer.replace(old, HEADS[old])
    return name


def randomise(module: nn.Module, seed: int) -> None:
    """Every parameter random, so that none hides behind zeros; of a size that keeps activations around one."""
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


@dataclass(frozen=True)
class Pair:
    """Our SAM and the other one, with the same weights."""

    ours: nn.ModuleDict
    theirs: SamModel


def make_pair(size: EncoderSize, seed: int = 0) -> Pair:
    """Both implementations, theirs for the square canvas only."""
    ours = nn.ModuleDict(
        {"image_encoder": ImageEncoder(size), "prompt_encoder": PromptEncoder(), "mask_decoder": MaskDecoder()}
    ).eval()
    randomise(ours, seed)
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
    theirs = SamModel(config).eval()
    state = {their_name(name): tensor for name, tensor in ours.state_dict().items()}
    shared = state["shared_image_embedding.positional_embedding"]
    theirs.load_state_dict(state | {"prompt_encoder.shared_embedding.positional_embedding": shared})
    return Pair(ours, theirs)


def crop_tables(theirs: SamModel, height: int, width: int) -> None:
    """Fit the other implementation to one canvas, with tables of positions cropped as ours should be."""
    h, w = height // 16, width // 16
    encoder = theirs.vision_encoder
    encoder.patch_embed.image_size = (height, width)
    encoder.pos_embed = nn.Parameter(encoder.pos_embed[:, :h, :w])
    for layer in encoder.layers:
        if len(layer.attn.rel_pos_h) == 127:
            layer.attn.rel_pos_h = nn.Parameter(layer.attn.rel_pos_h[64 - h : 63 + h])
            layer.attn.rel_pos_w = nn.Parameter(layer.attn.rel_pos_w[64 - w : 63 + w])


@pytest.fixture(scope="session")
def pair_of() -> Callable[..., Pair]:
    return make_pair


@pytest.fixture(scope="session")
def crop_their_tables() -> Callable[[SamModel, int, int], None]:
    return crop_tables


@pytest.fixture(scope="session")
def small_pair() -> Pair:
    """One windowed and one global block, 32 channels; prompt encoder and decoder as published."""
    return make_pair(EncoderSize(width=32, depth=2, heads=2, global_blocks=(1,)))
