"""A YAML file comes in; a validated Config, or one error that lists all problems, goes out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sam_seismic.config.base import KIND
from sam_seismic.config.data import DataConfig
from sam_seismic.config.earlier_versions import upgraded
from sam_seismic.config.problems import explain, resolve
from sam_seismic.config.schema import Config
from sam_seismic.config.yaml_text import Written, YamlValue, explained, parse_yaml, read_yaml
from sam_seismic.errors import ConfigError
from sam_seismic.files.user_paths import AnyPath

_FORM = "--set KEY=VALUE, such as --set train.epochs=10"


def load_config(path: AnyPath, overrides: Sequence[str] = ()) -> Config:
    """Read and check an experiment's YAML.

    Args:
        path: the YAML file.
        overrides: each of the form `dotted.key=value`, with the value in YAML; blanks around the `=` do not count.

    Raises:
        ConfigError: the file is missing, is not a YAML mapping, or is invalid; all problems are listed.
    """
    source, written = read_tree(path, overrides)
    return parse_config(source, str(Path(path)), written)


def read_tree(path: AnyPath, overrides: Sequence[str] = ()) -> tuple[dict[str, Any], Written]:
    """The plain data of an experiment's YAML, not checked, and what was written for them; arguments of `load_config`.

    Raises:
        ConfigError: the file is missing, or is not a YAML mapping.
    """
    file = Path(path)
    if (file / "config.yaml").is_file():
        raise ConfigError(
            problem=f"{file}: is a folder, where a YAML file is expected", fix=f"give {file / 'config.yaml'}"
        )
    if not file.is_file():
        raise ConfigError(
            problem=f"{file}: there is no such configuration file", fix="give a YAML, e.g. configs/segy.yaml"
        )
    source = read_yaml(file)
    if not isinstance(source.value, dict):
        raise ConfigError(problem=f"{file}: expected keys such as data: and model:", fix="start from configs/segy.yaml")
    return source.value, Written((((), source), *applied(source.value, overrides)))


def applied(tree: dict[str, Any], overrides: Sequence[str]) -> list[tuple[tuple[str, ...], YamlValue]]:
    """Put the values of `key=value` into a tree; return the keys and the value of each."""
    return [_applied(tree, override) for override in overrides]


def parse_config(tree: dict[str, Any], where: str, written: Written | None = None) -> Config:
    """A Config from the plain data of a YAML file or a checkpoint.

    Args:
        tree: the data.
        where: they come from, for the message.
        written: what the user wrote for them, for the message.

    Raises:
        ConfigError: the data are invalid; all problems are listed with dotted keys.
    """
    try:
        return Config.model_validate(upgraded(tree))
    except ValidationError as error:
        rows = explain(error, written or Written())
    raise ConfigError(
        problem=listed_problems(where, rows), fix="correct the keys above; docs/configuration.md describes each key"
    )


def listed_problems(where: str, rows: Sequence[tuple[str, str]]) -> str:
    """`f3.yaml: 2 problems`, and a line for each: its dotted key and what is wrong."""
    width = max(len(key) for key, _ in rows)
    listing = "\n".join(f"  {key:<{width}}  {what}" for key, what in rows)
    count = "1 problem" if len(rows) == 1 else f"{len(rows)} problems"
    return f"{where}: {count}\n{listing}"


def override_data(data: DataConfig, overrides: Sequence[str]) -> DataConfig:
    """The section `data:` of a configuration with other values.

    Args:
        data: as it was.
        overrides: each of the form `data.key=value`, with the value in YAML.

    Raises:
        ConfigError: a key is not below `data:`, or a value is invalid.
    """
    tree = {"data": data.model_dump(mode="json")}
    sources = []
    for override in overrides:
        if not override.lstrip().startswith("data."):
            raise ConfigError(
                problem=f"--set {override}: a checkpoint is trained already: only keys of data: can be set",
                fix="--set data.amplitude=PATH says where the survey is now",
            )
        sources.append(_applied(tree, override))
    return parse_config(tree, "--set", Written(tuple(sources))).data


def dump_config(config: Config, *, ascii_only: bool = False) -> str:
    """The whole configuration as YAML, defaults included.

    Args:
        config: the experiment.
        ascii_only: write other letters as escapes, which mean the same in any encoding.
    """
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=not ascii_only)


def is_config_file(path: Path) -> bool:
    """Whether a file is the configuration of an experiment, of any version, and not that of another program."""
    try:
        tree = read_yaml(path).value
    except (OSError, ConfigError):
        return False
    return isinstance(tree, dict) and {"data", "model", "train"} <= tree.keys()


def _applied(tree: dict[str, Any], override: str) -> tuple[tuple[str, ...], YamlValue]:
    """Put the value of an override into a tree; return its keys and value."""
    key, equals, text = override.partition("=")
    keys = tuple(part.strip() for part in key.split("."))
    if not equals or not all(keys):
        raise ConfigError(problem=f"--set {override}: not of the form key=value", fix=_FORM)
    try:
        value = parse_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            problem=f"--set {override}: the value is not valid YAML: {explained(error)}", fix="quote it"
        ) from error
    try:
        put_value(tree, keys, value.value)
    except KeyError as error:
        raise ConfigError(
            problem=f"--set {override}: {error.args[0]} holds no keys", fix="set the key itself"
        ) from error
    return keys, value


def put_value(tree: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    """Put a value at some keys, one below the other, into the plain data of a configuration.

    Raises:
        KeyError: one of them holds no keys; its name is the argument.
    """
    for count, parent in enumerate(keys[:-1], start=1):
        below = tree.setdefault(parent, {})
        if isinstance(below, str) and any(KIND in model.model_fields for model in resolve(keys[:count])[1]):
            below = tree[parent] = {KIND: below}  # the short spelling of a kind, as a mapping
        if not isinstance(below, dict):
            raise KeyError(parent)
        tree = below
    tree[keys[-1]] = value
