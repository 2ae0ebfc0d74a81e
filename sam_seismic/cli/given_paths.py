"""A path that was given on the command line comes in; the path that is meant goes out."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import typer

from sam_seismic.errors import UserError
from sam_seismic.files.user_paths import user_path

GivenT = TypeVar("GivenT", Path, list[Path], None)


def as_meant(param: typer.CallbackParam, value: GivenT) -> GivenT:
    """The callback of every option and argument that takes paths: `~` and variables are replaced.

    Raises:
        UserError: a path holds a variable that is not set, or a home folder that is not known.
    """
    where = param.opts[-1] if param.param_type_name == "option" else str(param.name).strip("_").upper()
    if isinstance(value, Path):
        return user_path(value, where)
    if isinstance(value, list):
        return [user_path(path, where) for path in value]
    return value


def refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse an empty argument: it would be taken for the current folder.

    Raises:
        UserError: one is empty.
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        option = before if not argument else argument.removesuffix("=")
        if not argument or (argument.startswith("--") and argument.endswith("=")):
            where = option if option.startswith("-") else "an argument"
            raise UserError(
                problem=f"{where}: nothing is given there; a variable of the shell may not be set",
                fix=f"give {where} a value, or leave it out",
            )
