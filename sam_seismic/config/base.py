"""What all parts of the configuration share: how a model behaves, how a path is read, how a kind is chosen."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


class Model(BaseModel):
    """A part of the configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from error


UserPath = Annotated[Path, AfterValidator(_absolute)]
"""A path that is absolute from the start, so that a run folder or a checkpoint serves from any folder."""

KIND = "kind"
"""The key that chooses among the kinds of something; each kind has a model with options of its own."""


def as_kind(value: Any) -> Any:
    """The short spelling of a kind without options, `encoder: full`, as the long one, `encoder: {kind: full}`."""
    return {KIND: value} if isinstance(value, str) else value
