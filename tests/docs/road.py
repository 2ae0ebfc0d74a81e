"""A section of 255 x 701 goes through the real modules; the shape and the bytes of each step go out, by name.

The tensors are fake ones of PyTorch's: they have shapes, and no content, so that ViT-B takes no time and no memory.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from sam_seismic.config import DataConfig, InputConfig, NetworkConfig, SamConfig
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.augment import UNCHANGED
from sam_seismic.data.batches import EmbeddingBatch
from sam_seismic.data.canvas import frame_of
from sam_seismic.data.channels import to_channels
from sam_seismic.networks import build_network
from sam_seismic.sam import Sam, attention
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tuning.embedding_store import Group, Recipe
from sam_seismic.tuning.parameters import count_parameters

SECTION = (255, 701)
CLASSES = ("a", "b", "c", "d", "e", "f")
SECTIONS = 5
"""B on the page."""
PROMPTS = 11
"""P on the page."""
Shape = tuple[int, ...]


def prepared(canvas: str) -> dict[str, Shape]:
    """From amplitudes to the canvas, with real content."""
    amplitude = np.random.default_rng(0).normal(size=SECTION).astype(np.float32)
    frame = frame_of(SECTION, InputConfig(canvas=canvas))
    scaled = AmplitudeScale(center=0.0, clip=2.0).apply(amplitude)
    channels = to_channels(torch.from_numpy(scaled))
    placed = frame.place(channels)
    assert float(channels.min()) < -2
    assert float(placed[:, SECTION[0] :].abs().sum() + placed[..., SECTION[1] :].abs().sum()) == 0
    return {
        "section": amplitude.shape,
        "AmplitudeScale.apply": scaled.shape,
        "to_channels": tuple(channels.shape),
        "Frame.place": tuple(placed.shape),
    }


def encoded(canvas: str) -> dict[str, Shape]:
    """Through the image encoder of ViT-B, all of it computed."""
    frame = frame_of(SECTION, InputConfig(canvas=canvas))
    encoder = Sam("vit_b", random=False).image_encoder.requires_grad_(False)
    del encoder.blocks[3:]  # two windowed ones and a global one: the others are like these
    with shapes_only():
        seen = {"batch": (SECTIONS, 3, *frame.canvas_shape), "pos_embed": tuple(encoder.pos_embed.shape)}
        names = ["patch_embed", "blocks.0", "blocks.0.attn", "blocks.2", "neck.0", "neck"]
        with watched(encoder, names, seen), torch.no_grad(), asked() as questions:
            encoder(torch.empty(seen["batch"]))
        windows = [qkv for module, qkv, _ in questions if module is encoder.blocks[0].attn]
        assert {qkv[1:] for qkv in windows} == {(14, 14, 3 * 768)}
        seen["blocks.0.attn windows"] = (sum(qkv[0] for qkv in windows), *windows[0][1:3], windows[0][3] // 3)
        heads = encoder.size.heads
        seen["blocks.0.attn scores"] = (seen["blocks.0.attn windows"][0], heads, 14 * 14, 14 * 14)
        (tokens,) = (prod(qkv[1:3]) for module, qkv, _ in questions if module is encoder.blocks[2].attn)
        seen["blocks.2.attn scores"] = (SECTIONS, heads, tokens, tokens)
        for block in (0, 2):
            seen[f"blocks.{block}.attn.rel_pos_h"] = tuple(encoder.blocks[block].attn.rel_pos_h.shape)
        seen["blocks.0.mlp.lin1.weight"] = tuple(encoder.blocks[0].mlp.lin1.weight.shape)
        skipped: dict[str, Shape] = {}
        with watched(encoder, ["blocks.1", "blocks.2"], skipped), torch.no_grad(), asked():
            encoder(torch.empty(seen["batch"]), shown=frame.placed_shape)
        assert skipped["blocks.2"] == seen["blocks.2"]
        seen["blocks.1 without padding"] = skipped["blocks.1"]
    return seen


def decoded(canvas: str) -> dict[str, Shape]:
    """From the embedding to logits on the section, by the same call as training and prediction."""
    seen: dict[str, Shape] = {}
    inputs = InputConfig(canvas=canvas)
    frame = frame_of(SECTION, inputs)
    task = task_of(inputs, SamConfig())
    with shapes_only():
        images = [torch.empty(256, *(side // 16 for side in frame.canvas_shape), dtype=torch.float16)] * SECTIONS

        def look(module: nn.Module, given: Any, words: dict[str, Tensor], out: tuple[Tensor, Tensor]) -> None:
            seen["head.transformer tokens"], seen["head.transformer image"] = (tuple(each.shape) for each in out)

        def look_at_prompts(module: nn.Module, given: Any, out: tuple[Tensor, Tensor]) -> None:
            seen["prompt_encoder tokens"], seen["prompt_encoder map"] = (tuple(each.shape) for each in out)

        network = task.network
        network.head.transformer.register_forward_hook(look, with_kwargs=True)
        network.prompt_encoder.register_forward_hook(look_at_prompts)
        names = ["head.output_upscaling", "head.hypernetworks.0", "head"]
        crop: dict[str, Shape] = {}
        network.head.output_upscaling.register_forward_pre_hook(
            lambda module, given: crop.update(crop=tuple(given[0].permute(0, 2, 3, 1).shape))
        )
        refs = tuple(SectionRef(Orientation.INLINE, number) for number in range(SECTIONS))
        with watched(network, names, seen), torch.no_grad():
            logits = task.section_logits(EmbeddingBatch(tuple(images), (frame,) * SECTIONS, refs))
        seen["head.transformer image, cropped"] = crop["crop"]
        seen["prompt_encoder.dense_pe"] = tuple(network.prompt_encoder.dense_pe(images[0].shape[1:]).shape)
        seen["embedding read from the store"] = (SECTIONS, *images[0].shape)
        seen["Frame.recover"] = (len(logits), *logits[0].shape)
        classes = tuple(logits[0].argmax(dim=0).shape)
    return seen | {"argmax": classes}


def prompted() -> dict[str, Shape]:
    """SAM's own way, for prompts: points, boxes, and four masks."""
    sam = Sam("vit_b", random=False)
    with shapes_only():
        grid = (64, 64)
        points = (torch.empty(PROMPTS, 1, 2), torch.empty(PROMPTS, 1, dtype=torch.int64))
        boxes = torch.empty(PROMPTS, 4)
        point, dense = sam.prompt_encoder(points, grid=grid)
        box, _ = sam.prompt_encoder(boxes=boxes, grid=grid)
        embedding, pe = torch.empty(1, 256, *grid), sam.prompt_encoder.dense_pe(grid)
        masks, quality = sam.mask_decoder.predict_all(embedding, pe, sparse=point, dense=dense)
        return {
            "a point": tuple(point.shape),
            "a box": tuple(box.shape),
            "mask_decoder.mask_tokens.weight": tuple(sam.mask_decoder.mask_tokens.weight.shape),
            "mask_decoder masks": tuple(masks.shape),
            "mask_decoder expected IoU": tuple(quality.shape),
        }


