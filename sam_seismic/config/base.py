"""Base of all configuration models: a frozen pydantic model, paths made absolute, and the key that selects a kind."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from sam_seismic.files.user_paths import expanded, written


class Model(BaseModel):
    """A section of the configuration: immutable; an unknown key, NaN or infinity is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _yes_is_no_number(cls, given: Any) -> Any:
        """Python would take true for 1 and false for 0 where a number is expected."""
        if not isinstance(given, dict):
            return given
        numeric = [name for name, field in cls.model_fields.items() if _takes_numbers_only(field.annotation)]
        return given | {name: _truth_as_text(given[name]) for name in numeric if name in given}


def _takes_numbers_only(kind: Any) -> bool:
    """Whether an annotation allows numbers, alone or in lists, and neither texts nor true and false."""
    kinds = set(_plain_kinds(kind))
    return bool(kinds & {int, float}) and not kinds & {bool, str, Path}


def _plain_kinds(kind: Any) -> Iterator[Any]:
    parts = get_args(kind)
    return chain.from_iterable(map(_plain_kinds, parts)) if parts else iter([kind])


def _truth_as_text(value: Any) -> Any:
    """True and false as texts, which are not taken for numbers; anything else as it is."""
    if isinstance(value, list | tuple):
        return [_truth_as_text(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else value


def _as_meant(given: Any, validate: ValidatorFunctionWrapHandler) -> Path:
    """A path with its variables replaced; one that is absolute already, and no text, is as it is meant."""
    path: Path = validate(given)
    return path if isinstance(given, Path) and given.is_absolute() else expanded(given)


ExpandedPath = Annotated[
    Path, WrapValidator(_as_meant), PlainSerializer(written, return_type=str, when_used="json-unless-none")
]
"""A path in which `~` and variables are replaced on reading. It is written as what it means, so that the
configuration of a run names the same files wherever it is read."""
UserPath = Annotated[ExpandedPath, AfterValidator(Path.absolute)]
"""A path that is also made absolute, so that a run folder or a checkpoint works from any current folder."""

KIND = "kind"
"""The key that selects a kind of network, head, loss or encoder; each kind has a model with its own options."""


@dataclass(frozen=True)
class Kinds:
    """Annotates the union of the models of some kinds: the key `kind` chooses among them.

    A kind that needs no options can be spelled as one word: `encoder: full` is `encoder: {kind: full}`.

    Args:
        default: the kind of a mapping without the key `kind`; None if `kind` is required (unless there is one kind).
    """

    default: str | None = None

    def __get_pydantic_core_schema__(self, union: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Schema of the union; Pydantic calls this."""
        several = len(models_of(union)) > 1
        chosen = Annotated[union, Discriminator(KIND)] if several else union
        words = tuple(_words_without_options(union))
        spelled = Literal[words] | union if words else union
        return core_schema.no_info_before_validator_function(
            self._spelled_out,
            handler.generate_schema(chosen),
            json_schema_input_schema=handler.generate_schema(spelled),
        )

    def _spelled_out(self, value: Any) -> Any:
        value = {KIND: value} if isinstance(value, str) else value
        return {KIND: self.default} | value if isinstance(value, dict) and self.default is not None else value


MAPPING = "mapping"
"""Pydantic's name, in the location of a problem, of the model that a path can stand in place of; it is no key."""
PATH, PATHS = "path", "a list of paths"
"""The same of a path, and of a list of them."""


def _path_kind(given: object) -> str:
    """The tag of `PathOrModel` for what is written."""
    if isinstance(given, dict | BaseModel):
        return MAPPING
    return PATHS if isinstance(given, list | tuple) else PATH


def _path_or_paths(given: object) -> str:
    """The same where no model can stand in place of a path."""
    return PATHS if isinstance(given, list | tuple) else PATH


Paths = Annotated[tuple[UserPath, ...], Field(min_length=1)]
"""A list of paths, at least one."""


@dataclass(frozen=True)
class PathOrModel:
    """Annotates the union of `UserPath`, a list of them, and at most one model, which keys are for."""

    def __get_pydantic_core_schema__(self, union: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Schema of the union; Pydantic calls this."""
        kinds: dict[Hashable, CoreSchema] = {
            PATHS: handler.generate_schema(Paths),
            PATH: handler.generate_schema(UserPath),
        }
        for model in models_of(union):
            kinds = {MAPPING: handler.generate_schema(model), **kinds}
        return core_schema.tagged_union_schema(kinds, _path_kind if MAPPING in kinds else _path_or_paths)


def models_of(kinds: Any) -> tuple[type[BaseModel], ...]:
    """The models of a union of kinds, with or without its annotation; also of a single kind."""
    if isinstance(kinds, type):
        return (kinds,) if issubclass(kinds, BaseModel) else ()
    return tuple(model for part in get_args(kinds) if not isinstance(part, Kinds) for model in models_of(part))


def word_of(model: type[BaseModel]) -> str:
    """The value of `kind` that chooses a model."""
    word: str = model.model_fields[KIND].default
    return word


def _words_without_options(kinds: Any) -> Iterator[str]:
    for model in models_of(kinds):
        if not any(field.is_required() for field in model.model_fields.values()):
            yield word_of(model)
