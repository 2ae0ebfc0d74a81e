"""A network that starts from another one computes the same for the classes that both have, whatever their order."""

import pytest
import torch

from sam_seismic.config import NetworkConfig, parse_config
from sam_seismic.networks import NETWORKS, Network, build_network
from sam_seismic.networks.class_weights import class_weights
from sam_seismic.networks.heads import HEADS
from sam_seismic.networks.warm_start import NetworkSource, WarmStart, take_weights

CANVAS = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
SMALL = {
    "sam": {"kind": "sam", "size": "vit_t", "weights": "random", "encoder": "full"},
    "vit": {"kind": "vit", "width": 16, "depth": 2, "heads": 2, "encoder": "full"},
}
"""A small one of each kind of network; SAM has each kind of head."""
MODELS = [{**SMALL["sam"], "head": head} for head in HEADS] + [SMALL[kind] for kind in NETWORKS if kind != "sam"]


def config_of(model: dict[str, object]) -> NetworkConfig:
    return parse_config({"data": {"source": "synthetic"}, "model": model}, "").model


def built(model: dict[str, object], classes: int, seed: int) -> Network:
    torch.manual_seed(seed)
    return build_network(config_of(model), classes).eval()


def started(model: dict[str, object], classes: str, other: str) -> tuple[torch.Tensor, torch.Tensor, WarmStart]:
    """Logits [class, h, w] of a network with classes of one letter each, and of the other one that it started from."""
    source, network = built(model, len(other), 0), built(model, len(classes), 1)
    config = config_of(model)
    start = take_weights(network, config, tuple(classes), NetworkSource(config, tuple(other), source.state_dict()))
    with torch.no_grad():
        return network(CANVAS)[0], source(CANVAS)[0], start


@pytest.mark.parametrize("model", MODELS, ids=lambda model: f"{model['kind']} {model.get('head', '')}")
def test_classes_go_by_their_names(model: dict[str, object]):
    """Of every network and every head: a reversed order of classes gives the planes of logits in reversed order."""
    reversed_, before, start = started(model, "cba", "abc")
    torch.testing.assert_close(reversed_, before.flip(0), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(before[0], before[2], atol=1e-2)
    assert (start.classes, start.new_classes, start.unused_classes) == (("c", "b", "a"), (), ())
    assert (start.lacking, start.unused) == ((), ())


@pytest.mark.parametrize("model", [SMALL["vit"]])
def test_other_classes_start_anew_and_are_named(model: dict[str, object]):
    now, before, start = started(model, "xca", "abc")
    torch.testing.assert_close(now[1:], before[[2, 0]], atol=1e-5, rtol=1e-5)
    assert not any(torch.allclose(now[0], plane, atol=1e-2) for plane in before)
    assert (start.classes, start.new_classes, start.unused_classes) == (("c", "a"), ("x",), ("b",))


def test_another_way_of_tuning_and_another_number_of_classes():
    frozen, full = (config_of({**SMALL["sam"], "encoder": kind}) for kind in ("frozen", "full"))
    torch.manual_seed(0)
    source, network = build_network(full, 2), build_network(frozen, 6)
    start = take_weights(network, frozen, tuple("uvwxab"), NetworkSource(full, ("a", "b"), source.state_dict()))
    mine, theirs = network.state_dict(), source.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in start.taken)
    assert "image_encoder.blocks.0.attn.qkv.weight" in start.taken
    assert torch.equal(mine["head.class_tokens.weight"][4:], theirs["head.class_tokens.weight"])
    name = "layers.2.weight"
    assert torch.equal(mine[f"head.hypernetworks.5.{name}"], theirs[f"head.hypernetworks.1.{name}"])
    assert not torch.equal(mine[f"head.hypernetworks.0.{name}"], theirs[f"head.hypernetworks.0.{name}"])


def test_weights_of_another_shape_or_name_are_not_taken():
    """They are named: nothing is dropped in silence."""
    config = config_of(SMALL["vit"])
    source, network = built(SMALL["vit"], 2, 0), built(SMALL["vit"], 2, 1)
    state = dict(source.state_dict())
    state["image_encoder.pos_embed"] = state["image_encoder.pos_embed"][:, :3]
    state["lora"] = state.pop("image_encoder.neck.bias")
    start = take_weights(network, config, ("a", "b"), NetworkSource(config, ("b", "z"), state))
    assert start.lacking == ("image_encoder.pos_embed", "image_encoder.neck.bias")
    assert start.unused == ("image_encoder.pos_embed", "lora")
    bias = network.state_dict()["head.bias"]
    assert torch.equal(bias[256:], state["head.bias"][:256])
    assert torch.equal(bias[:256], built(SMALL["vit"], 2, 1).state_dict()["head.bias"][:256])


def test_what_belongs_to_a_class():
    found = class_weights(config_of(SMALL["sam"]), 2)
    assert found.by_class[1]["head.class_tokens.weight"].rows == slice(1, 2)
    mlp = found.by_class[1]["head.hypernetworks.*.layers.2.bias"]
    assert (mlp.name, mlp.rows) == ("head.hypernetworks.1.layers.2.bias", slice(None))
    assert all(name.startswith(("head.class_tokens", "head.hypernetworks")) for name in found.names)
    assert len(found.by_class[0]) == 7
    assert len(found.names) == 1 + 2 * 6
