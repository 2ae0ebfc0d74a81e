"""Weights as other programs save them: the SAM in a file is found, whatever keys, prefixes and names it has there."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sam_seismic.errors import WeightsError
from sam_seismic.sam import EncoderSize, build_sam
from sam_seismic.sam.weights import OFFICIAL, OfficialWeights, read_weights
from sam_seismic.sam.weights.transformers_names import meta_name, transformers_name
from scripts.benchmarking.peers import make_pair
from tests.sam.weights_files import Save, State, carried_out, encoder_of, renamed, same

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
def test_the_key_that_the_weights_stand_under_does_not_matter(trained: State, save: Save, wrap: str):
    path = save(WRAPS[wrap](trained))
    assert same(build_sam("vit_t", path), trained)
    assert read_weights(path).content.place == wrap


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_do_not_matter_in_any_number_and_order(trained: State, save: Save, prefix: str):
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
def test_wrappers_of_submodules_do_not_matter(trained: State, save: Save, rename: Callable[[str], str]):
    """torch.compile of a submodule puts `_orig_mod` into the middle of names."""
    assert same(build_sam("vit_t", save(renamed(trained, rename))), trained)


def test_parts_that_were_saved_one_by_one_are_put_together(trained: State, save: Save):
    parts: dict[str, State] = {}
    for name, tensor in trained.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    assert same(build_sam("vit_t", save({**parts, "epoch": 4})), trained)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("image_encoder.", "image_encoder.base."),
        ("image_encoder.", "backbone.image_encoder."),
        ("mask_decoder.", "head.sam.mask_decoder."),
        ("prompt_encoder.", "own.prompt_encoder."),
    ],
)
def test_a_part_in_a_module_of_its_own_is_found(trained: State, save: Save, old: str, new: str):
    path = save({"model": renamed(trained, lambda name: name.replace(old, new)), "epoch": 1})
    assert same(build_sam("vit_t", path), trained)
    assert read_weights(path).content.left_out == ()


def test_what_sam_does_not_have_is_left_out_and_named(trained: State, save: Save):
    """One foreign key, a second network, an optimizer: each once, by its name or the key of its dict."""
    state = renamed(trained, lambda name: f"model.{name}") | {"loss.weight": torch.ones(3)}
    moments = {"state": {0: {"exp_avg": torch.ones(2)}, 1: {"exp_avg": torch.ones(2)}}}
    path = save({"state_dict": state, "optimizer": moments, "decoder_state": {"a": torch.ones(1)}, "epoch": 3})
    content = read_weights(path).content
    assert content.left_out == ("state_dict.loss.weight", "optimizer", "decoder_state")
    assert content.notes() == [
        f"{path}: left out: 3 (state_dict.loss.weight, optimizer, decoder_state): not recognised as a part of SAM"
    ]
    assert same(build_sam("vit_t", path), trained)


def test_the_sam_in_a_sam_hq_is_taken(trained: State, save: Save):
    more = {"mask_decoder.hf_token.weight": torch.zeros(1, 256), "mask_decoder.hf_mlp.layers.0.weight": torch.zeros(2)}
    path = save(trained | more)
    assert same(build_sam("vit_t", path), trained)
    assert read_weights(path).content.left_out == tuple(more)


def test_adapters_that_are_left_out_of_the_encoder_are_told(trained: State, save: Save):
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
    trained: State, save: Save, two: Callable[[State], object], places: str
):
    """The fix is carried out: what it writes loads."""
    path = save(two(trained))
    with pytest.raises(WeightsError, match=f"holds weights of a SAM under each of {places}") as caught:
        read_weights(path)
    assert same(build_sam("vit_t", carried_out(caught.value.fix, path)), trained)


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
def test_an_encoder_alone_loads_and_the_rest_is_random(trained: State, save: Save, prefix: str):
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
    trained: State, save: Save, official_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """A finetuned encoder and SAM's own decoder."""
    monkeypatch.setitem(OFFICIAL, "vit_t", OfficialWeights("t.pth", "https://example.org/t.pth", "0" * 64, 1))
    official = {name: tensor + 1 for name, tensor in trained.items()}
    torch.save(official, official_folder / "t.pth")
    encoder = encoder_of(trained)
    path = save(encoder)
    rest = {name: tensor for name, tensor in official.items() if name not in encoder}
    assert same(build_sam("vit_t", path), encoder | rest)
    (note,) = read_weights(path).content.notes()
    assert note == f"{path}: missing: prompt encoder and mask decoder: taken from {official_folder / 't.pth'}"


def test_a_decoder_alone_is_no_sam(trained: State, save: Save):
    path = save({name: tensor for name, tensor in trained.items() if name.startswith("mask_decoder")})
    with pytest.raises(WeightsError, match="holds no SAM with its ViT encoder, but SAM's mask decoder alone"):
        read_weights(path)


def test_half_a_decoder_is_refused(trained: State, save: Save):
    """A part is whole or not there: nothing is mixed within one."""
    path = save({name: each for name, each in trained.items() if "iou_prediction_head" not in name})
    with pytest.raises(WeightsError, match=r"6 missing: mask_decoder\.iou_prediction_head"):
        read_weights(path)
