"""Problems that pydantic finds in a configuration come in; rows of a dotted key and plain words go out."""

import datetime
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from sam_seismic.config.base import KIND, MAPPING, PATH, PATHS
from sam_seismic.config.schema import Config
from sam_seismic.config.yaml_text import Written

_WHOLE, _NUMBER, _TRUTH, _LIST, _KEYS = "a whole number", "a number", "true or false", "a list", "hold keys"
_MUST_BE = {
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "a finite number",
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "string_type": "text",
    "path_type": "a path",
    "tuple_type": _LIST,
    "list_type": _LIST,
}
"""What a value must be, by pydantic's name of the problem."""
_BRANCHES = {"int": _WHOLE, "float": _NUMBER, "bool": _TRUTH, "str": "text", "list[int]": "a list of whole numbers"}
"""What a value may be, by pydantic's name of one of several types that a key takes."""
_BRANCH = re.compile(r"(int|float|bool|str|path)$|(list|tuple|dict|literal|function-\w+|lax-or-strict|nullable)\[")
"""Such names in the location of a problem, where they are no keys."""


@dataclass(frozen=True)
class _Problem:
    """A problem, and where it is.

    Args:
        kind: pydantic's name of it.
        keys: as the user writes them.
        branch: pydantic's name of the type that the value was tried for; empty for a key of one type.
        given: the value.
        message: pydantic's words.
        context: further facts, by name.
        siblings: the keys that are known beside the last one.
    """

    kind: str
    keys: tuple[str, ...]
    branch: str
    given: Any
    message: str
    context: Mapping[str, Any]
    siblings: tuple[str, ...]


def explain(error: ValidationError, written: Written, root: type[BaseModel] = Config) -> list[tuple[str, str]]:
    """A row for each key with a problem: the dotted key and what is wrong with its value.

    Args:
        error: all problems.
        written: what the user wrote for each value.
        root: the model of the whole file.
    """
    problems = [_placed(dict(each), root) for each in error.errors()]
    rows: dict[str, str] = {}
    for problem in problems:
        key = shown(problem.given) if problem.kind == "invalid_key" else ".".join(problem.keys) or "(whole file)"
        same = [each for each in problems if each.branch and each.keys == problem.keys]
        words = _of_alternatives(same, written) if problem.branch else _in_words(problem, written)
        if words not in rows.setdefault(key, words):
            rows[key] += f"; {words}"
    return list(rows.items())


def resolve(place: Sequence[str | int], root: type[BaseModel] = Config) -> tuple[list[str], list[type[BaseModel]]]:
    """Resolve the location of a problem to the keys in the YAML, and the models allowed at that place.

    Pydantic's location also contains the names of selected kinds, which are not keys.
    """
    keys: list[str] = []
    models: list[type[BaseModel]] = [root]
    for part in map(str, place):
        if part in (MAPPING, PATHS):
            continue
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


def _placed(problem: dict[str, Any], root: type[BaseModel]) -> _Problem:
    place, branch = list(problem["loc"]), ""
    if problem["type"] != "extra_forbidden":
        at = next((n for n, part in enumerate(place) if isinstance(part, str) and _BRANCH.match(part)), None)
        if at is not None:
            branch, place = str(place[at]), place[:at]
    if place and place[-1] == "[key]":
        place = place[:-1]
    if problem["type"] == "missing" and place and isinstance(place[-1], int):
        place = place[:-1]  # of a list that is too short the key is told, not the element that is not there
    keys = tuple(resolve(place, root)[0])
    siblings = tuple(dict.fromkeys(name for model in resolve(place[:-1], root)[1] for name in model.model_fields))
    given, context = problem.get("input"), problem.get("ctx", {})
    return _Problem(problem["type"], keys, branch, given, problem["msg"], context, siblings)


