"""Fixtures for tests of SAM: names and shapes of the published checkpoints, and the SAM of `transformers`."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import SamModel

from sam_seismic.sam import EncoderSize, build_sam
from scripts.benchmarking.peers import Pair, make_pair
from tests.sam.weights_files import Save, State

Shapes = dict[str, tuple[int, ...]]


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(min(2, before))
    yield
    torch.set_num_threads(before)


# --- the published names and shapes -------------------------------------------------------------------------------


def linear(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def norm(name: str, channels: int) -> Shapes:
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def manifest(width: int, depth: int, heads: int, global_blocks: tuple[int, ...]) -> Shapes:
    """Names and shapes of the tensors in a published checkpoint, computed from the size of the encoder."""
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


# --- the implementation in transformers ---------------------------------------------------------------------------


def crop_tables(theirs: SamModel, height: int, width: int) -> None:
    """Adapt the implementation in `transformers` to a canvas size, by cropping its position tables as ours are."""
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


# --- weights files ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def trained() -> State:
    """The weights of a small SAM."""
    torch.manual_seed(1)
    return build_sam("vit_t").state_dict()


@pytest.fixture
def official_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights, which is the one that is searched."""
    folder = tmp_path / "official"
    folder.mkdir()
    monkeypatch.setenv("SAM_SEISMIC_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def save(official_folder: Path) -> Save:
    def saved(content: object, name: str = "a.pth") -> Path:
        path = official_folder.parent / name
        torch.save(content, path)
        return path

    return saved
