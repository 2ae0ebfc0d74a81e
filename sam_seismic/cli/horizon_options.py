"""The options of commands that read horizon files: their format, and what their columns hold."""

from typing import Annotated, get_args

import typer

from sam_seismic.config.choices import ColumnRole, HorizonFormatName
from sam_seismic.errors import UserError

HORIZONS_PANEL = "Horizons"
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        rich_help_panel=HORIZONS_PANEL,
        help="What each column holds: il, xl, x, y, time, depth, name or skip, with commas. Default: by their names.",
    ),
]
HorizonFormat = Annotated[
    HorizonFormatName | None,
    typer.Option("--horizon-format", rich_help_panel=HORIZONS_PANEL, help="Default: found out for each file."),
]


def column_roles(text: str | None, option: str) -> tuple[ColumnRole, ...] | None:
    """`il,xl,time` -> what each column holds.

    Raises:
        UserError: a word is no role.
    """
    if text is None:
        return None
    known: dict[str, ColumnRole] = {role: role for role in get_args(ColumnRole)}
    words = [word.strip().lower() for word in text.split(",")]
    if odd := [word for word in words if word not in known]:
        raise UserError(
            problem=f"{option} {text}: {odd[0] or 'nothing'} is none of {', '.join(known)}",
            fix=f"{option} il,xl,time, with skip for a column that is not needed",
        )
    return tuple(known[word] for word in words)
