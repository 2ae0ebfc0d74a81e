"""YAML text comes in, a frozen and checked Config goes out, or all its problems at once."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sam_seismic.config.schema import Config
from sam_seismic.errors import ConfigError


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read and check an experiment's YAML.

    Args:
        path: the YAML file.
        overrides: `dotted.key=value` each, the value in YAML.

    Raises:
        ConfigError: the file is missing, is no YAML mapping, or holds problems; all of them are listed.
    """
    tree = _read_yaml(path)
    for override in overrides:
        _apply(tree, override)
    return parse_config(tree, str(path))


def parse_config(tree: dict[str, Any], where: str) -> Config:
    """A Config from plain data, as it stands in a YAML or a checkpoint.

    Raises:
        ConfigError: all problems, with dotted keys.
    """
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        rows = [_explain(dict(problem)) for problem in error.errors()]
    width = max(len(key) for key, _ in rows)
    listing = "\n".join(f"  {key:<{width}}  {what}" for key, what in rows)
    count = "1 problem" if len(rows) == 1 else f"{len(rows)} problems"
    raise ConfigError(
        problem=f"{where}: {count}\n{listing}", fix="correct the keys above; docs/configuration.md describes each key"
    )


def dump_config(config: Config) -> str:
    """The whole configuration as YAML, defaults included."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


class _StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader takes the last of two equal keys without a word; this one refuses them."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            # The tag tells the text '1' from the number 1.
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value} stands twice", problem_mark=key.start_mark
                )
            if name is not None:
                seen.add(name)
        return node


def _parse_yaml(text: str) -> Any:
    # The loader is PyYAML's safe one: it makes plain values only.
    return yaml.load(text, Loader=_StrictLoader)


def _where(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    """`line 7: the key epochs stands twice`."""
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
        raise ConfigError(problem=f"{path}: not valid YAML: {_where(error)}", fix="mend the line it names") from error
    if not isinstance(tree, dict):
        raise ConfigError(problem=f"{path}: expected keys such as data: and model:", fix="start from configs/segy.yaml")
    return tree


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(problem=f"--set {override}: not of the form key=value", fix="--set train.epochs=10")
    *parents, last = key.split(".")
    for parent in parents:
        below = tree.setdefault(parent, {})
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
    """A problem of pydantic's -> (dotted key, what to do) in this program's words."""
    location = [str(part) for part in problem["loc"]]
    key = ".".join(location) or "(whole file)"
    given = problem.get("input")
    if problem["type"] == "extra_forbidden":
        siblings = _keys_at(location[:-1])
        close = difflib.get_close_matches(location[-1], siblings, n=1)
        meant = ".".join([*location[:-1], *close])
        return key, f"unknown key; did you mean {meant}?" if close else f"unknown key; known: {', '.join(siblings)}"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be ", "must be ")
    message = message.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
    if problem["type"] == "missing":
        message = "is needed"
    elif problem["type"] == "model_type":
        message = "has no keys below it" if given is None else f"must hold keys (got {given!r})"
    elif isinstance(given, str | int | float | bool) or given is None:
        message += f" (got {given!r})" if problem["type"] != "value_error" else ""
    return key, message


def _keys_at(location: Sequence[str]) -> list[str]:
    model: Any = Config
    for part in location:
        field = model.model_fields.get(part) if hasattr(model, "model_fields") else None
        model = field.annotation if field is not None else None
    return list(model.model_fields) if hasattr(model, "model_fields") else []
