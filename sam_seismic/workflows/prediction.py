"""A checkpoint and a volume come in; a facies volume goes out, in the shape of the one that came in."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from sam_seismic import __version__
from sam_seismic.config import ReadOptions
from sam_seismic.errors import SurveyError
from sam_seismic.inference import predict_volume
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_result, open_volume
from sam_seismic.survey.parts import orientations_of
from sam_seismic.survey.result import check_output
from sam_seismic.tasks.facies import load_task
from sam_seismic.workflows.listener import Listener


@dataclass(frozen=True)
class PredictRequest:
    """What to predict and where to write it.

    Args:
        checkpoint: of a run.
        input: amplitude volume, or folder of sections.
        output: facies volume; the ending names the format.
        probabilities: float32 volumes, one a class, named after it: STEM_CLASS.ENDING; None for none.
        orientation: `inline`, `crossline` or `both` merged; None for what the checkpoint was trained on.
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
    outputs = [request.output]
    check_output(request.output, overwrite=request.overwrite)
    task = load_task(request.checkpoint).to(choose_device(request.device))
    volume = open_volume(request.input, request.read)
    orientations = orientations_of(request.orientation or task.card.data.orientation)
    for note in volume.notes:
        listener.say(f"note: {note}")
    listener.say(f"predicting {' and '.join(f'{len(volume.lines(o))} {o}s' for o in orientations)} of {volume.path}")
    planes = {} if request.probabilities is None else probability_paths(request.probabilities, task.card.facies)
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
    return outputs + list(planes.values())


def choose_device(name: str) -> torch.device:
    """A device by name; `auto` takes a GPU where there is one.

    Raises:
        SurveyError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SurveyError(problem=f"--device {name}: {error}", fix="use --device cpu, or leave it out") from error
    return device


def label_type(facies: FaciesTable) -> np.dtype[np.generic]:
    """int8, which interpretation software reads best, or int16 where a label value needs it."""
    fits = all(-128 <= value <= 127 for value in facies.values)
    return np.dtype(np.int8 if fits else np.int16)


def probability_paths(path: Path, facies: FaciesTable) -> dict[str, Path]:
    """One path a class: prob.sgy -> prob_salt.sgy, ..."""
    return {name: path.with_name(f"{path.stem}_{name}{path.suffix}") for name in facies.names}
