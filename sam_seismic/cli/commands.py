"""Command lines come in; the request of ONE workflow goes out, with what shows its outcome."""

# Torch takes seconds to import, so each command imports its workflow only when it is called.
# ruff: noqa: PLC0415, PLR0913  # the parameters of a command are its options

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sam_seismic.cli.array_element import config_of_element, fold_of_element, refuse_shared_output
from sam_seismic.cli.folds import show_folds
from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.horizon_options import Columns, HorizonFormat, column_roles
from sam_seismic.cli.invocation import Invocation
from sam_seismic.cli.options import (
    BatchSize,
    Checkpoint,
    Device,
    Json,
    OrientationOption,
    Output,
    Override,
    Overwrite,
    PrecisionOption,
    Rescale,
    Resume,
    StoredFormat,
    reads_volumes,
)
from sam_seismic.cli.score_options import label_mapping, refuse_misplaced
from sam_seismic.cli.stopping import report_end
from sam_seismic.cli.tables import show_demo, show_evaluation, show_files, show_inspection, show_scoring
from sam_seismic.cli.terminal import print_json
from sam_seismic.config import ReadOptions, load_config
from sam_seismic.config.choices import Protocol, WrittenHorizonFormat
from sam_seismic.files.several_paths import one_or_several
from sam_seismic.runs.status import STATUS


def demo(
    output: Annotated[Path, typer.Option(callback=as_meant, help="Folder for everything the demo makes.")] = Path(
        "demo"
    ),
    overwrite: Overwrite = False,
) -> Invocation[Any, Any]:
    """Model a small survey, train on it, evaluate, predict and draw: a few minutes on 2 CPU cores.

    Example: sam-seismic demo
    """
    from sam_seismic.workflows.demo import DemoRequest, run_demo

    return Invocation(DemoRequest(output, overwrite), run_demo, show_demo)


def train(
    configs: Annotated[
        list[Path],
        typer.Option(
            "--config",
            callback=as_meant,
            help="YAML of the experiment; in a Slurm array several: element 0 trains the first; or one with folds.",
        ),
    ],
    override: Override = None,
    output: Annotated[
        Path | None, typer.Option(callback=as_meant, help="Run folder. Default: output: of the YAML, or runs/NAME.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from checkpoints/last.ckpt of the run folder.")
    ] = False,
    overwrite: Overwrite = False,
    json: Json = False,
) -> Invocation[Any, Any]:
    """Train on a survey and its labels, and write a run folder; of a cross-validation one for each fold, and a table.

    Example: sam-seismic train --config configs/segy.yaml --set train.epochs=10
    """
    config = config_of_element(configs)
    refuse_shared_output(configs, output)
    experiment = load_config(config, override or [])
    folder = output or experiment.output or Path("runs") / config.stem
    if experiment.data.split.has_all_folds:
        from sam_seismic.workflows.cross_validate import CrossValidationRequest, cross_validate

        request = CrossValidationRequest(experiment, folder, resume, overwrite, fold_of_element(configs))
        return Invocation(request, cross_validate, partial(show_folds, json=json))
    from sam_seismic.workflows.train import TrainRequest
    from sam_seismic.workflows.train import train as run

    before = _last_written(folder)

    def show(best: Path | None) -> None:
        if best is None:  # only the first process of a distributed training has it
            return
        if json:
            print_json({"run": str(folder), "best": str(best)})
        elif _last_written(folder) != before:  # a finished run has nothing new
            show_files([folder])

    return Invocation(TrainRequest(experiment, folder, resume, overwrite), run, show)


def _last_written(run: Path) -> float | None:
    """When the status of a run was written; None where there is none."""
    try:
        return (run / STATUS).stat().st_mtime
    except OSError:
        return None


