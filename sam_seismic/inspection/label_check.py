"""A survey and its configuration come in; a refusal of labels that cannot be trained on or scored goes out, or notes.

A class without a voxel in training can never be predicted, and without labels there is nothing to learn, or no epoch
that is the best. All of that would end in a checkpoint that looks like a success.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sam_seismic.config import DataConfig
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.label_fixes import (
    absent_class_fix,
    mask_fix,
    unknown_values_fix,
    unlabelled_fix,
    unscored_fix,
)
from sam_seismic.inspection.labels import count_nulls, label_null_notes
from sam_seismic.inspection.line_choice import choose_lines
from sam_seismic.inspection.part_labels import PartLabels, read_part_labels
from sam_seismic.listener import Listener
from sam_seismic.survey.facies import FaciesTable, UnknownLabelsError
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.splits import describe_sections

_PROBED = 8
"""Lines of a label file that are looked at for null values, about."""
_WORDS = {"train": "training", "val": "validation"}


@dataclass(frozen=True)
class ScoredLabels:
    """What is known of the labels that are scored.

    Args:
        untrained: names of the classes without a voxel in the training part of the survey.
        notes: on what can be scored, but tells little.
    """

    untrained: tuple[str, ...]
    notes: tuple[str, ...]


def check_training_labels(
    survey: Survey, data: DataConfig, listener: Listener, *, refuse: bool = True
) -> tuple[str, ...]:
    """Refuse labels that cannot be trained on: a class without a voxel in training, no labels in train or val.

    Args:
        survey: as opened from `data`.
        data: of the experiment.
        listener: told of progress.
        refuse: False gives refusals as notes, for what only looks, or resumes a run that has begun.

    Returns:
        Notes on what can be trained on, but tells little.

    Raises:
        SurveyError: the labels are refused, cannot be read, or are none of the classes.
    """
    faults = []
    for fault in (_training_fault, _validation_fault):
        found = fault(survey, data, listener)
        if found is not None and refuse:
            raise found
        faults += [] if found is None else [f"{found.problem}: {found.fix}"]
    nulls = _null_notes(survey.parts["train"], _training_labels(survey, listener))
    validated = [survey.parts["val"]] if "val" in survey.parts else []
    return (*faults, *nulls, *_single_line(validated, listener, "the best epoch is chosen by it alone"))


def check_scored_labels(survey: Survey, parts: Sequence[Part], data: DataConfig, listener: Listener) -> ScoredLabels:
    """Refuse labels that nothing can be scored on: none at all, or those of a mask of which one value is left out.

    Args:
        survey: as opened from `data`.
        parts: of it, to be scored.
        data: the configuration of the survey.
        listener: told of progress.

    Raises:
        SurveyError: the labels are refused, cannot be read, or are none of the classes.
    """
    scored = [read_part_labels(part, listener, until=lambda found: bool(found.labelled)) for part in parts]
    if not any(found.labelled for found in scored):
        raise _unlabelled(parts[0], scored[0], fix=unscored_fix(survey, data, parts, listener))
    trained = _training_labels(survey, listener)
    _refuse_half_a_mask(trained, parts, data, listener)
    nulls = [
        note
        for part, each in zip(parts, scored, strict=True)
        if part.volume.labels is not None
        for note in _null_notes(part, each)
    ]
    return ScoredLabels(
        _names(survey.facies, trained.absent),
        (*dict.fromkeys(nulls), *_single_line(parts, listener, "its score stands for all of them")),
    )


def _refuse_half_a_mask(trained: PartLabels, parts: Sequence[Part], data: DataConfig, listener: Listener) -> None:
    """Refuse two classes of which only one occurs, beside a value that is left out and may be the other one."""
    fix = mask_fix(trained, data)
    if len(trained.facies) > 2 or fix is None:
        return
    (absent,) = trained.absent
    found = [read_part_labels(part, listener, until=lambda each: absent in each.voxels) for part in parts]
    if not any(absent in each.voxels for each in found):
        raise SurveyError(
            problem=f"{_labels_of(parts[0])}: neither the lines that are scored nor those of train hold a voxel of "
            f"{_named(trained.facies, trained.absent)}, so the score would be that of a single class"
            f"{_left_out(trained)}",
            fix=f"{fix}, train with it, and score that checkpoint",
        )


def _single_line(parts: Sequence[Part], listener: Listener, why: str) -> tuple[str, ...]:
    """A note where only one section of these parts has labels; `why` says what depends on it."""
    found = [read_part_labels(part, listener, until=lambda each: len(each.labelled) > 1) for part in parts]
    labelled = [(part.name, ref.name) for part, each in zip(parts, found, strict=True) for ref in each.labelled]
    if len(labelled) != 1:
        return ()
    ((part_name, line),) = labelled
    return (
        f"{line} is the only line of {part_name} with labels: {why}, and other lines may score otherwise; give "
        f"{part_name} more lines in data.split",
    )


def _training_labels(survey: Survey, listener: Listener) -> PartLabels:
    """Labels of the training part, counted until each class has a voxel."""
    return read_part_labels(survey.parts["train"], listener, until=lambda found: not found.absent)


def _training_fault(survey: Survey, data: DataConfig, listener: Listener) -> SurveyError | None:
    """What is wrong with the labels of the training part."""
    train = survey.parts["train"]
    try:
        found = _training_labels(survey, listener)
    except UnknownLabelsError as error:
        fix = unknown_values_fix(train, data, listener)
        raise SurveyError(problem=error.problem, fix=f"{fix}; else {error.fix}" if fix else error.fix) from error
    if not found.absent:
        return None
    if not found.labelled:
        return _unlabelled(train, found, fix=unlabelled_fix(survey, data, train, found, listener))
    it = "it" if len(found.absent) == 1 else "they"
    return SurveyError(
        problem=f"{_labels_of(train)}: the training lines hold no voxel of {_named(survey.facies, found.absent)}, so "
        f"{it} would never be predicted: {describe_sections(train.sections)}{_left_out(found)}",
        fix=absent_class_fix(survey, data, found, listener),
    )


def _validation_fault(survey: Survey, data: DataConfig, listener: Listener) -> SurveyError | None:
    """What is wrong with the labels of the validation part, if there is one: none of its voxels has one."""
    part = survey.parts.get("val")
    if part is None:
        return None
    found = read_part_labels(part, listener, until=lambda each: bool(each.labelled))
    return None if found.labelled else _unlabelled(part, found, fix=unlabelled_fix(survey, data, part, found, listener))


def _unlabelled(part: Part, found: PartLabels, *, fix: str) -> SurveyError:
    values = ", ".join([*map(str, found.ignored), *found.nulls])
    what = f"all their labels are {values}, which means not interpreted" if values else "all their traces are dead"
    return SurveyError(
        problem=f"{_labels_of(part)}: the {_WORDS.get(part.name, part.name)} lines hold no labelled voxel: "
        f"{describe_sections(part.sections)}; {what}",
        fix=fix,
    )


def _labels_of(part: Part) -> str:
    assert part.volume.labels is not None, "they were read"
    return str(part.volume.labels.path)


def _null_notes(part: Part, found: PartLabels) -> list[str]:
    """A note on null values among labels; where interpreted lines hold none, others of the file are looked at."""
    labels, nulls = part.volume.labels, Counter(found.nulls)
    assert labels is not None, "they were read"
    if not nulls and labels.dtype.kind == "f":
        sections = choose_lines(labels, 0).sections
        for orientation, line in sections[:: max(1, len(sections) // _PROBED)]:
            nulls += count_nulls(labels.section(orientation, line), part.volume.facies)
    return label_null_notes(nulls, _labels_of(part))


def _names(facies: FaciesTable, values: Sequence[int]) -> tuple[str, ...]:
    return tuple(facies.names[facies.values.index(value)] for value in values)


def _named(facies: FaciesTable, values: Sequence[int]) -> str:
    """`class salt (label value 1)`, or `the classes salt (1), shale (2)`."""
    names = _names(facies, values)
    if len(names) == 1:
        return f"class {names[0]} (label value {values[0]})"
    return "the classes " + ", ".join(f"{name} ({value})" for name, value in zip(names, values, strict=True))


def _left_out(found: PartLabels) -> str:
    """`; 255 occurs, too, and means not interpreted`, where values occur that are no class."""
    if not found.ignored:
        return ""
    return f"; {', '.join(map(str, found.ignored))} occurs, too, and means not interpreted"
