"""Files that no SAM can take: the message says what they are."""

import gzip
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sam_seismic.errors import WeightsError
from sam_seismic.sam import build_sam
from sam_seismic.sam.weights import read_weights, verify

FILES = {
    b"": "empty",
    b"<html><body>404": "an HTML page",
    b"\n\n<!DOCTYPE html>\n<title>Google Drive - Virus scan warning</title>": "an HTML page",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:ec2d\nsize 375042383\n": "a Git LFS pointer",
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>": "an XML message",
    b"Entry not found": "a text, which begins 'Entry not found'",
    b'{"error": "gated"}': "a JSON text",
    gzip.compress(b"weights"): "compressed with gzip",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"\x93NUMPY\x01\x00": "a NumPy array",
    b"GGUF\x03": "a GGUF or GGML file",
    b"\x08\x07\x12\x07pytorch": "an ONNX graph",
}


def refusal(path: Path, size: str = "vit_t") -> WeightsError:
    """The error of `train`, which is that of `weights verify` too."""
    with pytest.raises(WeightsError) as trained:
        build_sam(size, path)
    with pytest.raises(WeightsError) as verified:
        verify(path)
    assert str(trained.value) == str(verified.value)
    assert trained.value.fix
    return trained.value


@pytest.mark.parametrize("content", FILES, ids=list(FILES.values()))
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "sam.pth"
    path.write_bytes(content)
    assert refusal(path).problem.startswith(f"{path}: not a weights file: it is {FILES[content]}")


def test_bytes_of_no_known_kind(tmp_path: Path):
    path = tmp_path / "sam.pth"
    path.write_bytes(bytes(range(200, 256)))
    assert refusal(path).problem == f"{path}: not a file written by PyTorch, nor a safetensors file"


def test_archives_are_named_with_what_they_hold(tmp_path: Path):
    inside = tmp_path / "plain.pth"
    torch.save({"a": torch.ones(1)}, inside)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(inside, "plain.pth")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(inside, "plain.pth")
    np.savez(tmp_path / "a.npz", a=np.ones(1))
    assert "a ZIP archive, not a weights file; it holds plain.pth" in refusal(tmp_path / "a.zip").problem
    assert "it is a tar archive" in refusal(tmp_path / "a.tar").problem
    assert "NumPy arrays, not a weights file: a.npy" in refusal(tmp_path / "a.npz").problem


def test_a_torchscript_archive_is_not_run(tmp_path: Path):
    path = tmp_path / "scripted.pt"
    with pytest.warns(DeprecationWarning, match="deprecated"):
        torch.jit.script(nn.Linear(2, 2)).save(str(path))
    found = refusal(path)
    assert "a TorchScript archive, which holds a program; it was not run" in found.problem
    assert "torch.jit.load" in found.fix


class Pickled:
    """Stands for the network of ultralytics, which pickles itself."""


def test_a_yolo_network_is_named_by_its_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """FastSAM's file holds the object itself, not its weights; its class is read, and not made."""
    path = tmp_path / "FastSAM-x.pt"
    torch.save({"model": Pickled()}, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content.replace(__name__.encode(), b"ultralytics.nn.tasks"))
    assert "FastSAM or another YOLO network, pickled by ultralytics: not a SAM" in refusal(path).problem


VIT = ["patch_embed.proj.weight", "pos_embed", "blocks.0.attn.qkv.weight", "blocks.0.norm1.weight"]

NETWORKS = {
    "MobileSAM: a TinyViT encoder": [
        "image_encoder.patch_embed.seq.0.c.weight",
        "image_encoder.layers.1.blocks.0.local_conv.c.weight",
        "image_encoder.neck.0.weight",
        "mask_decoder.iou_token.weight",
    ],
    "SAM 2: a Hiera encoder": [
        "image_encoder.trunk.patch_embed.proj.weight",
        "image_encoder.trunk.pos_embed",
        "image_encoder.neck.convs.0.conv.weight",
        "memory_attention.layers.0.norm1.weight",
    ],
    "SAM 3": ["detector.backbone.vision_backbone.trunk.patch_embed.proj.weight"],
    "EfficientViT-SAM": ["image_encoder.backbone.input_stem.op_list.0.conv.weight", "image_encoder.neck.0.weight"],
    "EdgeSAM or RepViT-SAM": ["image_encoder.features.1.token_mixer.0.conv.c.weight"],
    "FastSAM or another YOLO network": ["model.0.conv.weight", "model.22.cv2.0.0.conv.weight"],
    "a LoRA or an adapter": ["base_model.model.vision_encoder.layers.0.attn.qkv.lora_A.weight"],
    "a DINOv2 encoder": ["cls_token", *VIT, "blocks.0.ls1.gamma"],
    "a masked autoencoder (MAE)": ["cls_token", "mask_token", *VIT, "decoder_embed.weight"],
    "a vision transformer with a class token": ["cls_token", *VIT, "head.weight"],
    "a vision transformer without the neck": VIT,
    "CLIP": ["visual.transformer.resblocks.0.attn.in_proj_weight", "logit_scale"],
    "a Swin transformer": ["layers.0.blocks.0.attn.relative_position_bias_table"],
    "a ResNet": ["conv1.weight", "layer1.0.conv1.weight"],
    "a network that is not known: fc.weight [2, 2] and 1 more": ["fc.weight", "fc.bias"],
}