def evaluate(
    checkpoint: Checkpoint,
    config: Annotated[
        Path | None, typer.Option(callback=as_meant, help="YAML whose data: is used. Default: that of the training.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="Where the survey of the training lies now, e.g. data.amplitude=FILE; or another key of data:.",
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="test, val, train, or a part such as test1.")] = "test",
    output: Output = None,
    overwrite: Overwrite = False,
    *,
    batch_size: BatchSize = 2,
    device: Device = "auto",
    precision: PrecisionOption = "32",
    rescale: Rescale = False,
    protocol: Annotated[
        Protocol | None, typer.Option(help="Score by the rules of a public benchmark, too: f3-benchmark or seam-ai.")
    ] = None,
    json: Json = False,
) -> Invocation[Any, Any]:
    """Score a checkpoint on lines that it was not trained on, beside guesses without a network.

    Example: sam-seismic eval --checkpoint runs/segy/checkpoints/best.ckpt --output runs/segy/test
    """
    data = None if config is None else load_config(config, override or []).data
    moved = tuple(override or ()) if config is None else ()
    from sam_seismic.workflows.evaluate import EvaluationRequest
    from sam_seismic.workflows.evaluate import evaluate as run

    request = EvaluationRequest(
        checkpoint, data, split, output, overwrite, batch_size, device, precision, rescale, moved, protocol
    )
    return Invocation(request, run, (lambda found: print_json(found.as_dict())) if json else show_evaluation)


@reads_volumes
def predict(
    checkpoint: Checkpoint,
    input_: Annotated[
        list[Path],
        typer.Option(
            "--input",
            callback=as_meant,
            help="Amplitudes: SEG-Y (several files of one survey, too), HDF5, npy, MDIO, or a folder of sections.",
        ),
    ],
    output: Annotated[Path, typer.Option(callback=as_meant, help="Facies volume; its ending names the format.")],
    *,
    probabilities: Annotated[
        Path | None,
        typer.Option(callback=as_meant, help="Also write the probability of each class: STEM_CLASS.ENDING."),
    ] = None,
    confidence: Annotated[
        Path | None, typer.Option(callback=as_meant, help="Also write the probability of the chosen class.")
    ] = None,
    entropy: Annotated[
        Path | None, typer.Option(callback=as_meant, help="Also write the entropy: 0 is certain, 1 is undecided.")
    ] = None,
    horizons: Annotated[
        Path | None,
        typer.Option(callback=as_meant, help="Also write the time of each class top: a CSV, or STEM_CLASS.ENDING."),
    ] = None,
    horizon_format: Annotated[
        WrittenHorizonFormat | None,
        typer.Option(help="Format of the horizons, a file a class but for csv. Default: csv, or dug by its ending."),
    ] = None,
    stored_format: StoredFormat = None,
    orientation: OrientationOption = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    batch_size: BatchSize = 2,
    device: Device = "auto",
    precision: PrecisionOption = "32",
    rescale: Rescale = False,
    read: ReadOptions,
) -> Invocation[Any, Any]:
    """Turn an amplitude volume into a facies volume with the same headers and trace order.

    Example: sam-seismic predict --checkpoint runs/segy/checkpoints/best.ckpt --input survey.sgy --output facies.sgy
    """
    from sam_seismic.inference.outputs import OutputRequest
    from sam_seismic.workflows.predict import PredictRequest
    from sam_seismic.workflows.predict import predict as run

    outputs = OutputRequest(output, probabilities, confidence, entropy, horizons, stored_format, horizon_format)
    volume = one_or_several(input_)
    request = PredictRequest(
        checkpoint, volume, outputs, orientation, read, overwrite, resume, batch_size, device, precision, rescale
    )

    def show(files: list[Path]) -> None:
        if files:  # only the first task of a Slurm job has written any
            report_end("done")  # queued again, the command would refuse to replace its own files
            show_files(files)

    return Invocation(request, run, show)


