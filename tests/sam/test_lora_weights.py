"""Weights files with low-rank factors of the attention (LoRA): merged, the encoder computes what it did with them."""

import copy
import hashlib
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sam_seismic.errors import WeightsError
from sam_seismic.sam import Sam, build_sam
from sam_seismic.sam.weights import OFFICIAL, OfficialWeights, read_weights, verify
from tests.cli.running import invoke
from tests.sam.weights_files import Save, State, renamed, same
from tests.shop import open_shop

WIDTH, RANK, BLOCKS = 192, 4, 6
NAMES = {
    "SAMed": ("qkv", {"a_q": "linear_a_q", "b_q": "linear_b_q", "a_v": "linear_a_v", "b_v": "linear_b_v"}),
    "micro-sam": (
        "qkv_proj",
        {"a_q": "w_a_linear_q", "b_q": "w_b_linear_q", "a_v": "w_a_linear_v", "b_v": "w_b_linear_v"},
    ),
}
"""Of a program: what it calls SAM's layer and the four factors beside it."""


class WithFactors(nn.Module):
    """SAM's layer, and factors that add to its query and value, under the names of a program."""

    def __init__(self, layer: nn.Module, names: tuple[str, dict[str, str]]) -> None:
        super().__init__()
        self.layer, self.factors = names
        self.add_module(self.layer, layer)
        for factor, name in self.factors.items():
            shape = (WIDTH, RANK) if factor.startswith("a") else (RANK, WIDTH)
            self.add_module(name, nn.Linear(*shape, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.get_submodule(self.layer)(x).chunk(3, dim=-1)
        layer = {factor: self.get_submodule(name) for factor, name in self.factors.items()}
        more = {part: layer[f"b_{part}"](layer[f"a_{part}"](x)) for part in "qv"}
        return torch.cat([query + more["q"], key, value + more["v"]], dim=-1)


def tuned(trained: State, names: tuple[str, dict[str, str]]) -> Sam:
    """A SAM with factors in each block."""
    torch.manual_seed(5)
    sam = build_sam("vit_t")
    sam.load_state_dict(trained)
    for block in sam.image_encoder.blocks:
        attention = block.get_submodule("attn")
        attention.register_module("qkv", WithFactors(attention.get_submodule("qkv"), names))
    return sam


def embedding_of(sam: Sam) -> Tensor:
    torch.manual_seed(6)
    with torch.no_grad():
        return sam.image_encoder(torch.randn(1, 3, 64, 64))


@pytest.mark.parametrize("program", NAMES)
def test_factors_beside_the_layers_are_merged(trained: State, save: Save, program: str):
    sam = tuned(trained, NAMES[program])
    state = {**sam.state_dict(), "image_encoder.pos_embed": trained["image_encoder.pos_embed"]}
    path = save({"model_state": renamed(state, lambda name: f"sam.{name}")})
    loaded = build_sam("vit_t", path)
    torch.testing.assert_close(embedding_of(loaded), embedding_of(sam))
    content = read_weights(path).content
    assert content.notes() == [f"{path}: LoRA: merged into 6 layers of the image encoder"]
    assert content.as_dict()["lora"] == {"layers": BLOCKS, "base": str(path)}
    untouched = {name: each for name, each in trained.items() if not name.endswith("attn.qkv.weight")}
    assert same(loaded, untouched)


@pytest.fixture
def _published(trained: State, save: Save, official_folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small SAM, as if it was published."""
    monkeypatch.setitem(OFFICIAL, "vit_t", OfficialWeights("t.pth", "https://example.org/t.pth", "0" * 64, 1))
    torch.save(trained, official_folder / "t.pth")


def samed_file(sam: Sam, masks: int) -> State:
    """What SAMed writes: numbered factors of all blocks, and the other parts of SAM, with a mask for each class."""
    state: State = {}
    for number, block in enumerate(sam.image_encoder.blocks):
        for place, part in enumerate("qv"):
            for factor in "ab":
                layer = block.get_submodule(f"attn.qkv.linear_{factor}_{part}")
                state[f"w_{factor}_{2 * number + place:03d}"] = layer.get_parameter("weight").detach()
    state |= {name: each + 1 for name, each in sam.state_dict().items() if not name.startswith("image_encoder.")}
    if masks != 4:
        decoder = copy.deepcopy(sam.mask_decoder.state_dict())
        state["mask_decoder.mask_tokens.weight"] = torch.zeros(masks, 256)
        for name, each in decoder.items():
            if name.startswith("output_hypernetworks_mlps.0."):
                for more in range(4, masks):
                    state[f"mask_decoder.{name.replace('mlps.0', f'mlps.{more}')}"] = each
    return state


@pytest.mark.usefixtures("_published")
def test_factors_without_an_encoder_are_merged_into_the_official_one(trained: State, save: Save, official_folder):
    sam = tuned(trained, NAMES["SAMed"])
    path = save(samed_file(sam, masks=4))
    loaded = build_sam("vit_t", path)
    torch.testing.assert_close(embedding_of(loaded), embedding_of(sam))
    others = {name: each + 1 for name, each in trained.items() if not name.startswith("image_encoder.")}
    assert same(loaded, others)
    (note,) = read_weights(path).content.notes()
    assert note == f"{path}: LoRA: merged into 6 layers of the image encoder of {official_folder / 't.pth'}"


@pytest.mark.usefixtures("_published")
def test_a_decoder_for_other_masks_is_left_out_and_told(trained: State, save: Save, official_folder):
    """SAMed has a mask for each of its classes and one more."""
    sam = tuned(trained, NAMES["SAMed"])
    path = save(samed_file(sam, masks=9))
    loaded = build_sam("vit_t", path)
    torch.testing.assert_close(embedding_of(loaded), embedding_of(sam))
    assert same(loaded, {name: each for name, each in trained.items() if name.startswith("mask_decoder.")})
    prompts = {name: each + 1 for name, each in trained.items() if name.startswith("prompt_encoder.")}
    assert same(loaded, prompts)
    content = verify(path).content
    assert content.left_out == ()
    assert dict(content.rows())["missing"] == (
        f"mask decoder (the file's is for 9 masks instead of 4): taken from {official_folder / 't.pth'}"
    )
    assert content.as_dict()["other_masks"] == 9


def test_factors_need_the_encoder_that_they_were_trained_for(trained: State, save: Save):
    path = save(samed_file(tuned(trained, NAMES["SAMed"]), masks=4))
    with pytest.raises(WeightsError, match="a LoRA for the image encoder of vit_t, without that encoder") as caught:
        read_weights(path)
    assert caught.value.fix == "merge them with the program that wrote the LoRA", "there is no vit_t to fetch"


@pytest.mark.follows("sam/weights/load.py", "sam-seismic weights fetch {} gets it; or ")
def test_the_encoder_that_they_need_is_fetched_as_told(
    trained: State, save: Save, official_folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """From a server on this machine, that offers one for this size."""
    path = save(samed_file(tuned(trained, NAMES["SAMed"]), masks=4))
    torch.save(dict(trained), tmp_path / "offered.pth")
    with open_shop(monkeypatch) as shop:
        shop.content = (tmp_path / "offered.pth").read_bytes()
        sha256 = hashlib.sha256(shop.content).hexdigest()
        address = f"http://127.0.0.1:{shop.port}/t.pth"
        monkeypatch.setitem(OFFICIAL, "vit_t", OfficialWeights("t.pth", address, sha256, len(shop.content)))
        with pytest.raises(WeightsError) as caught:
            read_weights(path)
        words = caught.value.fix.removeprefix("sam-seismic ").partition(" gets")[0].split()
        assert invoke(*words).exit_code == 0
    assert "LoRA: merged into 6 layers" in read_weights(path).content.notes()[0]


@pytest.mark.usefixtures("_published")
@pytest.mark.parametrize("lost", ["w_a_003", "w_b_000"])
def test_factors_of_which_one_is_lost_are_refused(trained: State, save: Save, lost: str):
    state = samed_file(tuned(trained, NAMES["SAMed"]), masks=4)
    del state[lost]
    path = save(state)
    with pytest.raises(WeightsError, match="a LoRA or an adapter, which changes an encoder"):
        read_weights(path)


def test_factors_of_another_shape_are_refused(trained: State, save: Save):
    state = tuned(trained, NAMES["SAMed"]).state_dict()
    state["image_encoder.blocks.3.attn.qkv.linear_b_v.weight"] = torch.zeros(WIDTH, RANK + 1)
    path = save(state)
    with pytest.raises(WeightsError, match="not the weights of a SAM alone, but with a LoRA or an adapter"):
        read_weights(path)
