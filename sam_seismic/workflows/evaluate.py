"""A checkpoint and the lines of a split come in; its scores, and those of guesses without a network, go out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from sam_seismic.config import DataConfig, Precision, override_data
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.data.datamodule import data_module
from sam_seismic.errors import SurveyError
from sam_seismic.files.folders import folder_of_results
from sam_seismic.inference.score_parts import PartScores, score_parts
from sam_seismic.inspection.amplitude_comparison import compare_amplitudes
from sam_seismic.inspection.label_check import check_scored_labels
from sam_seismic.inspection.leak_guard import leak_notes
from sam_seismic.inspection.score_intervals import with_intervals
from sam_seismic.listener import Listener
from sam_seismic.report.metrics_file import METRICS, write_metrics
from sam_seismic.runs.devices import choose_device
from sam_seismic.runs.evaluation_report import EvaluationReport
from sam_seismic.runs.memory_advice import memory_advice, predicting_remedies
from sam_seismic.runs.moved_data import check_data_is_there, compare_data
from sam_seismic.runs.pictures import draw_evaluation
from sam_seismic.scoring.guesses import guess_notes
from sam_seismic.scoring.protocols import PROTOCOLS, Evaluated
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.amplitudes import null_notes
from sam_seismic.survey.contents import survey_contents
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.volume import Volume
from sam_seismic.tasks.checkpoint import CheckpointMetadata
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.loading import load_task
from sam_seismic.tuning.precision import ENCODER_DTYPES


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate.

    Args:
        checkpoint: checkpoint of a run.
        data: the survey to evaluate on; None for the training survey.
        split: `test` (test1, test2, ... together), `val`, `train` or the name of a part.
        output: folder for metrics.json and pictures; None for none.
        overwrite: replace the metrics and pictures of an earlier evaluation; other files are not changed.
        batch_size: number of sections predicted together.
        device: `auto`, `cpu`, `cuda`, `cuda:1`, ...
        precision: precision of the image encoder.
        rescale: scale the amplitudes by their own center and percentile, not by those of the training.
        moved: where the survey of the training is now, where `data` is None, such as `data.amplitude=PATH`.
        protocol: score by the rules of a public benchmark, too: a key of `scoring.protocols.PROTOCOLS`.
    """

    checkpoint: Path
    data: DataConfig | None = None
    split: str = "test"
    output: Path | None = None
    overwrite: bool = False
    batch_size: int = 2
    device: str = "auto"
    precision: Precision = "32"
    rescale: bool = False
    moved: tuple[str, ...] = ()
    protocol: str | None = None

    def survey(self, metadata: CheckpointMetadata) -> DataConfig:
        """The survey to measure on, whose files exist.

        Raises:
            UserError: one does not, or a key of `moved` cannot be set.
        """
        data = self.data or override_data(metadata.data, self.moved)
        check_data_is_there(
            data, metadata.data, others=", or --config FILE names a survey" if self.data is None else ""
        )
        return data


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Result of an evaluation.

    Args:
        found: scores of the network and of guesses.
        parts: a line of text for each part that was scored.
        untrained: names of the classes that the network was never trained on.
        notes: sentences on what the scores do not say by themselves.
        files: files that were written.
        rescaled_to: amplitude scale, if it was not that of the training.
        protocol: name of the benchmark by whose rules it was scored, and the figures that it reports.
    """

    found: PartScores
    parts: tuple[str, ...]
    untrained: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = field(default=())
    rescaled_to: AmplitudeScale | None = None
    protocol: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scores(self) -> FaciesScores:
        """Scores of what `predict` would deliver."""
        return self.found.scores

    @property
    def guesses(self) -> Mapping[str, FaciesScores]:
        """By name: scores of guesses that use the training labels but no amplitudes."""
        return self.found.details.guesses

    def as_dict(self) -> dict[str, Any]:
        """The contents of metrics.json, but for the checkpoint and the pictures."""
        rescaled = {} if self.rescaled_to is None else {"rescaled_to": asdict(self.rescaled_to)}
        return (
            self.scores.as_dict()
            | rescaled
            | ({"protocol": dict(self.protocol)} if self.protocol else {})
            | {"parts": list(self.parts), "never_trained": list(self.untrained), "notes": list(self.notes)}
            | {"directions": {name: scores.as_dict() for name, scores in self.found.directions.items()}}
            | self.found.details.as_dict()
        )


def evaluate(request: EvaluationRequest, listener: Listener) -> Evaluation:
    """Score a checkpoint on a split with one confusion matrix over all voxels, as `predict` would deliver them.

    If the survey is read in both orientations, that is the mean of inline and crossline in each voxel. Each orientation
    alone is scored too, and both together, in which each voxel counts twice.

    Raises:
        UserError: the checkpoint, the survey, the split or the output folder cannot be used, or memory runs out.
    """
    with folder_of_results(request.output, overwrite=request.overwrite):
        return _evaluate(request, listener)


def _evaluate(request: EvaluationRequest, listener: Listener) -> Evaluation:
    device, task = choose_device(request.device), load_task(request.checkpoint)
    task.network.set_encoder_precision(ENCODER_DTYPES[request.precision])
    remedies = predicting_remedies(
        task.metadata, batch_size=request.batch_size, precision=request.precision, device=device
    )
    with memory_advice(remedies):
        return _evaluate_with(task, device, request, listener)


def _evaluate_with(
    task: FaciesSegmentation, device: torch.device, request: EvaluationRequest, listener: Listener
) -> Evaluation:
    metadata = task.metadata
    data = request.survey(metadata)
    module = data_module(data, metadata.inputs, batch_size=request.batch_size, scale=metadata.scale)
    tell_other_data(metadata, data, module.survey, request, listener)
    check_classes(module.survey, metadata.facies.names, listener)
    parts = module.survey.named(request.split)
    for part in parts:
        listener.say(f"split {part}")
    scale = compare_amplitudes(amplitude_volumes(parts), metadata, listener, rescale=request.rescale)
    if scale is not None:
        module.transform = replace(module.transform, scale=scale)
        task.metadata = replace(metadata, scale=scale)  # which pictures are drawn by
    labels = check_scored_labels(module.survey, parts, data, listener)
    # What another configuration calls train need not be what the network was trained on.
    untrained = labels.untrained if request.data is None else ()
    names = metadata.facies.names  # where the survey names its classes otherwise, those of the checkpoint
    found = score_parts(
        task.to(device).eval(),
        module.survey,
        parts,
        names=names,
        batch_size=request.batch_size,
        scale=scale,
        progress=lambda done, total: listener.progress(f"evaluate {request.split}", done, total),
    )
    found = replace(found, details=with_intervals(found.details, parts))
    notes = (
        *(f"{name} was never trained on: the lines of train hold no voxel of it" for name in untrained),
        *labels.notes,
        *null_notes(amplitude_volumes(parts)),
        *guess_notes(found.scores.mean_iou, found.details.guesses, lines=request.split),
        *leak_notes(module.survey, parts),
    )
    told = tuple(str(part) for part in parts)
    protocol = by_protocol(request.protocol, found, metadata.facies.values)
    evaluation = Evaluation(found, told, untrained, notes, rescaled_to=scale, protocol=protocol)
    _save(evaluation, request)  # before the pictures: if those fail, the scores are not lost
    if request.output is None:
        return evaluation
    return _illustrated(evaluation, request, request.output, task, parts, module.survey, listener)


def by_protocol(name: str | None, found: PartScores, values: Sequence[int]) -> dict[str, Any]:
    """The figures that a benchmark reports, with its name; empty without a benchmark.

    Args:
        name: a key of `PROTOCOLS`, or None.
        found: scores of the network.
        values: label value of each class.

    Raises:
        UserError: its rules do not fit what was scored.
    """
    if name is None:
        return {}
    directions = [found.directions[each] for each in Orientation if each in found.directions]
    return {"name": name, **PROTOCOLS[name](Evaluated(found.scores, directions, values))}


def amplitude_volumes(parts: Sequence[Part]) -> list[Volume]:
    """The volumes that some parts of a survey lie in, each once."""
    return list({id(part.volume): part.volume.amplitude for part in parts}.values())


def tell_other_data(
    metadata: CheckpointMetadata, data: DataConfig, survey: Survey, request: EvaluationRequest, listener: Listener
) -> None:
    """Tell the listener where the survey differs from that of the training, in its paths or in what it holds.

    Raises:
        SurveyError: the request says that the survey of the training was moved, but it holds something else.
    """
    found = compare_data(metadata, data, survey_contents(survey))
    changed = " and ".join(found.changed)
    if found.changed and found.moved and request.data is None:
        raise SurveyError(
            problem=f"{request.checkpoint}: the {changed} differ from those that it was trained on\n  "
            + "\n  ".join(found.lines()),
            fix="give the paths of those; --config FILE names another survey to score on",
        )
    if found.changed:
        where = "" if found.moved else ", though the paths are the same"
        listener.say(f"note: the {changed} differ from those of the training{where}")
    elif found.moved:
        same = "the same samples" if found.compared else "not compared with those of the training"
        listener.say(f"{', '.join(found.lines())}: {same}")


def check_classes(survey: Survey, names: tuple[str, ...], listener: Listener) -> None:
    """Compare the classes of a survey with those of a checkpoint; report to the listener if only names differ.

    Args:
        survey: survey to evaluate on.
        names: classes of the checkpoint.
        listener: receives the pairs of class names.

    Raises:
        SurveyError: the number of classes differs, or their order.
    """
    theirs = survey.facies.names
    if len(theirs) != len(names):
        raise SurveyError(
            problem=f"the checkpoint knows {len(names)} classes ({', '.join(names)}), "
            f"the survey has {len(theirs)} ({', '.join(theirs)})",
            fix="evaluate on a survey with the same classes",
        )
    if any(name in theirs and name != other for name, other in zip(names, theirs, strict=True)):
        fix = f"list data.classes in the checkpoint's order: {', '.join(names)}"
        if set(names) == set(theirs):
            values = [survey.facies.values[theirs.index(name)] for name in names]
            fix += f"; and their label values in that order too, data.label_values: {values}"
        raise SurveyError(
            problem=f"the survey has the checkpoint's classes in another order: {', '.join(theirs)}", fix=fix
        )
    if theirs != names:
        pairs = ", ".join(f"{name} = {other}" for name, other in zip(names, theirs, strict=True))
        listener.say(f"classes are scored by position: {pairs}")


def _save(found: Evaluation, request: EvaluationRequest, pictures: Sequence[Path] = ()) -> None:
    """Write metrics.json if the request names an output folder."""
    if request.output is None:
        return
    metrics = {"checkpoint": str(request.checkpoint)} | found.as_dict()
    write_metrics(request.output, metrics, pictures=pictures)


def _illustrated(
    found: Evaluation,
    request: EvaluationRequest,
    output: Path,
    task: FaciesSegmentation,
    parts: list[Part],
    survey: Survey,
    listener: Listener,
) -> Evaluation:
    """Write all metrics, the pictures and the report to the output folder; return the evaluation with these files."""
    pictures = draw_evaluation(output, task, parts, found.scores, listener, untrained=found.untrained)
    _save(found, request, pictures)
    scores = found.found
    report = EvaluationReport(
        request.checkpoint,
        task.metadata,
        parts,
        scores.scores,
        scores.directions,
        scores.details,
        found.notes,
        survey_contents(survey),
    ).write(output)
    return replace(found, files=(output / METRICS, report, *pictures))
