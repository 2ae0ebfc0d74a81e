"""Base of all configuration models: a frozen pydantic model, paths made absolute, and the key that selects a kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Model(BaseModel):
    """A section of the configuration: immutable; an unknown key, NaN or infinity is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from error


UserPath = Annotated[Path, AfterValidator(_absolute)]
"""A path that is made absolute when it is read, so that a run folder or checkpoint works from any current folder."""

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


def models_of(kinds: Any) -> tuple[type[BaseModel], ...]:
    """The models of a union of kinds, with or without its annotation; also of a single kind."""
    if isinstance(kinds, type):
        assert issubclass(kinds, BaseModel), "each kind is a model"
        return (kinds,)
    return tuple(model for part in get_args(kinds) if not isinstance(part, Kinds) for model in models_of(part))


def word_of(model: type[BaseModel]) -> str:
    """The value of `kind` that chooses a model."""
    word: str = model.model_fields[KIND].default
    return word


def _words_without_options(kinds: Any) -> Iterator[str]:
    for model in models_of(kinds):
        if not any(field.is_required() for field in model.model_fields.values()):
            yield word_of(model)
