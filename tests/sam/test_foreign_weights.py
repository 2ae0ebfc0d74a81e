"""Weights as other programs save them: what a SAM can take is taken and told, whatever stands around it."""

import argparse
import contextlib
import json
import pathlib
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sam_seismic.errors import WeightsError
from sam_seismic.sam import EncoderSize, Sam, build_sam
from sam_seismic.sam.weights import OFFICIAL, OfficialWeights, read_weights, verify
from sam_seismic.sam.weights.transformers_names import meta_name, transformers_name
from scripts.benchmarking.peers import make_pair

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def trained() -> State:
    torch.manual_seed(1)
    return build_sam("vit_t").state_dict()


@pytest.fixture(autouse=True)
def no_official_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "official"
    folder.mkdir()
    monkeypatch.setenv("SAM_SEISMIC_WEIGHTS", str(folder))
    return folder


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def saved(content: object, name: str = "a.pth") -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return saved


def renamed(state: State, rename: Callable[[str], str]) -> State:
    return {rename(name): tensor for name, tensor in state.items()}


def encoder_of(state: State) -> State:
    return {name: tensor for name, tensor in state.items() if name.startswith("image_encoder.")}


def same(sam: Sam, state: State) -> bool:
    own = sam.state_dict()
    return all(torch.equal(own[name], tensor) for name, tensor in state.items())


# --- wrappers and prefixes ----------------------------------------------------------------------------------------

WRAPS: dict[str, Callable[[State], object]] = {
    "": lambda state: state,
    "model": lambda state: {"model": state, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "epoch": 3},
    "model_state_dict": lambda state: {"epoch": 1, "model_state_dict": state},
    "model_state": lambda state: {"model_state": state, "best_metric": 0.5},
    "net": lambda state: {"net": state},
    "state_dict.model": lambda state: {"state_dict": {"model": state}},
    "whatever": lambda state: {"whatever": state},
}
PREFIXES = [
    *("", "module.", "model.", "sam.", "_orig_mod.", "network.", "module.model.sam.", "model.module.", "net.sam."),
    *("module._orig_mod.", "_orig_mod.module.", "model._orig_mod.module.sam."),
]


@pytest.mark.parametrize("wrap", WRAPS)
def test_the_key_that_the_weights_stand_under_does_not_matter(trained: State, save: Callable[..., Path], wrap: str):
    path = save(WRAPS[wrap](trained))
    assert same(build_sam("vit_t", path), trained)
    assert read_weights(path).content.place == wrap


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_do_not_matter_in_any_number_and_order(trained: State, save: Callable[..., Path], prefix: str):
    path = save({"state_dict": renamed(trained, lambda name: prefix + name)})
    assert same(build_sam("vit_t", path), trained)
    assert read_weights(path).content.notes() == []


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("image_encoder.", "image_encoder._orig_mod."),
        lambda name: name.replace("blocks.", "blocks._orig_mod."),
        lambda name: name.replace(".attn.", ".attn._orig_mod."),
        lambda name: "sam." + name.replace("mask_decoder.", "mask_decoder.module."),
        lambda name: name.replace(".mlp.", "._checkpoint_wrapped_module.mlp._fsdp_wrapped_module."),
    ],
)
def test_wrappers_of_submodules_do_not_matter(trained: State, save: Callable[..., Path], rename: Callable[[str], str]):
    """torch.compile of a submodule puts `_orig_mod` into the middle of names."""
    assert same(build_sam("vit_t", save(renamed(trained, rename))), trained)


def test_parts_that_were_saved_one_by_one_are_put_together(trained: State, save: Callable[..., Path]):
    parts: dict[str, State] = {}
    for name, tensor in trained.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    assert same(build_sam("vit_t", save({**parts, "epoch": 4})), trained)


def test_what_sam_does_not_have_is_left_out_and_named(trained: State, save: Callable[..., Path]):
    """One foreign key, a second network, an optimizer: each once, by its name or the key of its dict."""
    state = renamed(trained, lambda name: f"model.{name}") | {"loss.weight": torch.ones(3)}
    moments = {"state": {0: {"exp_avg": torch.ones(2)}, 1: {"exp_avg": torch.ones(2)}}}
    path = save({"state_dict": state, "optimizer": moments, "decoder_state": {"a": torch.ones(1)}, "epoch": 3})
    content = read_weights(path).content
    assert content.left_out == ("state_dict.loss.weight", "optimizer", "decoder_state")
    assert content.notes() == [
        f"{path}: left out: 3 (state_dict.loss.weight, optimizer, decoder_state): SAM has no such weights"
    ]
    assert same(build_sam("vit_t", path), trained)


def test_the_sam_in_a_sam_hq_is_taken(trained: State, save: Callable[..., Path]):
    more = {"mask_decoder.hf_token.weight": torch.zeros(1, 256), "mask_decoder.hf_mlp.layers.0.weight": torch.zeros(2)}
    path = save(trained | more)
    assert same(build_sam("vit_t", path), trained)
    assert read_weights(path).content.left_out == tuple(more)


