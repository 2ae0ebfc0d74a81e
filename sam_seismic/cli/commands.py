"""The commands: parse, call ONE workflow, show what it found."""

# Torch takes seconds to import: each command imports its workflow when it is called, and no sooner.
# ruff: noqa: PLC0415, PLR0913  # the parameters of a command are its options

from pathlib import Path
from typing import Annotated

import typer

from sam_seismic.cli.array import one_of
from sam_seismic.cli.options import (
    BatchSize,
    Checkpoint,
    Device,
    Json,
    OrientationOption,
    Output,
    Overwrite,
    PrecisionOption,
    Resume,
    StoredFormat,
    reads_volumes,
)
from sam_seismic.cli.stopping import leave_word
from sam_seismic.cli.tables import show_demo, show_evaluation, show_files, show_inspection, show_scores
from sam_seismic.cli.terminal import print_json
from sam_seismic.config import ReadOptions, load_config
from sam_seismic.errors import UserError
from sam_seismic.listener.terminal import Terminal


def demo(
    output: Annotated[Path, typer.Option(help="Folder for everything the demo makes.")] = Path("demo"),
    overwrite: Overwrite = False,
) -> None:
    """Model a small survey, train on it, evaluate, predict and draw: a few minutes on 2 CPU cores.

    Example: sam-seismic demo
    """
    from sam_seismic.workflows.demo import run_demo

    with Terminal() as terminal:
        outcome = run_demo(output, terminal, overwrite=overwrite)
    show_demo(outcome)


