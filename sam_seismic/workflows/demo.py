"""A folder comes in; a modelled survey, a run, its scores and a predicted volume go out."""

import time
from dataclasses import dataclass
from pathlib import Path

from sam_seismic.config import Config, load_config
from sam_seismic.config.shipped import shipped_config
from sam_seismic.files.folders import new_folder
from sam_seismic.inference.outputs import OutputRequest
from sam_seismic.listener import Listener
from sam_seismic.survey.segy import write_segy
from sam_seismic.survey.synthetic import SyntheticSurvey, model_survey
from sam_seismic.workflows.evaluate import Evaluation, EvaluationRequest, evaluate
from sam_seismic.workflows.predict import PredictRequest, predict
from sam_seismic.workflows.train import TrainRequest, train


@dataclass(frozen=True)
class DemoRequest:
    """Where the demo writes.

    Args:
        output: folder for all files of the demo.
        overwrite: replace the files of an earlier demo.
    """

    output: Path
    overwrite: bool = False


@dataclass(frozen=True, eq=False)
class DemoOutcome:
    """Result of the demo.

    Args:
        evaluation: scores on the test lines.
        files: the files that a user may want to open.
        seconds: duration of the demo.
    """

    evaluation: Evaluation
    files: tuple[Path, ...]
    seconds: float


def run_demo(request: DemoRequest, listener: Listener) -> DemoOutcome:
    """Model a survey, write it as SEG-Y, train on it, evaluate on the test lines, and predict it to SEG-Y.

    Raises:
        UserError: the output folder is not empty, or not writable.
    """
    start = time.monotonic()
    output, overwrite = request.output, request.overwrite
    new_folder(output, overwrite=overwrite)
    config = load_config(shipped_config("demo"))
    amplitude, labels = output / "amplitude.sgy", output / "labels.sgy"
    survey = model_survey(config.data.synthetic.shape, config.data.synthetic.seed)
    listener.say(f"modelled a survey with known facies: {survey.geometry}")
    write_pair(survey, amplitude, labels)
    run = output / "run"
    listener.say("there are no published weights for vit_t: its encoder starts from random weights and is trained too")
    best = train(TrainRequest(from_files(config, survey, amplitude, labels), run, overwrite=overwrite), listener)
    assert best is not None, "the demo runs in one process"
    evaluation = evaluate(EvaluationRequest(best, output=output / "test", overwrite=overwrite), listener)
    predicted = predict(
        PredictRequest(best, amplitude, OutputRequest(output / "facies.sgy"), orientation="both", overwrite=overwrite),
        listener,
    )
    report = sorted((run / "report").glob("*.png"))
    files = (amplitude, labels, *predicted, best, run / "metrics.csv", *report, *evaluation.files)
    return DemoOutcome(evaluation, files, time.monotonic() - start)


def write_pair(survey: SyntheticSurvey, amplitude: Path, labels: Path) -> None:
    """Write a modelled survey as two SEG-Y files: IEEE float amplitudes and int8 labels."""
    write_segy(amplitude, survey.amplitude, survey.geometry, format="ieee")
    write_segy(labels, survey.labels, survey.geometry, format="int8")


def from_files(config: Config, survey: SyntheticSurvey, amplitude: Path, labels: Path) -> Config:
    """The configuration, changed to read the survey from the two SEG-Y files."""
    data = config.data.model_dump(exclude={"synthetic"}) | {
        "source": "files",
        "amplitude": amplitude,
        "labels": labels,
        "classes": survey.facies.names,
    }
    return Config.model_validate(config.model_dump() | {"data": data})