def _of_alternatives(problems: Sequence[_Problem], written: Written) -> str:
    """The words of a key that takes several types, none of which the value is of."""
    ours = [each for each in problems if each.kind == "value_error"]
    if ours:
        return _in_words(ours[0], written)
    names = list(dict.fromkeys(each.branch for each in problems))
    if names == [PATH]:  # the other alternatives are no single values
        return _in_words(problems[0], written)
    words = [_BRANCHES.get(name) or _of_literal(name) or "a path" for name in names]
    allowed = ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else words[0]
    return f"must be {allowed}{_got(problems[0], written)}"


def _of_literal(branch: str) -> str:
    """`literal['random']` -> `'random'`."""
    return branch.removeprefix("literal[").removesuffix("]") if branch.startswith("literal[") else ""


def _in_words(problem: _Problem, written: Written) -> str:
    kind = problem.kind
    if kind in _MUST_BE:
        return f"must be {_MUST_BE[kind]}{_hint(problem, written) or _got(problem, written)}"
    if kind in _WORDS:
        return _WORDS[kind](problem)
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "has no keys below it" if problem.given is None else f"must hold keys{_got(problem, written)}"
    if kind == "value_error":
        return problem.message.removeprefix("Value error, ")
    message = problem.message.replace("Input should be ", "must be ")
    message = message.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
    return message + _got(problem, written)


def _unknown_key(problem: _Problem) -> str:
    *parents, last = problem.keys
    close = difflib.get_close_matches(last, problem.siblings, n=1)
    if close:
        return f"unknown key; did you mean {'.'.join([*parents, *close])}?"
    return (
        f"unknown key; known: {', '.join(problem.siblings)}" if problem.siblings else "unknown key; it has no options"
    )


def _missing(problem: _Problem) -> str:
    given = problem.given
    return f"has too few values (got {shown(given)})" if isinstance(given, list | tuple) else "is needed"


def _unknown_kind(problem: _Problem) -> str:
    given, context = problem.given, problem.context
    tag = given.get(KIND) if isinstance(given, Mapping) else context["tag"]
    return f"must be one of {context['expected_tags']} (got {shown(tag)})"


_WORDS: Mapping[str, Callable[[_Problem], str]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "union_tag_invalid": _unknown_kind,
    "too_short": lambda problem: f"has too few values (got {shown(problem.given)})",
    "too_long": lambda problem: f"must be a list of {problem.context['max_length']} (got {shown(problem.given)})",
    "invalid_key": lambda _: "is read as no text, where a key is expected: quote it",
}
"""The words of a problem, by pydantic's name of it."""


def _hint(problem: _Problem, written: Written) -> str:
    """How to write a text or a list that was not taken for one; empty where that is not known."""
    text, given = written.text(problem.keys), problem.given
    if problem.kind in ("tuple_type", "list_type") and isinstance(given, str | int | float):
        return f": write {_as_list(text or str(given), quoted=isinstance(given, bool))}{_got(problem, written)}"
    if problem.kind in ("string_type", "path_type") and text:
        return f': quote it: "{text}" (without quotes YAML reads {text} as {_meaning(given)})'
    return ""


def _as_list(text: str, *, quoted: bool) -> str:
    """`a, b` and `a b` -> `[a, b]`; `1-20` -> `[1, 20]`."""
    numbers = re.fullmatch(r"[\d\s]+([-x:][\d\s]+)+", text)
    between = "[-x:]" if numbers else "[,;]" if re.search("[,;]", text) else r"\s+"
    parts = [part.strip() for part in re.split(between, text)]
    return f"[{', '.join(f'{chr(34)}{part}{chr(34)}' if quoted else part for part in parts)}]"


def _meaning(value: object) -> str:
    """What YAML takes a scalar for: `false`, `a number`, `a date`, `nothing`."""
    if isinstance(value, bool):
        return shown(value)
    if isinstance(value, datetime.date):
        return "a date"
    return "nothing" if value is None else _NUMBER


def _got(problem: _Problem, written: Written) -> str:
    text = written.text(problem.keys)
    return f" (got {text or shown(problem.given)})"


def shown(value: object) -> str:
    """A value in the words of YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        return "keys"
    return repr(value) if isinstance(value, str | int | float) else str(value)
