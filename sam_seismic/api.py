"""The interface from Python: paths, arrays and configurations come in; volumes, runs and predictions go out.

What a program or a notebook calls, as `ss.open`, `ss.load`, `ss.train` and `ss.prepare`. Each calls the workflow that
the command of the same name calls.
"""

# Torch takes seconds to import: each function imports its workflow when it is called, and no sooner.
# ruff: noqa: PLC0415, PLR0913  # the parameters are the options of the commands

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import Config, Precision, ReadOptions, SegyOptions, load_config, parse_config
from sam_seismic.config.choices import WrittenHorizonFormat
from sam_seismic.errors import ConfigError, SurveyError, UserError
from sam_seismic.files.user_paths import AnyPath, user_path
from sam_seismic.listener import Listener, Silent
from sam_seismic.survey.facies import FaciesTable
from sam_seismic.survey.formats import open_volume
from sam_seismic.survey.geometry import Geometry, Orientation
from sam_seismic.survey.volume import Section, Volume

if TYPE_CHECKING:
    from sam_seismic.inference.single_section import SectionPrediction
    from sam_seismic.tasks.building import Prepared
    from sam_seismic.tasks.facies import FaciesSegmentation

__all__ = [
    "Config",
    "Geometry",
    "Listener",
    "Model",
    "Orientation",
    "ReadOptions",
    "Run",
    "Section",
    "SegyOptions",
    "UserError",
    "Volume",
    "load",
    "open",
    "prepare",
    "train",
]

Experiment = AnyPath | Config | Mapping[str, Any]
"""The path of a YAML, what such a YAML holds as plain data, or a Config."""


def open(  # the word of the interface: ss.open
    path: AnyPath | Sequence[AnyPath], read: ReadOptions | None = None
) -> Volume:
    """Open a volume: SEG-Y, HDF5, npy, npz, MDIO, or a folder of sections. Hardly any samples are read yet.

    Args:
        path: the file or folder; its ending names the format. Or the SEG-Y files of one survey: a list of them in their
            order, a pattern such as `survey_*.sgy`, or their folder.
        read: what to believe instead of finding it out, such as the header bytes of a SEG-Y.

    Raises:
        UserError: it is missing, of no known ending, cannot be read, or an option cannot apply to it.
    """
    if isinstance(path, str | os.PathLike):
        return open_volume(user_path(path, "path="), read)
    return open_volume([user_path(each, "path=") for each in path], read)


@dataclass(frozen=True)
class Run:
    """A finished training.

    Args:
        folder: holds config.yaml, metrics.csv, status.json, checkpoints/ and report/.
        best: checkpoint of the epoch with the highest validation mean IoU, for `load`.
    """

    folder: Path
    best: Path


def train(
    config: Experiment,
    output: AnyPath | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: Listener | bool = True,
) -> Run:
    """Train on a survey and its labels, as the command `train` does.

    Args:
        config: the experiment: the path of a YAML, the same as nested dicts, or a Config.
        output: the run folder; by default `output` of the configuration, or runs/NAME of a YAML.
        resume: go on from checkpoints/last.ckpt of the run folder.
        overwrite: replace the run that the folder holds.
        progress: True draws it, False is silent; or a listener of your own.

    Raises:
        UserError: the configuration, the survey, the weights or the run folder cannot be used as they are, or memory
            runs out.
        StoppedError: a UserError, too: it was interrupted, and can be resumed.
    """
    experiment = _experiment(config)
    folder = _path(output, "output=") or experiment.output
    if folder is None and isinstance(config, str | os.PathLike):
        folder = Path("runs") / Path(config).stem
    if folder is None:
        raise ConfigError(problem="there is no folder for the run", fix="give output=, or the key output")
    from sam_seismic.runs.run_folder import RunFolder
    from sam_seismic.workflows.train import TrainRequest
    from sam_seismic.workflows.train import train as run

    with _listening(progress) as listener:
        run(TrainRequest(experiment, folder, resume, overwrite), listener)
    return Run(folder, RunFolder(folder).best)


def prepare(config: Experiment) -> Prepared:
    """What `train` starts from, for a training loop of your own: `.data` and `.task`.

    Args:
        config: the experiment, as for `train`.

    Raises:
        UserError: the configuration, the survey or the weights cannot be used as they are.
    """
    experiment = _experiment(config)
    from sam_seismic.tasks.building import prepare as prepared

    return prepared(experiment)


def load(checkpoint: AnyPath, *, device: str = "auto", precision: Precision = "32") -> Model:
    """Load a checkpoint of a training, ready to predict. Nothing in the file is run.

    Args:
        checkpoint: such as runs/NAME/checkpoints/best.ckpt.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`, ...
        precision: that the image encoder computes in: `32`, `bf16` or `16`.

    Raises:
        UserError: the file is missing, damaged or not ours, there is no such device, or memory runs out.
    """
    from sam_seismic.runs.devices import choose_device
    from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies
    from sam_seismic.runs.slurm_job import SlurmJob
    from sam_seismic.tasks.loading import load_task
    from sam_seismic.tuning.precision import ENCODER_DTYPES

    path, chosen = user_path(checkpoint, "checkpoint="), choose_device(device, SlurmJob.current())
    task = load_task(path)
    with memory_advice(predicting_remedies(task.metadata, batch_size=1, precision=precision, device=chosen)):
        task.network.set_encoder_precision(ENCODER_DTYPES[precision])
        return Model(path, task.to(chosen), precision)