def test_adapters_that_are_left_out_of_the_encoder_are_told(trained: State, save: Callable[..., Path]):
    """SAM-Med2D: its encoder computes something else without them."""
    path = save(trained | {"image_encoder.blocks.0.Adapter.channel.0.weight": torch.zeros(2)})
    (note,) = read_weights(path).content.notes()
    assert note.endswith("1 of them in the image encoder, whose output is another without them")


@pytest.mark.parametrize(
    ("two", "places"),
    [
        (lambda state: {"model": state, "ema": state}, "ema and model"),
        (
            lambda state: (
                renamed(state, lambda name: f"student.{name}") | renamed(state, lambda name: f"teacher.{name}")
            ),
            "student and teacher",
        ),
    ],
)
def test_two_sams_in_one_file_are_not_guessed_between(
    trained: State, save: Callable[..., Path], two: Callable[[State], object], places: str
):
    """The fix is carried out: what it writes loads."""
    path = save(two(trained))
    with pytest.raises(WeightsError, match=f"holds weights of a SAM under each of {places}") as caught:
        read_weights(path)
    assert same(build_sam("vit_t", carried_out(caught.value.fix, path)), trained)


def carried_out(fix: str, path: Path) -> Path:
    """Run the command at the end of a fix, in the folder of the file; gives the file that it writes.

    The words of the command are those that a shell makes of it; they run in this process, which has PyTorch already.
    """
    program, option, code = shlex.split(fix[fix.index("python -c") :])
    assert (program, option) == ("python", "-c")
    with contextlib.chdir(path.parent):
        exec(code, {})
    return path.with_name(f"{path.stem}_weights.pth")


# --- names of transformers ----------------------------------------------------------------------------------------


def test_names_of_transformers_and_back(published_shapes: Callable[..., State]):
    """Each of Meta's names has one of its own there."""
    names = list(published_shapes(192, 6, 3, (2, 5)))
    theirs = [transformers_name(name) for name in names]
    assert len(set(theirs)) == len(names)
    assert [meta_name(name, perceptrons=True) for name in theirs] == names
    assert [meta_name(name, perceptrons=False) for name in names] == names


@pytest.mark.parametrize("form", ["bin", "safetensors"])
def test_weights_of_transformers_load(form: str, tmp_path: Path):
    """Saved by their own SamModel: every tensor is where it was in the network that they were made from."""
    pair = make_pair(EncoderSize(width=192, depth=6, heads=3, global_blocks=(2, 5)))
    if form == "safetensors":
        pair.theirs.save_pretrained(tmp_path)
        path = tmp_path / "model.safetensors"
    else:
        path = tmp_path / "pytorch_model.bin"
        torch.save(pair.theirs.state_dict(), path)
    assert same(build_sam("vit_t", path), pair.ours.state_dict())
    content = read_weights(path).content
    assert (content.names, content.left_out, content.missing) == ("transformers", (), ())


def test_a_folder_of_transformers_is_pointed_into(tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError, match="a folder, not a weights file") as caught:
        read_weights(tmp_path)
    assert caught.value.fix == f"give the file: {tmp_path / 'model.safetensors'}"


# --- encoders alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["image_encoder.", "", "encoder.", "model.backbone."])
def test_an_encoder_alone_loads_and_the_rest_is_random(trained: State, save: Callable[..., Path], prefix: str):
    encoder = encoder_of(trained)
    path = save(renamed(encoder, lambda name: prefix + name.removeprefix("image_encoder.")))
    content = read_weights(path).content
    assert (content.missing, content.missing_from) == (("prompt_encoder", "mask_decoder"), None)
    assert "prompt encoder and mask decoder: random weights, not SAM's" in content.notes()[0]
    torch.manual_seed(3)
    first = build_sam("vit_t", path)
    torch.manual_seed(3)
    random = build_sam("vit_t").state_dict()
    assert same(first, encoder)
    assert same(first, {name: random[name] for name in random if name not in encoder})


def test_what_an_encoder_lacks_comes_from_the_official_file(
    trained: State, save: Callable[..., Path], no_official_files: Path, monkeypatch: pytest.MonkeyPatch
):
    """A finetuned encoder and SAM's own decoder."""
    monkeypatch.setitem(OFFICIAL, "vit_t", OfficialWeights("t.pth", "https://example.org/t.pth", "0" * 64, 1))
    official = {name: tensor + 1 for name, tensor in trained.items()}
    torch.save(official, no_official_files / "t.pth")
    encoder = encoder_of(trained)
    path = save(encoder)
    rest = {name: tensor for name, tensor in official.items() if name not in encoder}
    assert same(build_sam("vit_t", path), encoder | rest)
    (note,) = read_weights(path).content.notes()
    assert note == f"{path}: missing: prompt encoder and mask decoder: taken from {no_official_files / 't.pth'}"