@pytest.mark.parametrize("wrapper", ["", "model", "state_dict"])
@pytest.mark.parametrize("what", NETWORKS)
def test_another_network_is_named(tmp_path: Path, what: str, wrapper: str):
    state = {name: torch.ones(2, 2) for name in NETWORKS[what]}
    path = tmp_path / "vit_t.pth"
    torch.save({wrapper: state, "epoch": 1} if wrapper else state, path)
    problem = refusal(path).problem
    if wrapper and "not known" in what:
        what = f"a network that is not known: {wrapper}.fc.weight [2, 2] and 1 more"
    assert f"holds no SAM with its ViT encoder, but {what}" in problem


def test_the_lora_of_samed_is_named(tmp_path: Path):
    """It has a decoder beside the changes of the encoder, and no encoder."""
    path = tmp_path / "epoch_159.pth"
    torch.save({"w_a_000": torch.ones(4, 2), "w_b_000": torch.ones(2, 4), "mask_decoder.iou_token.weight": 1}, path)
    assert "but a LoRA or an adapter, which changes an encoder" in refusal(path).problem


def test_an_efficient_sam_is_named(tmp_path: Path):
    """It has a neck as SAM's, and names that differ further inside."""
    state = {f"image_encoder.blocks.{block}.mlp.fc1.weight": torch.ones(2, 2) for block in range(12)}
    state["image_encoder.patch_embed.proj.weight"] = torch.ones(192, 3, 16, 16)
    state["image_encoder.pos_embed"] = torch.ones(1, 197, 192)
    state["image_encoder.neck.0.weight"] = torch.ones(256, 192, 1, 1)
    path = tmp_path / "efficient_sam_vitt.pt"
    torch.save({"model": state}, path)
    problem = refusal(path).problem
    assert "EfficientSAM: a plain ViT encoder of another form" in problem
    assert "a width of 192 and 12 blocks, SAM's have vit_t 192 x 6, vit_b 768 x 12" in problem


def test_a_lora_within_a_sam_is_named(tmp_path: Path):
    state = {
        name.replace("attn.qkv.", "attn.qkv.qkv.") if "blocks.0." in name else name: tensor
        for name, tensor in build_sam("vit_t").state_dict().items()
    }
    state["image_encoder.blocks.0.attn.qkv.linear_a_q.weight"] = torch.ones(4, 192)
    path = tmp_path / "samed.pth"
    torch.save(state, path)
    problem = refusal(path).problem.splitlines()
    assert (
        problem[0] == f"{path}: not the weights of a SAM alone, but with a LoRA or an adapter, which changes an encoder"
    )
    assert problem[1].startswith("  2 missing: image_encoder.blocks.0.attn.qkv.weight")


def test_a_size_that_no_sam_has_is_told(tmp_path: Path):
    state = build_sam("vit_t").state_dict()
    path = tmp_path / "four_blocks.pth"
    torch.save(
        {name: each for name, each in state.items() if "blocks.4." not in name and "blocks.5." not in name}, path
    )
    assert "its image encoder has a width of 192 and 4 blocks" in refusal(path).problem


def test_another_size_is_told_by_train_alone(tmp_path: Path):
    path = tmp_path / "t.pth"
    torch.save(build_sam("vit_t").state_dict(), path)
    assert read_weights(path).content.size == "vit_t"
    with pytest.raises(WeightsError, match="holds vit_t, but vit_b was asked for"):
        build_sam("vit_b", path)
