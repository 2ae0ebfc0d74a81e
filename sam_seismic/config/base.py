"""Base of all configuration models: a frozen pydantic model, paths made absolute, and the key that selects a kind."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict


class Model(BaseModel):
    """A section of the configuration: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"{path}: {error}") from error


UserPath = Annotated[Path, AfterValidator(_absolute)]
"""A path that is made absolute on reading, so that a run folder or a checkpoint works from any current folder."""

KIND = "kind"
"""The key that selects a kind of network, head, loss or encoder; each kind has a model with its own options."""


def as_kind(value: Any) -> Any:
    """Expand the short form `encoder: full` to the long form `encoder: {kind: full}`."""
    return {KIND: value} if isinstance(value, str) else value
