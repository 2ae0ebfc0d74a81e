"""Problems with a configuration are told in the words of YAML, with what was written; no word of Python among them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sam_seismic.config import Config, dump_config, load_config, parse_config
from sam_seismic.errors import ConfigError

FILES = "data: {amplitude: a.sgy, labels: l.sgy, classes: [sand, shale]}\n"
PYTHON = re.compile(
    r"\b(tuple|dict|dictionary|str|string|int|integer|bool|boolean|float|None|True|False|pathlib|class)\b"
)


@pytest.fixture
def told(tmp_path: Path) -> Any:
    """What is told of a text, or bytes, and overrides."""

    def problem(text: str | bytes, *overrides: str) -> str:
        path = tmp_path / "x.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(ConfigError) as caught:
            load_config(path, overrides)
        return caught.value.problem

    return problem


@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        *(("no", "false"), ("yes", "true"), ("on", "true"), ("Off", "false")),
        *(("~", "nothing"), ("1", "a number"), ("1.5", "a number"), ("2024-01-01", "a date")),
    ],
)
def test_a_name_that_yaml_reads_as_something_else_is_to_be_quoted(
    told: Any, tmp_path: Path, written: str, meaning: str
):
    text = "data:\n  amplitude: a.sgy\n  labels: l.sgy\n  classes: [{}, shale]\n"
    found = told(text.format(written))
    assert (
        f'data.classes.0  must be text: quote it: "{written}" (without quotes YAML reads {written} as {meaning})'
        in found
    )
    (tmp_path / "x.yaml").write_text(text.format(f'"{written}"'))
    assert load_config(tmp_path / "x.yaml").data.classes == (written, "shale"), "the fix leads on"


def test_a_path_that_yaml_reads_as_a_number_is_to_be_quoted(told: Any):
    found = told(FILES.replace("a.sgy", "123") + "output: 2024-01-01")
    assert 'data.amplitude  must be a path: quote it: "123"' in found
    assert 'output          must be a path: quote it: "2024-01-01"' in found


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.classes=a, b, c", "data.classes  must be a list: write [a, b, c] (got 'a, b, c')"),
        ("data.classes=sand", "must be a list: write [sand]"),
        ("data.classes=no", 'must be a list: write ["no"] (got no)'),
        ("data.label_values=0, 1", "data.label_values  must be a list: write [0, 1]"),
        ("data.label_values=0 1 2", "data.label_values  must be a list: write [0, 1, 2] (got '0 1 2')"),
        ("data.classes=sand; oil shale", "must be a list: write [sand, oil shale]"),
        ("data.label_values=5", "must be a list: write [5] (got 5)"),
        ("data.split.regions={train: {inlines: 1-20}, val: {}}", "inlines  must be a list: write [1, 20] (got '1-20')"),
        ("data.split.regions={train: {inlines: [1]}, val: {}}", "inlines  has too few values (got [1])"),
        ("data.synthetic.shape=[1, 2, 3, 4]", "data.synthetic.shape  must be a list of 3 (got [1, 2, 3, 4])"),
        ("train.epochs=yes", "train.epochs  must be a whole number (got yes)"),
        ("train.epochs=2.5", "must be a whole number (got 2.5)"),
        ("train.epochs=", "must be a whole number (got nothing)"),
        ("train.learning_rate=on", "must be a number (got on)"),
        ("train.learning_rate=.inf", "must be a finite number (got .inf)"),
        ("train.cache=maybe", "must be true or false (got 'maybe')"),
        ("trainer.devices=[yes]", "trainer.devices  must be a whole number, a list of whole numbers or 'auto'"),
        ("trainer.devices=all", "must be a whole number, a list of whole numbers or 'auto' (got 'all')"),
        ("trainer.strategy=3", 'must be text: quote it: "3"'),
        ("model.weights=3", "model.weights  must be a path or 'random' (got 3)"),
        ("model.encoder=yes", "must hold keys (got yes)"),
        ("train.loss={kind: 3}", "must be one of 'cross_entropy_dice', 'lovasz' (got 3)"),
        ("data.split={on: 3}", "true  is read as no text, where a key is expected: quote it"),
    ],
)
def test_words(told: Any, override: str, words: str):
    found = told(FILES, override)
    assert words in found
    assert not PYTHON.search(found.replace("data.classes", ""))


def test_true_is_no_number_from_python_either():
    for value in (True, [True, 2]):
        with pytest.raises(ConfigError, match="whole number"):
            parse_config({"data": {"source": "synthetic"}, "trainer": {"devices": value}}, "x")


def test_true_and_false_are_still_themselves(tmp_path: Path):
    (tmp_path / "x.yaml").write_text(FILES + "train: {cache: no}")
    assert load_config(tmp_path / "x.yaml").train.cache is False


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_files_of_other_programs_are_read(tmp_path: Path, encoding: str):
    """PowerShell and editors write byte order marks and UTF-16."""
    (tmp_path / "x.yaml").write_bytes(FILES.replace("sand", "Sändig").encode(encoding))
    assert load_config(tmp_path / "x.yaml").data.classes == ("Sändig", "shale")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ((FILES + "# Schönau").encode("latin-1"), "line 2: byte 0xf6 is not UTF-8"),
        ("data:\n\tamplitude: a", "line 2: a tab, where YAML takes blanks only"),
        (FILES + "train: {epochs: 3}\ntrain: {seed: 1}", "line 3: the key train stands twice"),
        (FILES + "train: {seed: 010}", 'line 2: YAML reads 010 as 8: quote it for a text, "010"'),
        (FILES + "train: {seed: 1:30}", "line 2: YAML reads 1:30 as 90"),
        (FILES + "output: \x01", "the character U+0001 cannot stand in YAML"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(told: Any, text: str | bytes, words: str):
    assert words in told(text)


@pytest.mark.parametrize("number", ["0", "00", "10", "1_000", "0x10"])
def test_plain_numbers_are_read(tmp_path: Path, number: str):
    (tmp_path / "x.yaml").write_text(FILES + f"train: {{seed: {number}}}")
    assert load_config(tmp_path / "x.yaml").train.seed == int(number, 0)


def test_blanks_around_the_equals_sign_do_not_count(tmp_path: Path):
    (tmp_path / "x.yaml").write_text(FILES)
    assert load_config(str(tmp_path / "x.yaml"), ["train.epochs = 3", " train.seed= 4"]).train.epochs == 3


@pytest.mark.parametrize("override", ["train.epochs", "=3", "train..epochs=3", " = 3"])
def test_an_override_of_another_form_is_told_the_form(told: Any, override: str):
    assert "not of the form key=value" in told(FILES, override)


def test_variables_in_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Any):
    """They mean the same when the configuration of the run is read later, whatever they are then."""
    text = "data: {amplitude: $ROOM/a.sgy, labels: '~/l.sgy', classes: [a, b]}\nmodel: {weights: $ROOM/w}\n"
    text += "train: {store: '${ROOM}/$$store'}\noutput: $ROOM/run"
    monkeypatch.delenv("ROOM", raising=False)
    found = told(text)
    for key in ("data.amplitude", "model.weights", "train.store", "output"):
        assert re.search(rf"{key} +the variable ROOM in .* is not set", found)
    assert "4 problems" in found
    monkeypatch.setenv("ROOM", "/room")
    monkeypatch.setenv("HOME", "/home/ann")
    config = load_config(tmp_path / "x.yaml")
    assert (config.data.amplitude, config.data.labels) == (Path("/room/a.sgy"), Path("/home/ann/l.sgy"))
    assert config.model.weights == Path("/room/w")
    assert (config.train.store, config.output) == (Path("/room/$store"), Path("/room/run"))
    monkeypatch.setenv("ROOM", "/other")
    monkeypatch.setenv("store", "/other")
    assert parse_config(yaml.safe_load(dump_config(config)), "again") == config
    assert Config.model_validate(config.model_dump()) == config


def test_escapes_mean_the_same_as_letters(tmp_path: Path):
    (tmp_path / "x.yaml").write_text(FILES.replace("sand", "砂岩"), encoding="utf-8")
    config = load_config(tmp_path / "x.yaml")
    assert "砂岩" in dump_config(config)
    text = dump_config(config, ascii_only=True)
    assert text.isascii()
    assert parse_config(yaml.safe_load(text), "again") == config