def train(
    configs: Annotated[
        list[Path],
        typer.Option("--config", help="YAML of the experiment; several in a Slurm array: element 0 trains the first."),
    ],
    override: Annotated[list[str] | None, typer.Option("--set", help="key=value, e.g. train.epochs=10.")] = None,
    output: Annotated[Path | None, typer.Option(help="Run folder. Default: output: of the YAML, or runs/NAME.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from checkpoints/last.ckpt of the run folder.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train on a survey and its labels; a run folder comes out.

    Example: sam-seismic train --config configs/segy.yaml --set train.epochs=10
    """
    config = one_of(configs)
    if output is not None and len(configs) > 1:
        raise UserError(problem="--output cannot apply to several --config", fix="name it in each YAML, as output:")
    experiment = load_config(config, override or [])
    from sam_seismic.workflows.train import TrainRequest
    from sam_seismic.workflows.train import train as run

    folder = output or experiment.output or Path("runs") / config.stem
    with Terminal() as terminal:
        best = run(TrainRequest(experiment, folder, resume, overwrite), terminal)
    if best is not None:
        show_files([folder])


def evaluate(
    checkpoint: Checkpoint,
    config: Annotated[Path | None, typer.Option(help="YAML whose data: is measured on. Default: as trained.")] = None,
    split: Annotated[str, typer.Option(help="test, val, train, or a part such as test1.")] = "test",
    output: Output = None,
    overwrite: Overwrite = False,
    *,
    batch_size: BatchSize = 2,
    device: Device = "auto",
    precision: PrecisionOption = "32",
    json: Json = False,
) -> None:
    """Score a checkpoint on lines it has not seen, beside guesses without a network.

    Example: sam-seismic eval --checkpoint runs/segy/checkpoints/best.ckpt --output runs/segy/test
    """
    data = None if config is None else load_config(config).data
    from sam_seismic.workflows.evaluate import EvaluationRequest
    from sam_seismic.workflows.evaluate import evaluate as run

    request = EvaluationRequest(checkpoint, data, split, output, overwrite, batch_size, device, precision)
    with Terminal() as terminal:
        found = run(request, terminal)
    if json:
        print_json(found.scores.as_dict())
    else:
        show_evaluation(found)


@reads_volumes
def predict(
    checkpoint: Checkpoint,
    input_: Annotated[
        Path, typer.Option("--input", help="Amplitudes: SEG-Y, HDF5, npy, MDIO, or a folder of sections.")
    ],
    output: Annotated[Path, typer.Option(help="Facies volume; its ending names the format.")],
    *,
    probabilities: Annotated[
        Path | None, typer.Option(help="Also write the probability of each class: STEM_CLASS.ENDING.")
    ] = None,
    confidence: Annotated[
        Path | None, typer.Option(help="Also write the probability of the class that was chosen.")
    ] = None,
    entropy: Annotated[
        Path | None, typer.Option(help="Also write the entropy: 0 where it is certain, 1 where undecided.")
    ] = None,
    horizons: Annotated[
        Path | None, typer.Option(help="Also write a CSV: IL, XL, X, Y and the time of each class top.")
    ] = None,
    stored_format: StoredFormat = None,
    orientation: OrientationOption = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    batch_size: BatchSize = 2,
    device: Device = "auto",
    precision: PrecisionOption = "32",
    read: ReadOptions,
) -> None:
    """Turn an amplitude volume into a facies volume with the same headers and trace order.

    Example: sam-seismic predict --checkpoint runs/segy/checkpoints/best.ckpt --input survey.sgy --output facies.sgy
    """
    from sam_seismic.inference.outputs import OutputRequest
    from sam_seismic.workflows.predict import PredictRequest
    from sam_seismic.workflows.predict import predict as run

    wanted = OutputRequest(output, probabilities, confidence, entropy, horizons, stored_format)
    request = PredictRequest(
        checkpoint, input_, wanted, orientation, read, overwrite, resume, batch_size, device, precision
    )
    with Terminal() as terminal:
        files = run(request, terminal)
    if files:
        leave_word("done")  # once more, it would find its own files in the way
        show_files(files)


@reads_volumes
def score(
    truth: Annotated[Path, typer.Option(help="Label volume, or folder of label sections.")],
    prediction: Annotated[Path, typer.Option(help="The same lines, predicted.")],
    classes: Annotated[
        int | None, typer.Option(min=2, max=255, help="Score label values 0 to N-1. Default: those that occur.")
    ] = None,
    output: Output = None,
    overwrite: Overwrite = False,
    json: Json = False,
    *,
    read: ReadOptions,
) -> None:
    """Score one label volume against another; no network is needed.

    The options of SEG-Y hold for either file that is one, those of arrays for the truth.

    Example: sam-seismic score --truth labels.sgy --prediction facies.sgy
    """
    from sam_seismic.workflows.score import ScoreRequest
    from sam_seismic.workflows.score import score as run

    with Terminal() as terminal:
        scores = run(ScoreRequest(truth, prediction, classes, read, output, overwrite), terminal)
    if json:
        print_json(scores.as_dict())
    else:
        show_scores(scores, {})


@reads_volumes
def inspect(
    path: Annotated[Path, typer.Argument(help="A volume, a configuration or a checkpoint.")],
    picture: Annotated[Path | None, typer.Option(help="Also draw the volume into this PNG.")] = None,
    labels: Annotated[bool, typer.Option("--labels", help="The volume holds label values, not amplitudes.")] = False,
    config: Annotated[Path | None, typer.Option(help="YAML that names the classes of a label volume.")] = None,
    overwrite: Overwrite = False,
    json: Json = False,
    *,
    read: ReadOptions,
) -> None:
    """Show what is in a file and whether it was understood.

    Example: sam-seismic inspect survey.sgy --picture survey.png
    """
    from sam_seismic.inspection.request import InspectRequest
    from sam_seismic.workflows.inspect import inspect as run

    with Terminal() as terminal:
        found = run(InspectRequest(path, read, labels, config, picture, overwrite), terminal)
    if json:
        print_json(found.facts)
    else:
        show_inspection(found)


@reads_volumes
def convert(
    volume: Annotated[Path, typer.Argument(help="SEG-Y, npy, HDF5, or a folder of sections.")],
    output: Annotated[Path, typer.Argument(help="HDF5 to write (.h5); from HDF5 also the SEG-Y it came from (.sgy).")],
    overwrite: Overwrite = False,
    resume: Resume = False,
    *,
    read: ReadOptions,
) -> None:
    """Copy a volume into HDF5, fast along every axis, and compare every sample.

    Example: sam-seismic convert survey.sgy survey.h5
    """
    from sam_seismic.workflows.convert import ConvertRequest
    from sam_seismic.workflows.convert import convert as run

    with Terminal() as terminal:
        written = run(ConvertRequest(volume, output, read, overwrite, resume), terminal)
    show_files([written])
