"""Safetensors files: what the format's own library writes is read, and no header is trusted."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from sam_seismic.errors import WeightsError
from sam_seismic.sam.weights import read_plain

ENTRY = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
"""Of a tensor that takes 24 bytes."""


def write(path: Path, header: object, data: bytes) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]
)
def test_what_the_library_writes_is_read(tmp_path: Path, dtype: torch.dtype):
    """With a scalar, an empty tensor, and the description of the file."""
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: (10 * torch.rand(shape, generator=generator)).to(dtype)
        for name, shape in {"a": (3, 5), "b.c": (1,), "scalar": (), "empty": (0, 4)}.items()
    }
    save_file(tensors, tmp_path / "a.safetensors", metadata={"format": "pt"})
    found = read_plain(tmp_path / "a.safetensors")
    assert isinstance(found, dict)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (found[name].dtype, found[name].shape) == (dtype, tensor.shape)
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize("spaces", range(4))
def test_tensors_need_not_be_aligned(tmp_path: Path, spaces: int):
    """Other writers than the library do not fill the header up to a multiple of 8 bytes."""
    header = json.dumps({"a": ENTRY}).encode() + b" " * spaces
    values = torch.arange(6, dtype=torch.float32).view(2, 3)
    found = read_plain(write(tmp_path / "a.safetensors", header, values.numpy().tobytes()))
    assert isinstance(found, dict)
    assert torch.equal(found["a"], values)


def test_the_file_is_not_changed_through_its_tensors(tmp_path: Path):
    path = write(tmp_path / "a.safetensors", json.dumps({"a": ENTRY}).encode() + b" " * 3, bytes(24))
    before = path.read_bytes()
    found = read_plain(path)
    assert isinstance(found, dict)
    found["a"].add_(1)
    assert path.read_bytes() == before


def entry(**changes: Any) -> dict[str, Any]:
    return {"a": ENTRY | changes}


SECOND = {"dtype": "F32", "shape": [1], "data_offsets": [20, 24]}


@pytest.mark.parametrize(
    ("header", "size", "told"),
    [
        (entry(), 23, "it ends early, at "),
        (entry(), 25, "1 bytes follow its tensors"),
        (entry(dtype="F3"), 24, "a has a type that is not known"),
        (entry(dtype=["F32"]), 24, "a has a type that is not known"),
        ({"a": [1]}, 24, "a has a type that is not known"),
        (entry(shape=[2, 4]), 24, r"a \[2, 4\] does not take the 24 bytes"),
        (entry(shape=[-2, -3]), 24, "a has no shape and place that can be"),
        (entry(shape=[2.0, 3]), 24, "a has no shape and place that can be"),
        (entry(shape=None), 24, "a has no shape and place that can be"),
        (entry(data_offsets=[24, 0]), 24, "does not take the -24 bytes"),
        (entry(data_offsets=[0, 24, 24]), 24, "a has no shape and place that can be"),
        (entry(data_offsets=[0, 1 << 60]), 24, "a has no shape and place that can be"),
        (entry(data_offsets=[8, 32]), 32, "a begins at byte 8, where 0 was expected"),
        ({"a": ENTRY, "b": SECOND}, 24, "b begins at byte 20, where 24 was expected"),
        (b'{"a": 1, "a": 2}', 24, "its header repeats a name"),
        (b'{"a": ', 24, "damaged: "),
        (b'{"a": "\xff"}', 24, "damaged: "),
        (b'{"a":' + b"[" * 200_000, 24, "damaged: "),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path: Path, header: object, size: int, told: str):
    path = write(tmp_path / "a.safetensors", header, bytes(size))
    with pytest.raises(WeightsError, match=told) as caught:
        read_plain(path)
    assert caught.value.problem.startswith(f"{path}: damaged: ")


def test_a_file_that_ends_within_its_header_ends_early(tmp_path: Path):
    path = write(tmp_path / "a.safetensors", entry(), bytes(24))
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(WeightsError, match="damaged: it ends early, at 30 bytes: its header alone takes 7"):
        read_plain(path)
