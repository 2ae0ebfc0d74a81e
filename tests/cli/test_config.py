"""`config` prints what a YAML can say, and the whole of what one says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from sam_seismic.config import Config, load_config
from tests.cli.running import Run

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


def keys_of(model: type[BaseModel]) -> dict[str, set[str]]:
    """The keys of a model, and of all models below it, by the models' names."""
    found = {model.__name__: set(model.model_fields)}
    for field in model.model_fields.values():
        waiting: list[Any] = [field.annotation]
        while waiting:
            kind = waiting.pop()
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= keys_of(kind)
            waiting += getattr(kind, "__args__", ())
    return found


def test_the_schema_has_every_key(run: Run):
    said = run("config", "schema")
    assert said.exit_code == 0, said.stderr
    schema = json.loads(said.stdout)
    models = schema["$defs"] | {"Config": schema}
    keys = keys_of(Config)
    assert {"Config", "DataConfig", "SegyOptions", "TrainConfig"} <= keys.keys()
    assert {name: set(models[name]["properties"]) for name in keys} == keys
    assert models["TrainConfig"]["properties"]["epochs"]["minimum"] == 1
    assert models["InputConfig"]["additionalProperties"] is False


def test_an_experiment_has_a_schema_of_its_own(run: Run):
    schema = json.loads(run("config", "schema", "--experiment").stdout)
    assert {"base", "methods", "share", "seeds", "cross"} <= schema["properties"].keys()
    assert schema["properties"]["share"]["description"]


def test_the_schema_says_what_keys_mean(run: Run):
    side = json.loads(run("config", "schema").stdout)["$defs"]["InputConfig"]["properties"]["side"]
    assert "SAM was pretrained at 1024" in side["description"]
    assert side["default"] == 1024


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_what_is_shown_means_the_same(run: Run, tmp_path: Path, path: Path):
    """As YAML and as JSON, which is YAML, too."""
    for name, words in (("yaml", ()), ("json", ("--json",))):
        said = run("config", "show", path, *words)
        assert said.exit_code == 0, said.stderr
        shown = tmp_path / f"{name}.yaml"
        shown.write_text(said.stdout)
        assert load_config(shown) == load_config(path)
    assert json.loads(said.stdout)["train"]["warmup"] == load_config(path).train.warmup, "defaults are shown"


def test_show_applies_set(run: Run, tmp_path: Path):
    shown = tmp_path / "shown.yaml"
    shown.write_text(run("config", "show", CONFIGS[0], "--set", "train.epochs=7", "--set", "train.seed=3").stdout)
    config = load_config(shown)
    assert (config.train.epochs, config.train.seed) == (7, 3)
    assert config.data == load_config(CONFIGS[0]).data


def test_show_refuses_what_train_refuses(run: Run):
    said = run("config", "show", CONFIGS[0], "--set", "train.epoch=7")
    assert said.exit_code == 2
    assert "did you mean train.epochs?" in said.stderr
    assert not said.stdout
    assert "none.yaml: there is no such configuration file" in run("config", "show", "none.yaml").stderr


@pytest.mark.parametrize("words", [["schema"], ["show", str(CONFIGS[0])]])
def test_it_needs_no_torch(words: list[str]):
    code = f"import sys; sys.argv = ['sam-seismic', 'config', *{words!r}]\n"
    code += "from sam_seismic.cli import app\ntry:\n    app()\nfinally:\n    assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "epochs" in done.stdout


@pytest.mark.parametrize("command", ["schema", "show"])
def test_help_has_an_example(run: Run, command: str):
    assert f"sam-seismic config {command}" in run("config", command, "--help").stdout
