"""Options that several commands share, each defined once."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from sam_seismic.cli.given_paths import as_meant
from sam_seismic.config import ReadOptions, SegyOptions
from sam_seismic.config.choices import (
    AxesChoice,
    ByteOrder,
    DuplicateChoice,
    FormatName,
    LabelFormat,
    OrientationChoice,
)

T = TypeVar("T")

Checkpoint = Annotated[Path, typer.Option(callback=as_meant, help="RUN/checkpoints/best.ckpt of a run of train.")]
Output = Annotated[Path | None, typer.Option(callback=as_meant, help="Folder for metrics.json and pictures.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an older result.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue what an earlier run began.")]
StoredFormat = Annotated[
    LabelFormat | None,
    typer.Option(
        "--sample-format", help="How classes are stored, for programs that cannot read int8. Default: int8, or int16."
    ),
]
Override = Annotated[
    list[str] | None, typer.Option("--set", help="key=value, e.g. train.epochs=10; may be given several times.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
PrecisionOption = Annotated[
    Literal["32", "bf16", "16"],
    typer.Option("--precision", help="Of the image encoder: bf16 and 16 take half the memory, and less time on a GPU."),
]
Rescale = Annotated[
    bool,
    typer.Option("--rescale", help="Scale by the amplitudes' own center and percentile, not by those of the training."),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Sections at a time; lower it when memory is short.")]
OrientationOption = Annotated[
    OrientationChoice | None,
    typer.Option("--orientation", help="Lines to predict; both: the mean of the two. Default: as in training."),
]

_SEGY = "Reading SEG-Y"
_ARRAYS = "Reading arrays"
InlineByte = Annotated[
    int | None, typer.Option(min=1, max=237, rich_help_panel=_SEGY, help="Trace header byte of the inline number.")
]
CrosslineByte = Annotated[
    int | None, typer.Option(min=1, max=237, rich_help_panel=_SEGY, help="Trace header byte of the crossline number.")
]
SampleFormat = Annotated[
    FormatName | None,
    typer.Option("--format", rich_help_panel=_SEGY, help="Sample format, in place of the one in the header."),
]
Endian = Annotated[ByteOrder | None, typer.Option(rich_help_panel=_SEGY, help="Byte order.")]
Duplicates = Annotated[
    DuplicateChoice | None,
    typer.Option(rich_help_panel=_SEGY, help="Which of several traces with the same line numbers to read."),
]
GridFromCoordinates = Annotated[
    bool,
    typer.Option("--grid-from-coordinates", rich_help_panel=_SEGY, help="Number the lines by X and Y, from 1."),
]
TracesPerLine = Annotated[
    int | None,
    typer.Option(min=1, rich_help_panel=_SEGY, help="Number the lines by the order of the traces, this many a line."),
]
Samples = Annotated[
    int | None, typer.Option(min=1, rich_help_panel=_SEGY, help="Samples a trace, in place of the header's.")
]
Tail = Annotated[
    Literal["drop"] | None,
    typer.Option(rich_help_panel=_SEGY, help="drop: read the whole traces of a file that ends inside one."),
]
SampleInterval = Annotated[
    float | None,
    typer.Option(
        "--sample-interval", rich_help_panel=_SEGY, help="Time between samples in ms, in place of the header's."
    ),
]
StartTime = Annotated[
    float | None,
    typer.Option(
        "--start", rich_help_panel=_SEGY, help="Time of the first sample in ms, in place of the trace headers'."
    ),
]
Axes = Annotated[
    AxesChoice | None,
    typer.Option(rich_help_panel=_ARRAYS, help="Axis order of a .npy, .npz or foreign .h5 volume."),
]
Key = Annotated[str | None, typer.Option(rich_help_panel=_ARRAYS, help="Name of the array in an .npz or .h5 file.")]
Null = Annotated[
    float | None,
    typer.Option(
        rich_help_panel="Reading any format", help="A value that means nothing was recorded, such as -999.25 or nan."
    ),
]


def read_options(  # noqa: PLR0913, PLR0917 (each is one option of the command line)
    inline_byte: InlineByte = None,
    crossline_byte: CrosslineByte = None,
    sample_format: SampleFormat = None,
    endian: Endian = None,
    duplicates: Duplicates = None,
    grid_from_coordinates: GridFromCoordinates = False,
    traces_per_line: TracesPerLine = None,
    samples: Samples = None,
    tail: Tail = None,
    sample_interval: SampleInterval = None,
    start: StartTime = None,
    axes: Axes = None,
    key: Key = None,
    null: Null = None,
) -> ReadOptions:
    """The options that `reads_volumes` adds to a command -> how to open volumes."""
    segy = SegyOptions(
        inline_byte=inline_byte,
        crossline_byte=crossline_byte,
        format=sample_format,
        endian=endian,
        duplicates=duplicates,
        grid_from_coordinates=grid_from_coordinates or None,
        traces_per_line=traces_per_line,
        samples=samples,
        tail=tail,
        sample_interval=sample_interval,
        start=start,
    )
    return ReadOptions(segy=segy, axes=axes, key=key, null=null)


def reads_volumes(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options of `read_options`; the command itself gets them as one argument, `read`."""
    own = [parameter for name, parameter in inspect.signature(command).parameters.items() if name != "read"]
    shared = list(inspect.signature(read_options).parameters.values())

    def run(*args: Any, **given: Any) -> T:
        read = read_options(**{parameter.name: given.pop(parameter.name) for parameter in shared})
        return command(*args, **given, read=read)

    # Typer reads the signature and the annotations of a function; those of the command lack the shared options.
    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    named = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own + shared]
    run.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in own + shared}
    return run
