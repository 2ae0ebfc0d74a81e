"""Values in weights files: tables of another image size, other precisions, NaN and infinite values."""

import json

import pytest
import torch
from torch.nn import functional

from sam_seismic.errors import WeightsError
from sam_seismic.sam import build_sam
from sam_seismic.sam.weights import read_weights, verify
from tests.sam.weights_files import Save, State, encoder_of, renamed, same


@pytest.mark.parametrize("side", [16, 32])
def test_tables_of_another_image_size_are_interpolated(trained: State, save: Save, side: int):
    """SAMed has 512 pixels, SAM-Med2D 256: absolute positions bicubic, relative ones of the whole image linear."""
    torch.manual_seed(4)
    table, relative = torch.randn(1, side, side, 192), torch.randn(2 * side - 1, 64)
    tables = {
        f"image_encoder.blocks.{block}.attn.rel_pos_{axis}": relative * (block + 1) for block in (2, 5) for axis in "hw"
    }
    path = save(trained | tables | {"image_encoder.pos_embed": table})
    state = build_sam("vit_t", path).state_dict()
    absolute = functional.interpolate(table.permute(0, 3, 1, 2), size=(64, 64), mode="bicubic").permute(0, 2, 3, 1)
    torch.testing.assert_close(state["image_encoder.pos_embed"], absolute)
    for name, each in tables.items():
        # As get_rel_pos of segment-anything has it.
        resized = functional.interpolate(each.reshape(1, each.shape[0], -1).permute(0, 2, 1), size=127, mode="linear")
        torch.testing.assert_close(state[name], resized.reshape(-1, 127).permute(1, 0))
    windows = "image_encoder.blocks.0.attn.rel_pos_h"
    assert torch.equal(state[windows], trained[windows])
    (note,) = read_weights(path).content.notes()
    assert f"tables for images of {16 * side} x {16 * side} pixels: interpolated to 1024 x 1024" in note
    assert verify(path).as_dict()["interpolated_from"] == [16 * side, 16 * side]


def test_a_window_of_another_size_is_refused(trained: State, save: Save):
    path = save(trained | {"image_encoder.blocks.0.attn.rel_pos_h": torch.zeros(13, 64)})
    with pytest.raises(WeightsError, match=r"blocks.0.attn.rel_pos_h \[13, 64\] instead of \[27, 64\]"):
        read_weights(path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_converted(trained: State, save: Save, dtype: torch.dtype):
    path = save({name: tensor.to(dtype) for name, tensor in trained.items()})
    sam = build_sam("vit_t", path)
    assert {each.dtype for each in sam.parameters()} == {torch.float32}
    assert same(sam, {name: tensor.to(dtype).float() for name, tensor in trained.items()})
    assert read_weights(path).content.precision == str(dtype).removeprefix("torch.")


def test_quantised_weights_are_refused(trained: State, save: Save):
    path = save({name: tensor.to(torch.int8) for name, tensor in trained.items()})
    with pytest.raises(WeightsError, match="230 of integers or floats of 8 bits"):
        read_weights(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_number_that_is_not_finite_is_refused_with_its_name(
    trained: State, save: Save, value: float, dtype: torch.dtype
):
    name = "image_encoder.neck.0.weight"
    broken = trained[name].clone()
    broken.view(-1)[5] = value
    path = save({each: tensor.to(dtype) for each, tensor in (trained | {name: broken}).items()})
    for use in (verify, read_weights, lambda path: build_sam("vit_t", path)):
        with pytest.raises(WeightsError, match=f"1 of 49,152 values of {name} are NaN or infinite"):
            use(path)


def test_large_numbers_whose_sum_is_too_large_are_finite(trained: State, save: Save):
    name = "image_encoder.neck.0.weight"
    state = trained | {name: torch.full_like(trained[name], 3e38)}
    assert same(build_sam("vit_t", save(state)), state)


def test_what_verify_tells_is_plain(trained: State, save: Save):
    path = save({"model_state": renamed(encoder_of(trained), lambda name: f"sam.{name}")})
    told = json.loads(json.dumps(verify(path).as_dict()))
    assert told.pop("sha256")
    assert told == {
        "path": str(path),
        "size": "vit_t",
        "names": "segment-anything",
        "place": "model_state.sam",
        "left_out": [],
        "missing": {"prompt_encoder": "random", "mask_decoder": "random"},
        "other_masks": None,
        "lora": None,
        "interpolated_from": None,
        "precision": "float32",
        "official": False,
    }