def test_a_decoder_alone_is_no_sam(trained: State, save: Callable[..., Path]):
    path = save({name: tensor for name, tensor in trained.items() if name.startswith("mask_decoder")})
    with pytest.raises(WeightsError, match="holds no SAM with its ViT encoder, but SAM's mask decoder alone"):
        read_weights(path)


def test_half_a_decoder_is_refused(trained: State, save: Callable[..., Path]):
    """A part is whole or not there: nothing is mixed within one."""
    path = save({name: each for name, each in trained.items() if "iou_prediction_head" not in name})
    with pytest.raises(WeightsError, match=r"6 missing: mask_decoder\.iou_prediction_head"):
        read_weights(path)


# --- other image sizes, other numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("side", [16, 32])
def test_tables_of_another_image_size_are_interpolated(trained: State, save: Callable[..., Path], side: int):
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


def test_a_window_of_another_size_is_refused(trained: State, save: Callable[..., Path]):
    path = save(trained | {"image_encoder.blocks.0.attn.rel_pos_h": torch.zeros(13, 64)})
    with pytest.raises(WeightsError, match=r"blocks.0.attn.rel_pos_h \[13, 64\] instead of \[27, 64\]"):
        read_weights(path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_converted(trained: State, save: Callable[..., Path], dtype: torch.dtype):
    path = save({name: tensor.to(dtype) for name, tensor in trained.items()})
    sam = build_sam("vit_t", path)
    assert {each.dtype for each in sam.parameters()} == {torch.float32}
    assert same(sam, {name: tensor.to(dtype).float() for name, tensor in trained.items()})
    assert read_weights(path).content.precision == str(dtype).removeprefix("torch.")


def test_quantised_weights_are_refused(trained: State, save: Callable[..., Path]):
    path = save({name: tensor.to(torch.int8) for name, tensor in trained.items()})
    with pytest.raises(WeightsError, match="230 of integers or floats of 8 bits"):
        read_weights(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_number_that_is_not_finite_is_refused_with_its_name(
    trained: State, save: Callable[..., Path], value: float, dtype: torch.dtype
):
    name = "image_encoder.neck.0.weight"
    broken = trained[name].clone()
    broken.view(-1)[5] = value
    path = save({each: tensor.to(dtype) for each, tensor in (trained | {name: broken}).items()})
    for use in (verify, read_weights, lambda path: build_sam("vit_t", path)):
        with pytest.raises(WeightsError, match=f"1 of 49,152 values of {name} are NaN or infinite"):
            use(path)


def test_large_numbers_whose_sum_is_too_large_are_finite(trained: State, save: Callable[..., Path]):
    name = "image_encoder.neck.0.weight"
    state = trained | {name: torch.full_like(trained[name], 3e38)}
    assert same(build_sam("vit_t", save(state)), state)


# --- what stands beside the weights in a pickle -------------------------------------------------------------------


class Odd:
    """An object of a program that is not here."""


def test_plain_objects_of_training_scripts_do_no_harm(trained: State, save: Callable[..., Path]):
    """A best score of NumPy's, the arguments of the command line, a path."""
    beside = {"best": np.float64(0.3), "n": np.int64(2), "args": argparse.Namespace(lr=1), "p": pathlib.Path("a/b")}
    assert same(build_sam("vit_t", save({"model": trained, **beside})), trained)


@pytest.mark.parametrize("zipped", [True, False])
def test_an_object_that_is_not_opened_is_named_with_its_key(trained: State, tmp_path: Path, zipped: bool):
    """The fix is carried out: what it writes loads."""
    path = tmp_path / "odd.pth"
    torch.save({"model": trained, "extras": Odd()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(WeightsError, match=r"holds an object of .*Odd under 'extras', and could run code") as caught:
        read_weights(path)
    assert same(build_sam("vit_t", carried_out(caught.value.fix, path)), trained)


def test_a_whole_module_is_not_opened_but_can_be_saved_anew(trained: State, save: Callable[..., Path]):
    sam = Sam("vit_t")
    sam.load_state_dict(trained)
    path = save(nn.ModuleDict({"sam": sam}), "module.pth")
    with pytest.raises(WeightsError, match=r"holds an object of torch.nn.modules.container.ModuleDict") as caught:
        read_weights(path)
    assert same(build_sam("vit_t", carried_out(caught.value.fix, path)), trained)


def test_an_own_checkpoint_is_sent_to_init_from(trained: State, save: Callable[..., Path]):
    path = save({"sam_seismic": {}, "state_dict": renamed(trained, lambda name: f"network.{name}")}, "best.ckpt")
    with pytest.raises(WeightsError, match="a checkpoint of sam-seismic train") as caught:
        read_weights(path)
    assert f"model.init_from: {path}" in caught.value.fix


def test_what_verify_tells_is_plain(trained: State, save: Callable[..., Path]):
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
        "interpolated_from": None,
        "precision": "float32",
        "official": False,
    }