def parameters() -> dict[str, int]:
    """Numbers of ViT-B with a decoder for 6 classes, by part, and those that are trained, by `model.encoder`."""
    task = task_of(InputConfig(), SamConfig())
    found = {
        name: sum(count_parameters(getattr(task.network, name))) for name in ("image_encoder", "prompt_encoder", "head")
    }
    for encoder in ("frozen", {"kind": "last_blocks", "blocks": 3}, "full"):
        model = SamConfig.model_validate({"encoder": encoder})
        found[f"trained: {model.encoder.kind}"] = count_parameters(task_of(InputConfig(), model))[0]
    return found


def shapes_only() -> FakeTensorMode:
    """Inside, tensors have shapes and no content; modules made before are taken as they are."""
    return FakeTensorMode(allow_non_fake_inputs=True)


def task_of(inputs: InputConfig, model: NetworkConfig) -> FaciesSegmentation:
    metadata = CheckpointMetadata(
        data=DataConfig(source="synthetic"),
        inputs=inputs,
        model=model,
        facies=FaciesTable(CLASSES, tuple(range(len(CLASSES)))),
        scale=AmplitudeScale(0.0, 1.0),
        split=(),
        weights_hash=None,
        version="",
    )
    return FaciesSegmentation(build_network(model, len(CLASSES), initialise=False), metadata)


def stored(folder: Path, shape: Shape) -> int:
    """Bytes of the file that the store writes of a section."""
    recipe = Recipe("w", "vit_b", None, "float32", "s", 0.0, 1.0, "repeat", "pad", 1024, "square")
    group, ref = Group(folder, recipe, ""), SectionRef(Orientation.INLINE, 100)
    group.write(ref, UNCHANGED, torch.zeros(shape))
    assert group.read(ref, UNCHANGED).dtype == torch.float16
    return group.path(ref, UNCHANGED).stat().st_size


@contextmanager
def watched(module: nn.Module, names: list[str], seen: dict[str, Shape]) -> Iterator[None]:
    """Inside, the shape of what some submodules give first is put down by their names."""

    def put_down(name: str) -> Callable[..., None]:
        return lambda _, given, out: seen.setdefault(name, tuple(out.shape)) and None

    handles = [module.get_submodule(name).register_forward_hook(put_down(name)) for name in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def asked() -> Iterator[list[tuple[nn.Module, Shape, Shape]]]:
    """Inside, each attention puts down itself, the shape of its queries, keys and values, and of what it gives."""
    found: list[tuple[nn.Module, Shape, Shape]] = []
    attend = attention.Attention._attend

    def spy(self: attention.Attention, qkv: Tensor, queries: Any) -> Tensor:
        out = attend(self, qkv, queries)
        found.append((self, tuple(qkv.shape), tuple(out.shape)))
        return out

    # In one piece: bias of fake tensors takes no memory, and many pieces take minutes.
    with patch.object(attention.Attention, "_attend", spy), patch.object(attention, "BIAS_CHUNK_SIZE", 1 << 40):
        yield found
