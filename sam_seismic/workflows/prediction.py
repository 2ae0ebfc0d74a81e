"""A checkpoint and a volume come in; a facies volume goes out, in the shape of the one that came in."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sam_seismic import __version__
from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.inference import predict_volume
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_result, open_volume
from sam_seismic.survey.parts import orientations_of
from sam_seismic.survey.result import check_output, check_outputs_apart
from sam_seismic.survey.splits import MIN_TRACES
from sam_seismic.survey.volume import Orientation, Volume, describe_lines
from sam_seismic.tasks.facies import load_task
from sam_seismic.workflows.devices import choose_device
from sam_seismic.workflows.listener import Listener


@dataclass(frozen=True)
class PredictRequest:
    """What to predict and where to write it.

    Args:
        checkpoint: of a run.
        input: amplitude volume, or folder of sections.
        output: facies volume; the ending names the format.
        probabilities: float32 volumes, one a class, named after it: STEM_CLASS.ENDING; None for none.
        orientation: `inline`, `crossline` or `both`, merged unless the output is a folder of sections; None for what
            the checkpoint was trained on.
        read: how to open the input.
        overwrite: replace existing outputs.
        batch_size: sections at a time.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
    """

    checkpoint: Path
    input: Path
    output: Path
    probabilities: Path | None = None
    orientation: str | None = None
    read: ReadOptions = field(default_factory=ReadOptions)
    overwrite: bool = False
    batch_size: int = 2
    device: str = "auto"


def predict(request: PredictRequest, listener: Listener) -> list[Path]:
    """Predict a volume and return the files written.

    Raises:
        UserError: the checkpoint, the input or an output cannot be used as they are; nothing is written then.
    """
    check_output(request.output, overwrite=request.overwrite)
    device = choose_device(request.device)
    task = load_task(request.checkpoint).to(device)
    planes = _check_planes(request, task.card.facies)
    outputs = [request.output, *planes.values()]
    volume = open_volume(request.input, request.read)
    for note in volume.notes:
        listener.say(f"note: {note}")
    # A folder of sections keeps each as it was read; in any other result the two orientations meet in each voxel.
    merges = any(path.suffix for path in outputs)
    asked = request.orientation or task.card.data.orientation
    orientations, dropped = choose_orientations(volume, asked, merges=merges)
    for why in dropped:
        listener.say(f"note: {why}")
    listener.say(f"predicting {' and '.join(f'{len(volume.lines(o))} {o}s' for o in orientations)} of {volume.path}")
    note = f"FACIES BY SAM-SEISMIC {__version__}"
    with ExitStack() as stack:
        kind = label_type(task.card.facies)
        classes = stack.enter_context(
            open_result(request.output, volume, dtype=kind, overwrite=request.overwrite, note=note)
        )
        probabilities = {
            name: stack.enter_context(
                open_result(path, volume, dtype=np.dtype(np.float32), overwrite=request.overwrite, note=note)
            )
            for name, path in planes.items()
        }
        predict_volume(
            task,
            volume,
            orientations,
            classes=classes,
            probabilities=probabilities,
            batch_size=request.batch_size,
            done=lambda done, total: listener.progress("predict", done, total),
        )
    return outputs


def _check_planes(request: PredictRequest, facies: FaciesTable) -> dict[str, Path]:
    """Paths of the probabilities by class, which exist neither already nor twice."""
    if request.probabilities is None:
        return {}
    planes = probability_paths(request.probabilities, facies)
    for path in planes.values():
        check_output(path, overwrite=request.overwrite)
    check_outputs_apart([request.output, *planes.values()])
    return planes


def choose_orientations(volume: Volume, choice: str, *, merges: bool) -> tuple[list[Orientation], list[str]]:
    """The orientations to predict out of those asked for, and why others of them are dropped.

    Args:
        volume: to predict.
        choice: `inline`, `crossline` or `both`.
        merges: whether two orientations would be averaged; very narrow sections would only spoil the other ones then.

    Raises:
        SurveyError: the volume has no line of any orientation asked for.
    """
    asked = orientations_of(choice)
    kept = [orientation for orientation in asked if len(volume.lines(orientation))]
    if not kept:
        there = [orientation for orientation in Orientation if len(volume.lines(orientation))]
        lines = ", ".join(f"{o}s {describe_lines(volume.lines(o))}" for o in there) or "nothing"
        raise SurveyError(
            problem=f"{volume.path}: holds no {choice} sections to predict, only {lines}",
            fix=f"add --orientation {there[0]}" if there else "check the path",
        )
    dropped = [f"{volume.path} holds no {o} sections; only {o.across}s are predicted" for o in asked if o not in kept]
    if merges and len(kept) > 1:
        widths = {orientation: len(volume.geometry.lines(orientation.across)) for orientation in kept}
        narrow = [orientation for orientation, traces in widths.items() if traces < MIN_TRACES]
        if len(narrow) == 1:
            kept.remove(narrow[0])
            dropped.append(
                f"{narrow[0]} sections are only {widths[narrow[0]]} traces wide (fewer than {MIN_TRACES}); "
                f"only {kept[0]}s are predicted"
            )
    return kept, dropped


def label_type(facies: FaciesTable) -> np.dtype[np.generic]:
    """int8, which interpretation software reads best, or int16 where a label value needs it."""
    fits = all(-128 <= value <= 127 for value in facies.values)
    return np.dtype(np.int8 if fits else np.int16)


def probability_paths(path: Path, facies: FaciesTable) -> dict[str, Path]:
    """One path a class: prob.sgy -> prob_salt.sgy, ...

    Raises:
        SurveyError: the path has no name, or that of a class cannot be part of one.
    """
    try:
        return {name: path.with_name(f"{path.stem}_{name}{path.suffix}") for name in facies.names}
    except ValueError as error:
        raise SurveyError(
            problem=f"--probabilities {path}: no file can be named after it and the classes {', '.join(facies.names)}",
            fix="give it a name, as probability.sgy; a / in a class name cannot stand in one",
        ) from error
