"""Unknown and inapplicable keys of a configuration are refused together; a valid one is read back unchanged."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sam_seismic.config import Config, NetworkConfig, SamConfig, dump_config, load_config, parse_config
from sam_seismic.config.base import models_of, word_of
from sam_seismic.config.encoder import EncoderConfig
from sam_seismic.errors import ConfigError

FILES = {"amplitude": "a.sgy", "labels": "l.sgy", "classes": ["sand", "shale"]}


def last_blocks(blocks: int) -> dict[str, Any]:
    return {"kind": "last_blocks", "blocks": blocks}


def words(union: Any) -> str:
    """The names of all kinds, as listed in messages."""
    return ", ".join(f"'{word_of(model)}'" for model in models_of(union))


LAST_BLOCKS = {"encoder": {"kind": "last_blocks", "blocks": 3}}
JITTER = {"jitter": 0.1}


def problems_of(tree: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(tree, "x.yaml")
    return caught.value.problem


def test_all_problems_are_reported_at_once_with_dotted_keys():
    """The user can correct the file once instead of once for each problem."""
    message = problems_of({"data": FILES, "model": {"encodr": "x", "size": 3}, "train": {"epochs": 0}, "trainr": {}})
    assert message.startswith("x.yaml: 4 problems\n")
    assert "model.encodr  unknown key; did you mean model.encoder?" in message
    assert "model.size    must be 'vit_t', 'vit_b', 'vit_l' or 'vit_h' (got 3)" in message
    assert "train.epochs  must be at least 1 (got 0)" in message
    assert "trainr        unknown key; did you mean train?" in message or "did you mean trainer?" in message


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"data": {"source": "f3"}}, "root is needed for source: f3"),
        ({"data": {"source": "f3", "root": "x", "labels": "y"}}, "labels cannot apply to source: f3"),
        ({"data": {"source": "f3", "root": "x", "split": {"test": 0.1}}}, "split.test cannot apply to source: f3"),
        (
            {"data": {"source": "f3", "root": "x", "split": {"regions": {"train": {}, "val": {}, "test": {}}}}},
            "split.regions.test cannot apply to source: f3",
        ),
        ({"data": FILES | {"root": "x"}}, "root cannot apply to source: files"),
        ({"data": {"amplitude": "a.sgy"}}, "classes is needed for source: files"),
        ({"data": FILES | {"classes": ["one"]}}, "classes must name at least 2 and at most 255 (got 1)"),
        ({"data": FILES | {"classes": [str(n) for n in range(256)]}}, "at least 2 and at most 255 (got 256)"),
        *(
            (
                {"data": FILES | {"classes": ["a", name]}},
                f"classes must be printable names without /, a leading dot or outer blanks (got {name!r})",
            )
            for name in ("", "  ", "sand ", ".hidden", "sand/shale", "../up", "a\0b", "a\nb")
        ),
        ({"data": FILES | {"label_values": [0, 40000]}}, "label_values must lie in -32768 to 32767 (got 40000)"),
        ({"data": FILES | {"ignore_values": [1, 9]}}, "ignore_values must be no values of classes (got 1)"),
        ({"data": FILES | {"label_values": [7, 255], "ignore_values": [255]}}, "no values of classes (got 255)"),
        ({"data": FILES | {"classes": ["a", "a"]}}, "classes must differ"),
        ({"data": FILES | {"label_values": [1]}}, "label_values must hold one value a class"),
        ({"data": FILES | {"split": {"val": 0.6, "test": 0.5}}}, "leave lines to train on, got 0.6 + 0.5"),
        ({"data": FILES | {"split": {"regions": {"train": {}}}}}, "regions needs val"),
        (
            {"data": FILES | {"split": {"guard": 3, "regions": {"train": {}, "val": {}}}}},
            "guard cannot apply beside regions",
        ),
        ({"data": FILES | {"split": {"regions": {"train": {"inlines": [9, 1]}, "val": {}}}}}, "inlines must ascend"),
        ({"data": FILES | {"split": {"folders": True, "val": 0.2}}}, "folders: true takes the split from subfolders"),
        ({"data": {"source": "synthetic", "synthetic": {"shape": [9, 64, 64]}}}, "shape must be at least 32"),
        ({"data": FILES, "model": {"encoder": "frozen", "decoder": "frozen"}}, "nothing would be trained"),
        ({"data": FILES, "model": {"size": "vit_t"}}, "weights: random is needed for vit_t"),
        ({"data": FILES, "model": {"weights": "random"}}, "a frozen encoder with random weights is useless"),
        ({"data": FILES, "input": {"side": 1000}}, "multiple of 16"),
        ({"data": FILES, "input": {"canvas": "loose"}}, "input.canvas  must be 'square' or 'tight' (got 'loose')"),
        ({"data": FILES, "input": {"jittered_copies": 3}}, "jittered_copies: 3 cannot apply without jitter"),
        ({"data": FILES, "input": {"jitter": 0.1, "jittered_copies": -1}}, "must be at least 0 (got -1)"),
        ({"data": FILES, "model": {"blocks": 2}}, "model.encoder.blocks  unknown key"),
        ({"data": FILES, "model": {"encoder": {"kind": "full", "blocks": 2}}}, "model.encoder.blocks  unknown key"),
        ({"data": FILES, "model": {"encoder": "last_blocks"}}, "model.encoder.blocks  is needed"),
        ({"data": FILES, "model": {"encoder": last_blocks(0)}}, "model.encoder.blocks  must be at least 1 (got 0)"),
        ({"data": FILES, "model": {"encoder": "none"}}, f"must be one of {words(EncoderConfig)} (got 'none')"),
        ({"data": FILES, "model": "none"}, f"must be one of {words(NetworkConfig)} (got 'none')"),
        ({"data": FILES, "model": {"kind": "vit", "size": "vit_b"}}, "model.size  unknown key"),
        ({"data": FILES, "model": {"kind": "vit", "width": 100, "heads": 3}}, "width must be a multiple of heads"),
        ({"data": FILES, "train": {"loss": {"kind": "lovasz", "dice": 1}}}, "train.loss.dice  unknown key"),
        *(
            (
                {"data": FILES, "model": {"size": size, "encoder": last_blocks(depth)}},
                f"encoder.blocks must be less than the {depth} that {size} has (got {depth}); encoder: full trains all",
            )
            for size, depth in (("vit_b", 12), ("vit_l", 24), ("vit_h", 32))
        ),
        ({"data": FILES, "model": {"checkpointing": True}}, "model.encoder.checkpointing  unknown key"),
        (
            {"data": FILES, "model": {"encoder": "full"}, "train": {"cache": True}},
            "train.cache: true cannot apply to model.encoder: full",
        ),
        *(
            ({"data": FILES} | tree, "train.store cannot apply where nothing is stored")
            for tree in (
                {"train": {"cache": False, "store": "x"}},
                {"model": {"encoder": "full"}, "train": {"store": "x"}},
            )
        ),
        ({"data": FILES, "train": None}, "train  has no keys below it"),
        ({"data": FILES, "train": 3}, "train  must hold keys (got 3)"),
        (
            {"data": FILES, "trainer": {"strategy": "fsdp"}},
            "trainer.strategy: fsdp shards the trained parameters",
        ),
        (
            {"data": FILES, "train": {"epochs": 3}, "trainer": {"val_every_epochs": 4}},
            "trainer.val_every_epochs: 4 is more than train.epochs: 3",
        ),
        (
            {"data": FILES, "train": {"pictures": 3}, "trainer": {"val_every_epochs": 2}},
            "train.pictures: 3 is no multiple of trainer.val_every_epochs: 2",
        ),
        ({"data": FILES | {"root": "~no-such-user/x"}}, "no-such-user"),
        ({"data": FILES, "train": {"seed": 2**32}}, "train.seed  must be less than 4294967296 (got 4294967296)"),
    ],
)
def test_keys_that_cannot_apply_are_refused(tree: dict[str, Any], message: str):
    assert message in problems_of(tree)


@pytest.mark.parametrize("model", [{}, LAST_BLOCKS], ids=["frozen", "last_blocks"])
@pytest.mark.parametrize("cache", [{}, {"train": {"cache": True}}], ids=["by default", "asked for"])
def test_jitter_with_a_store_is_refused_with_three_fixes(model: dict[str, Any], cache: dict[str, Any]):
    """A new image in every epoch cannot be stored; each fix in the message is accepted."""
    tree = {"data": FILES, "input": JITTER, "model": model} | cache
    message = problems_of(tree)
    assert "input.jitter: 0.1 makes a new image in every epoch" in message
    for way in ("input.jittered_copies: 3", "input.jitter: 0", "train.cache: false"):
        assert way in message
    assert parse_config(tree | {"input": JITTER | {"jittered_copies": 3}}, "x.yaml").caches
    assert parse_config(tree | {"input": {"jitter": 0}}, "x.yaml").caches
    assert not parse_config(tree | {"train": {"cache": False}}, "x.yaml").caches


def test_jitter_is_allowed_without_a_store():
    config = parse_config({"data": FILES, "input": JITTER, "model": {"encoder": "full"}}, "x.yaml")
    assert not config.caches
    assert config.input.jittered_copies == 0


def test_the_keys_of_version_0_1_are_read():
    """In version 0.1, `blocks` and `checkpointing` were siblings of `encoder`, and `dice` was in `train`."""
    old = {"model": {"encoder": "last_blocks", "blocks": 3, "checkpointing": True}, "train": {"dice": 0.5}}
    new = {
        "model": {"encoder": {"kind": "last_blocks", "blocks": 3, "checkpointing": True}},
        "train": {"loss": {"kind": "cross_entropy_dice", "dice": 0.5}},
    }
    assert parse_config({"data": FILES} | old, "x.yaml") == parse_config({"data": FILES} | new, "x.yaml")
    plain = {"model": {"encoder": "frozen", "blocks": None, "checkpointing": False}}
    assert parse_config({"data": FILES} | plain, "x.yaml") == parse_config({"data": FILES}, "x.yaml")


def test_the_path_of_the_store_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """By default no store is named, and the output of frozen parts is stored."""
    monkeypatch.chdir(tmp_path)
    config = parse_config({"data": FILES, "train": {"store": "store"}}, "x.yaml")
    assert config.train.store == tmp_path / "store"
    plain = parse_config({"data": FILES}, "x.yaml")
    assert (plain.train.store, plain.train.cache, plain.caches) == (None, None, True)
    assert (plain.input.canvas, plain.input.jittered_copies) == ("square", 0)


@pytest.mark.parametrize(
    "tree",
    [
        {"model": {"encoder": last_blocks(3) | {"checkpointing": True}}, "input": {"canvas": "tight"}},
        {"input": JITTER | {"jittered_copies": 3}, "train": {"cache": True, "store": "store"}},
        {"input": JITTER, "train": {"cache": False}},
        {"model": {"encoder": "full"}, "train": {"cache": False}},
    ],
)
def test_store_options_are_unchanged_by_writing_and_reading(tree: dict[str, Any]):
    config = parse_config({"data": FILES} | tree, "x.yaml")
    assert parse_config(yaml.safe_load(dump_config(config)), "again") == config


@pytest.mark.parametrize(
    "data",
    [
        FILES,
        FILES | {"split": {"regions": {"train": {"inlines": [1, 20]}, "val": {"inlines": [30, 40]}}}},
        FILES | {"split": {"folders": True}},
        FILES | {"label_values": [1, 255]},
        FILES | {"orientation": "crossline", "split": {"guard": 3}},
        FILES | {"label_values": [1, 6], "read": {"segy": {"inline_byte": 9}}},
        {"source": "f3", "root": "data/f3"},
        {"source": "seam_ai", "root": "data/seam_ai"},
        {"source": "synthetic", "synthetic": {"seed": 3}},
    ],
)
def test_a_configuration_is_unchanged_by_writing_and_reading(data: dict[str, Any]):
    """config.yaml of a run lists all defaults, but no key that cannot apply."""
    config = parse_config({"data": data}, "x.yaml")
    assert parse_config(yaml.safe_load(dump_config(config)), "again") == config


def test_overrides_reach_nested_keys(tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_text("data: {source: synthetic}\nmodel: {size: vit_t, weights: random, encoder: full}\n")
    config = load_config(path, ["train.epochs=7", "data.synthetic.shape=[40, 48, 64]", "train.learning_rate=1e-3"])
    assert config.train.epochs == 7
    assert config.data.synthetic.shape == (40, 48, 64)
    assert config.train.learning_rate == 1e-3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.epochs", "not of the form key=value"),
        ("train.epoch=3", "did you mean train.epochs?"),
        ("data.source.x=3", "source holds no keys"),
        ("train.epochs=[1", "not valid YAML"),
        ("train={seed: 1, seed: 2}", "the key seed stands twice"),
    ],
)
def test_invalid_overrides_are_refused(tmp_path: Path, override: str, message: str):
    path = tmp_path / "x.yaml"
    path.write_text("data: {source: synthetic}\nmodel: {size: vit_t, weights: random, encoder: full}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, [override])
    assert message in caught.value.problem


def test_paths_are_made_absolute_on_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A run folder and a checkpoint find the survey from any current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    files = FILES | {"amplitude": "data/a.sgy", "labels": "~/l.sgy"}
    config = parse_config({"data": files, "model": {"weights": "w.pth"}}, "x.yaml")
    assert config.data.amplitude == tmp_path / "data" / "a.sgy"
    assert config.data.labels == tmp_path / "home" / "l.sgy"
    assert config.model.weights == tmp_path / "w.pth"
    plain = yaml.safe_load(dump_config(config))
    assert (plain["data"]["amplitude"], plain["model"]["weights"]) == (f"{tmp_path}/data/a.sgy", f"{tmp_path}/w.pth")
    monkeypatch.chdir("/")
    assert parse_config(plain, "again") == config
    assert parse_config({"data": {"source": "f3", "root": "f3"}}, "x.yaml").data.root == Path("/f3")
    assert SamConfig(size="vit_t", weights="random").weights == "random"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {epochs: 3}\ndata: {}\ntrain: {batch_size: 2}\n", "line 3: the key train stands twice"),
        ("train:\n  epochs: 3\n  seed: 0\n  epochs: 4\n", "line 4: the key epochs stands twice"),
        ("data: [1\ntrain: {}\n", "line 2: "),
    ],
)
def test_duplicate_keys_are_refused_with_their_line(tmp_path: Path, text: str, message: str):
    """PyYAML would silently use the last one, and the user might look at the other one."""
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert f"{path}: not valid YAML: {message}" in caught.value.problem


def test_a_merge_key_is_not_a_duplicate_key(tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_text(
        "data: {source: synthetic, synthetic: &s {seed: 1}}\n"
        "model: {size: vit_t, weights: random, encoder: full}\ntrain: {<<: *s, epochs: 2, seed: 5}\n"
    )
    assert load_config(path).train.seed == 5


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "not valid YAML"), ("- 1", "expected keys"), ("", "expected keys")]
)
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path: Path, text: str, message: str):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert message in caught.value.problem


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"nothing\.yaml: there is no such configuration file"):
        load_config(tmp_path / "nothing.yaml")


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[1] / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_shipped_configurations_are_valid_and_start_with_their_command(path: Path):
    assert path.read_text().startswith(f"# sam-seismic train --config configs/{path.name}\n")
    assert isinstance(load_config(path), Config)