class Model:
    """A trained network, ready to predict; `load` makes it."""

    def __init__(self, checkpoint: Path, task: FaciesSegmentation, precision: Precision) -> None:
        self.checkpoint = checkpoint
        """Where it was loaded from."""
        self._task = task
        self._precision = precision

    @property
    def facies(self) -> FaciesTable:
        """The classes: their `names`, and their `values` in facies volumes."""
        return self._task.metadata.facies

    @overload
    def predict(self, source: Section | NDArray[np.generic]) -> SectionPrediction: ...

    @overload
    def predict(
        self,
        source: Volume | AnyPath,
        output: AnyPath,
        *,
        probabilities: AnyPath | None = None,
        confidence: AnyPath | None = None,
        entropy: AnyPath | None = None,
        horizons: AnyPath | None = None,
        horizon_format: WrittenHorizonFormat | None = None,
        orientation: Literal["inline", "crossline", "both"] | None = None,
        batch_size: int = 2,
        rescale: bool = False,
        overwrite: bool = False,
        resume: bool = False,
        progress: Listener | bool = True,
    ) -> list[Path]: ...

    def predict(
        self,
        source: Section | NDArray[np.generic] | Volume | AnyPath,
        output: AnyPath | None = None,
        *,
        probabilities: AnyPath | None = None,
        confidence: AnyPath | None = None,
        entropy: AnyPath | None = None,
        horizons: AnyPath | None = None,
        horizon_format: WrittenHorizonFormat | None = None,
        orientation: Literal["inline", "crossline", "both"] | None = None,
        batch_size: int = 2,
        rescale: bool = False,
        overwrite: bool = False,
        resume: bool = False,
        progress: Listener | bool = True,
    ) -> SectionPrediction | list[Path]:
        """Predict a section and return what is found, or predict a volume into files as the command `predict` does.

        Args:
            source: a Section, or amplitudes [sample, trace] of any real type, sample axis down, in the units of the
                survey that was trained on; or a volume, opened or by its path.
            output: the facies volume to write; its ending names the format. This and what follows is for volumes only.
            probabilities: also write the probability of each class, 0 to 1: STEM_CLASS.ENDING.
            confidence: also write the probability of the class that was chosen, 0 to 1.
            entropy: also write the entropy: 0 where it is certain, 1 where undecided.
            horizons: also write the time (ms) of each class top: a CSV with IL, XL, X, Y, or a file a class,
                STEM_CLASS.ENDING.
            horizon_format: of the horizons: `csv`, `opendtect`, `iesx`, `dug`, `irap-grid` or `irap-points`; by default
                `csv`, or `dug` where the ending is one of DUG's.
            orientation: of the sections to predict; by default what was trained on.
            batch_size: sections at a time.
            rescale: scale the amplitudes by their own center and percentile, not by those of the training.
            overwrite: replace existing outputs.
            resume: go on with what an earlier call finished.
            progress: True draws it, False is silent; or a listener of your own.

        Returns:
            Of a section `probabilities` float32[class, sample, trace] and `facies` int16[sample, trace], label values.
            Of a volume the files written, the facies volume first.

        Warns:
            UserWarning: a section has another scale or center than the amplitudes of the training.

        Raises:
            UserError: the amplitudes, the volume or an output cannot be used as they are, or memory runs out.
        """
        further = probabilities, confidence, entropy, horizons, horizon_format
        if isinstance(source, Section | np.ndarray):
            if output is not None or any(each is not None for each in further):
                raise UserError(problem="a section is not written to files", fix="leave output= out, or give a volume")
            if rescale:
                raise UserError(problem="one section does not show the scale of its survey", fix="leave rescale out")
            return self._predict_section(source)
        if output is None:
            raise UserError(problem="a volume is predicted into a file", fix='give output="facies.sgy"')
        from sam_seismic.inference.outputs import OutputRequest
        from sam_seismic.workflows.predict import PredictRequest
        from sam_seismic.workflows.predict import predict as run

        opened = source if isinstance(source, Volume) else open(source)
        if not opened.files:
            raise SurveyError(problem=f"{opened.path}: is no file", fix="predict its sections, one by one")
        request = PredictRequest(
            self.checkpoint,
            opened.path,
            OutputRequest(
                user_path(output, "output="),
                _path(probabilities, "probabilities="),
                _path(confidence, "confidence="),
                _path(entropy, "entropy="),
                _path(horizons, "horizons="),
                horizon_format=horizon_format,
            ),
            orientation,
            overwrite=overwrite,
            resume=resume,
            batch_size=batch_size,
            device=str(self._task.device),
            precision=self._precision,
            rescale=rescale,
            opened=opened,
        )
        with _listening(progress) as listener:
            return run(request, listener, task=self._task)

    def _predict_section(self, source: Section | NDArray[np.generic]) -> SectionPrediction:
        from sam_seismic.inference.single_section import as_section, predict_section
        from sam_seismic.inspection.amplitude_comparison import scale_difference
        from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies

        task = self._task
        section = source if isinstance(source, Section) else as_section(source)
        if (note := scale_difference(section, task.metadata)) is not None:
            warnings.warn(note, stacklevel=3)
        remedies = predicting_remedies(task.metadata, batch_size=1, precision=self._precision, device=task.device)
        with memory_advice(remedies):
            return predict_section(task, section)


def _path(path: AnyPath | None, argument: str) -> Path | None:
    return None if path is None else user_path(path, argument)


def _experiment(config: Experiment) -> Config:
    if isinstance(config, Config):
        return config
    if isinstance(config, str | os.PathLike):
        return load_config(user_path(config, "config="))
    return parse_config(dict(config), "the configuration")


@contextmanager
def _listening(progress: Listener | bool) -> Iterator[Listener]:
    """Who is told of the progress of a call."""
    if not isinstance(progress, bool):
        yield progress
    elif not progress:
        yield Silent()
    else:
        from sam_seismic.listener.terminal import Terminal

        with Terminal() as terminal:
            yield terminal
