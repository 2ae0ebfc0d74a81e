"""A YAML file comes in; a validated Config, or one error that lists all problems, goes out."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from sam_seismic.config.base import KIND
from sam_seismic.config.data import DataConfig
from sam_seismic.config.earlier_versions import upgraded
from sam_seismic.config.schema import Config
from sam_seismic.errors import ConfigError


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read and check an experiment's YAML.

    Args:
        path: the YAML file.
        overrides: each of the form `dotted.key=value`, with the value in YAML.

    Raises:
        ConfigError: the file is missing, is not a YAML mapping, or is invalid; all problems are listed.
    """
    tree = _read_yaml(path)
    for override in overrides:
        _apply(tree, override)
    return parse_config(tree, str(path))


def parse_config(tree: dict[str, Any], where: str) -> Config:
    """A Config from the plain data of a YAML file or a checkpoint.

    Raises:
        ConfigError: the data are invalid; all problems are listed with dotted keys.
    """
    try:
        return Config.model_validate(upgraded(tree))
    except ValidationError as error:
        rows = [_explain(dict(problem)) for problem in error.errors()]
    width = max(len(key) for key, _ in rows)
    listing = "\n".join(f"  {key:<{width}}  {what}" for key, what in rows)
    count = "1 problem" if len(rows) == 1 else f"{len(rows)} problems"
    raise ConfigError(
        problem=f"{where}: {count}\n{listing}", fix="correct the keys above; docs/configuration.md describes each key"
    )


def override_data(data: DataConfig, overrides: Sequence[str]) -> DataConfig:
    """The section `data:` of a configuration with other values.

    Args:
        data: as it was.
        overrides: each of the form `data.key=value`, with the value in YAML.

    Raises:
        ConfigError: a key is not below `data:`, or a value is invalid.
    """
    tree = {"data": data.model_dump(mode="json")}
    for override in overrides:
        if not override.startswith("data."):
            raise ConfigError(
                problem=f"--set {override}: a checkpoint is trained already: only keys of data: can be set",
                fix="--set data.amplitude=PATH says where the survey is now",
            )
        _apply(tree, override)
    return parse_config(tree, "--set").data


def dump_config(config: Config) -> str:
    """The whole configuration as YAML, defaults included."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def is_config_file(path: Path) -> bool:
    """Whether a file is the configuration of an experiment, of any version, and not that of another program."""
    try:
        tree = _read_yaml(path)
    except (OSError, ConfigError):
        return False
    return {"data", "model", "train"} <= tree.keys()


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses duplicate keys; PyYAML's own silently takes the last one."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            # The tag distinguishes the text '1' from the number 1.
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value} stands twice", problem_mark=key.start_mark
                )
            if name is not None:
                seen.add(name)
        return node


def _parse_yaml(text: str) -> Any:
    # _StrictLoader derives from PyYAML's safe loader, which creates plain values only.
    return yaml.load(text, Loader=_StrictLoader)


def _where(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    """Place and problem, such as `line 7: the key epochs stands twice`."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return str(error)


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(
            problem=f"{path}: there is no such configuration file", fix="give a YAML, e.g. configs/segy.yaml"
        )
    try:
        tree = _parse_yaml(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(problem=f"{path}: not valid YAML: {_where(error)}", fix="correct that line") from error
    if not isinstance(tree, dict):
        raise ConfigError(problem=f"{path}: expected keys such as data: and model:", fix="start from configs/segy.yaml")
    return tree


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(problem=f"--set {override}: not of the form key=value", fix="--set train.epochs=10")
    *parents, last = key.split(".")
    for count, parent in enumerate(parents, start=1):
        below = tree.setdefault(parent, {})
        if isinstance(below, str) and any(KIND in model.model_fields for model in _resolve(parents[:count])[1]):
            below = tree[parent] = {KIND: below}  # the short spelling of a kind, as a mapping
        if not isinstance(below, dict):
            raise ConfigError(problem=f"--set {override}: {parent} holds no keys", fix="set the key itself")
        tree = below
    try:
        tree[last] = _parse_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            problem=f"--set {override}: the value is not valid YAML: {_where(error)}", fix="quote it"
        ) from error


def _explain(problem: dict[str, Any]) -> tuple[str, str]:
    """Turn a problem reported by pydantic into (dotted key, message for the user)."""
    *place, last = problem["loc"] or ("",)
    parents, models = _resolve(place)
    keys, _ = _resolve([*place, last])
    key = ".".join(keys) or "(whole file)"
    given = problem.get("input")
    if problem["type"] == "extra_forbidden":
        siblings = list(dict.fromkeys(name for model in models for name in model.model_fields))
        close = difflib.get_close_matches(str(last), siblings, n=1)
        meant = ".".join([*parents, *close])
        known = f"known: {', '.join(siblings)}" if siblings else "it has no options"
        return key, f"unknown key; did you mean {meant}?" if close else f"unknown key; {known}"
    if problem["type"] == "union_tag_invalid":
        context = problem["ctx"]
        return key, f"must be one of {context['expected_tags']} (got {context['tag']!r})"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be ", "must be ")
    message = message.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
    if problem["type"] == "missing":
        message = "is needed"
    elif problem["type"] in ("model_type", "model_attributes_type"):
        message = "has no keys below it" if given is None else f"must hold keys (got {given!r})"
    elif isinstance(given, str | int | float | bool) or given is None:
        message += f" (got {given!r})" if problem["type"] != "value_error" else ""
    return key, message


def _resolve(place: Sequence[str | int]) -> tuple[list[str], list[type[BaseModel]]]:
    """Resolve the location of a problem to the keys in the YAML, and the models allowed at that place.

    Pydantic's location also contains the names of selected kinds, which are not keys.
    """
    keys: list[str] = []
    models: list[type[BaseModel]] = [Config]
    for part in map(str, place):
        chosen = [model for model in models if len(models) > 1 and model.model_fields[KIND].default == part]
        if chosen:
            models = chosen
            continue
        keys.append(part)
        models = [
            below for model in models if part in model.model_fields for below in _models_in(model.model_fields[part])
        ]
    return keys, models


def _models_in(field: Any) -> list[type[BaseModel]]:
    """All models in the type of a field."""
    kind = getattr(field, "annotation", field)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for part in get_args(kind) for model in _models_in(part)]