@reads_volumes
def score(
    prediction: Annotated[
        list[Path], typer.Option(callback=as_meant, help="Predicted labels: a volume, SEG-Y files of one, or a folder.")
    ],
    truth: Annotated[
        list[Path] | None,
        typer.Option(callback=as_meant, help="Label volume (several SEG-Y files, too), or folder of label sections."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(callback=as_meant, help="In place of --truth: YAML whose labels are the truth.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="With --config: test (the default), val or another part.")] = None,
    also: Annotated[
        list[Path] | None, typer.Option(callback=as_meant, help="Other predictions, scored beside the first.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="THEIRS=OURS: label value of the truth for one of the predictions."),
    ] = None,
    *,
    classes: Annotated[
        int | None, typer.Option(min=2, max=255, help="Score label values 0 to N-1. Default: those that occur.")
    ] = None,
    output: Output = None,
    overwrite: Overwrite = False,
    json: Json = False,
    read: ReadOptions,
) -> Invocation[Any, Any]:
    """Score label volumes against a truth, or against the labels of a survey beside guesses; no network is needed.

    Options of SEG-Y apply to each file that is SEG-Y, those of arrays to the truth only.

    Example: sam-seismic score --truth labels.sgy --prediction facies.sgy --also other.sgy --map 3=0
    """
    refuse_misplaced(truth, config, split, classes)
    data = None if config is None else load_config(config).data
    mapping = label_mapping(map_ or [])
    from sam_seismic.workflows.score import ScoreRequest
    from sam_seismic.workflows.score import score as run

    volumes = one_or_several(truth) if truth else None, one_or_several(prediction)
    request = ScoreRequest(
        *volumes, classes, read, output, overwrite, tuple(also or ()), mapping, data, split or "test"
    )
    return Invocation(request, run, (lambda found: print_json(found.as_dict())) if json else show_scoring)


@reads_volumes
def inspect(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            callback=as_meant,
            help="A volume, a configuration, a checkpoint or a horizon file; or the SEG-Y files of one survey.",
        ),
    ],
    picture: Annotated[
        Path | None, typer.Option(callback=as_meant, help="Also draw the volume into this PNG file.")
    ] = None,
    labels: Annotated[bool, typer.Option("--labels", help="The volume holds label values, not amplitudes.")] = False,
    config: Annotated[
        Path | None, typer.Option(callback=as_meant, help="YAML that names the classes of a label volume.")
    ] = None,
    horizon_format: HorizonFormat = None,
    columns: Columns = None,
    overwrite: Overwrite = False,
    json: Json = False,
    *,
    read: ReadOptions,
) -> Invocation[Any, Any]:
    """Show what a file holds and how it was read.

    Example: sam-seismic inspect survey.sgy --picture survey.png
    """
    from sam_seismic.inspection.request import InspectRequest
    from sam_seismic.workflows.inspect import inspect as run

    roles = column_roles(columns, "--columns") or ()
    path, *others = paths
    request = InspectRequest(path, read, labels, config, picture, overwrite, roles, horizon_format, tuple(others))
    return Invocation(request, run, (lambda found: print_json(found.facts)) if json else show_inspection)


@reads_volumes
def convert(
    volume: Annotated[
        list[Path],
        typer.Argument(
            metavar="VOLUME...",
            callback=as_meant,
            help="SEG-Y, npy, HDF5, or a folder of sections; or the SEG-Y files of one survey.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Argument(callback=as_meant, help="HDF5 to write (.h5); from HDF5 also the SEG-Y it came from (.sgy)."),
    ],
    overwrite: Overwrite = False,
    resume: Resume = False,
    *,
    read: ReadOptions,
) -> Invocation[Any, Any]:
    """Copy a volume into HDF5, fast along every axis, and compare every sample.

    Example: sam-seismic convert survey.sgy survey.h5
    """
    from sam_seismic.workflows.convert import ConvertRequest
    from sam_seismic.workflows.convert import convert as run

    request = ConvertRequest(one_or_several(volume), output, read, overwrite, resume)
    return Invocation(request, run, lambda written: show_files([written]))
