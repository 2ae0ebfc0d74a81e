"""`sam-seismic labels`: a label volume from horizons and bodies."""

# ruff: noqa: PLC0415, PLR0913, PLR0917  # `--help` must not wait for slow imports; the parameters of a command are its options

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.horizon_options import HORIZONS_PANEL, Columns, HorizonFormat, column_roles
from sam_seismic.cli.invocation import Invocation
from sam_seismic.cli.options import Json, Overwrite, reads_volumes
from sam_seismic.cli.tables import percent, show_files
from sam_seismic.cli.terminal import print_json, print_table
from sam_seismic.config import ReadOptions
from sam_seismic.config.choices import TimeUnit
from sam_seismic.config.labels import BodiesConfig, HorizonsConfig, InterpretationConfig
from sam_seismic.errors import UserError
from sam_seismic.files.several_paths import one_or_several

if TYPE_CHECKING:
    from sam_seismic.workflows.labels import LabelsOutcome

_HORIZONS, _BODIES = HORIZONS_PANEL, "Bodies"


@reads_volumes
def labels(
    volume: Annotated[
        list[Path],
        typer.Option(callback=as_meant, help="The amplitudes: their lines and times; several SEG-Y files, too."),
    ],
    output: Annotated[Path, typer.Option(callback=as_meant, help="Label volume; its ending names the format.")],
    horizons: Annotated[
        list[Path] | None,
        typer.Option(callback=as_meant, help="Horizon files, from the shallowest to the deepest: A.dat B.dat C.dat."),
    ] = None,
    bodies: Annotated[
        list[Path] | None, typer.Option(callback=as_meant, help="Files of polygons: closed bodies, laid over all.")
    ] = None,
    lines: Annotated[
        list[str] | None, typer.Option(help="Only these lines get labels: 100 120-140 XL:300-310.")
    ] = None,
    horizon_format: HorizonFormat = None,
    columns: Columns = None,
    unit: Annotated[TimeUnit | None, typer.Option(help="Unit of the times. Default: what the files say.")] = None,
    upward: Annotated[
        bool | None, typer.Option("--upward/--downward", help="Whether deeper is more negative. Default: found out.")
    ] = None,
    no_pick: Annotated[
        list[float] | None,
        typer.Option(rich_help_panel=_HORIZONS, help="Further values that mean no pick, beside -999.25, 1e30, ..."),
    ] = None,
    max_gap: Annotated[
        int,
        typer.Option(min=0, rich_help_panel=_HORIZONS, help="Interpolate gaps of at most so many traces on a line."),
    ] = 0,
    along: Annotated[
        Literal["inline", "crossline"] | None,
        typer.Option(rich_help_panel=_HORIZONS, help="Lines along which gaps are interpolated. Default: those picked."),
    ] = None,
    priority: Annotated[
        list[str] | None,
        typer.Option(rich_help_panel=_HORIZONS, help="Where horizons cross: the names of those kept, first one first."),
    ] = None,
    above: Annotated[
        bool, typer.Option("--above", rich_help_panel=_HORIZONS, help="All above the first horizon is a class, too.")
    ] = False,
    below: Annotated[
        bool, typer.Option("--below", rich_help_panel=_HORIZONS, help="All below the last horizon is a class, too.")
    ] = False,
    max_residual: Annotated[
        float | None,
        typer.Option(
            min=0, rich_help_panel=_HORIZONS, help="Largest distance of X and Y from a trace. Default: half a bin."
        ),
    ] = None,
    body_columns: Annotated[
        str | None, typer.Option(rich_help_panel=_BODIES, help="As --columns, for bodies; name is the polygon.")
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
    *,
    read: ReadOptions,
) -> Invocation[Any, Any]:
    """Make labels from horizons and bodies: a class between each two horizons, 255 where nothing is interpreted.

    A sample belongs to the class whose top is at or above its time.

    Example: sam-seismic labels --volume amplitude.sgy --horizons top.dat base.dat --below --output labels.sgy
    """
    if not horizons and not bodies:
        raise UserError(problem="no horizon and no body is given", fix="give --horizons A.dat B.dat, or --bodies S.csv")
    for_horizons = {
        "--horizon-format": horizon_format,
        "--columns": columns,
        "--no-pick": no_pick,
        "--max-gap": max_gap,
        "--along": along,
        "--priority": priority,
        "--above": above,
        "--below": below,
        "--max-residual": max_residual,
    }
    _refuse_options_of(for_horizons, "--horizons", given=bool(horizons))
    _refuse_options_of({"--body-columns": body_columns}, "--bodies", given=bool(bodies))
    from sam_seismic.workflows.labels import LabelsRequest, make_labels

    interpretation = InterpretationConfig(
        horizons=HorizonsConfig(
            files=_absolute(horizons),
            format=horizon_format,
            columns=column_roles(columns, "--columns"),
            unit=unit,
            upward=upward,
            null=tuple(no_pick or ()),
            max_gap=max_gap,
            along=along,
            priority=tuple(priority or ()),
            above=above,
            below=below,
            max_residual=max_residual,
        )
        if horizons
        else None,
        bodies=BodiesConfig(
            files=_absolute(bodies), columns=column_roles(body_columns, "--body-columns"), unit=unit, upward=upward
        )
        if bodies
        else None,
    )
    request = LabelsRequest(one_or_several(volume), output, interpretation, tuple(lines or ()), read, overwrite)
    return Invocation(request, make_labels, (lambda found: print_json(found.facts)) if json else _show)


def _refuse_options_of(options: Mapping[str, object], owner: str, *, given: bool) -> None:
    """Refuse options that were given without the option that they belong to."""
    if extra := [name for name, value in options.items() if value and not given]:
        raise UserError(problem=f"{extra[0]} cannot apply without {owner}", fix=f"leave it out, or give {owner}")


def _absolute(paths: list[Path] | None) -> tuple[Path, ...]:
    return tuple(path.absolute() for path in paths or ())


def _show(found: "LabelsOutcome") -> None:
    facts = found.facts
    total = max(1, found.live)
    print_table(
        "Classes",
        ("class", "value", "voxels", "share"),
        [
            (each["name"], str(each["value"]), f"{each['voxels']:,}", percent(each["voxels"] / total))
            for each in facts["classes"]
        ]
        + [("not interpreted", str(facts["not_interpreted"]), f"{found.live - int(found.voxels.sum()):,}", "")],
    )
    if facts["horizons"]:
        print_table(
            "Horizons",
            ("horizon", "traces", "of them interpolated"),
            [(each["name"], f"{each['traces']:,}", f"{each['interpolated']:,}") for each in facts["horizons"]],
        )
    show_files([found.path])
