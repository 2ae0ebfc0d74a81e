"""Labels that cannot be trained on come in; what to change in the configuration goes out, as a sentence.

Only what helps is named: lines that hold what is missing, a class that can be left out, a value that may be a class.
"""

import json
from collections.abc import Sequence

from sam_seismic.config import DataConfig
from sam_seismic.inspection.labels import MOST_BYTES, count_values
from sam_seismic.inspection.line_choice import choose_lines
from sam_seismic.inspection.part_labels import PartLabels, read_part_labels
from sam_seismic.listener import Listener
from sam_seismic.survey.catalog.known import known_survey
from sam_seismic.survey.geometry import Orientation, describe_lines
from sam_seismic.survey.parts import Part, Survey, open_folds, open_survey

MOST_RUNS = 4
"""Runs of neighbouring lines that a message lists."""


def mask_fix(found: PartLabels, data: DataConfig) -> str | None:
    """`if 255 is salt, data.label_values: [0, 255]`, where one class has no voxel and one ignored value may be it."""
    if not data.has_own_label_values or len(found.absent) != 1 or len(found.ignored) != 1:
        return None
    (absent,), (value,) = found.absent, found.ignored
    name = found.facies.names[found.facies.values.index(absent)]
    values = [value if each == absent else each for each in found.facies.values]
    return f"if {value} is {name}, give {_label_values(values, data)}"


def unknown_values_fix(part: Part, data: DataConfig, listener: Listener) -> str | None:
    """`if these are the values of a, b, give data.label_values: [0, 128]`, where a part holds a value for each class.

    Args:
        part: with labels, of which some are neither a class nor left out.
        data: the configuration of its survey.
        listener: told of progress.

    Raises:
        SurveyError: labels cannot be read, or are no whole numbers.
    """
    facies, held = part.volume.facies, _values_in(part, listener)
    chosen = next((each for each in (held, held - set(facies.ignored)) if len(each) == len(facies)), None)
    if not data.has_own_label_values or chosen is None:
        return None
    return f"if these are the values of {', '.join(facies.names)}, give {_label_values(sorted(chosen), data)}"


def _label_values(values: Sequence[int], data: DataConfig) -> str:
    """The settings that give the classes these label values, which are then no longer left out."""
    changes = [_setting("label_values", values)]
    if data.ignore_values is not None:
        changes.append(_setting("ignore_values", [each for each in data.ignore_values if each not in values]))
    return " and ".join(changes)


def _values_in(part: Part, listener: Listener) -> set[int]:
    """All label values of a part, classes or not."""
    values: set[int] = set()
    for done, ref in enumerate(part.sections, start=1):
        section = part.label_values(ref)
        values |= count_values(section, section.name).keys()
        listener.progress(f"look for label values of {part.name}", done, len(part.sections))
    return values


def absent_class_fix(survey: Survey, data: DataConfig, found: PartLabels, listener: Listener) -> str:
    """What helps where classes have no voxel in the training part, whose labels were counted whole."""
    lines = _where_else(survey, data, found.absent, survey.parts["train"], listener)
    fixes = [mask_fix(found, data), lines, _without_classes(found, data, elsewhere=lines is not None)]
    return "; or ".join(fix for fix in fixes if fix is not None) or _other_labels(data)


def unlabelled_fix(survey: Survey, data: DataConfig, part: Part, found: PartLabels, listener: Listener) -> str:
    """What helps where a part has no labelled voxel."""
    fixes = [_where_else(survey, data, survey.facies.values, part, listener)]
    if data.ignore_values and found.ignored:
        fixes.append(f"take {', '.join(map(str, found.ignored))} out of data.ignore_values, and name it as a class")
    return "; or ".join(fix for fix in fixes if fix is not None) or _other_labels(data)


def unscored_fix(survey: Survey, data: DataConfig, scored: Sequence[Part], listener: Listener) -> str:
    """What helps where the parts to be scored have no labelled voxel: the parts that have some."""
    others = {name: part for name, part in survey.parts.items() if part not in scored}
    having = [name for name, part in others.items() if _sections_with(survey.facies.values, part, listener)]
    return f"score other lines: --split {' or --split '.join(having)}" if having else _other_labels(data)


def _setting(key: str, value: Sequence[object]) -> str:
    plain = json.dumps(list(value), ensure_ascii=False)
    return f"data.{key}: {plain.replace('NaN', '.nan') if key == 'ignore_values' else plain}"


def _other_labels(data: DataConfig) -> str:
    if data.source == "synthetic":
        return "choose another data.synthetic.seed, or a larger data.synthetic.shape"
    if data.has_label_files:
        return "name a label volume of this survey that has some in data.labels"
    if data.source == "files":
        return "pick its horizons and bodies on more lines of the survey"
    # No line of the survey has any, so that no split would help.
    return f"these are not the published labels: {known_survey(data.source).how}"


def _without_classes(found: PartLabels, data: DataConfig, *, elsewhere: bool) -> str | None:
    """The settings that leave the absent classes out; `elsewhere`: whether voxels of them occur on other lines."""
    facies = found.facies
    kept = {value: name for value, name in zip(facies.values, facies.names, strict=True) if value not in found.absent}
    if not data.has_own_label_values or len(kept) < 2:
        return None
    changes = [_setting("classes", list(kept.values()))]
    if data.label_values is not None or list(kept) != list(range(len(kept))):
        changes.append(_setting("label_values", list(kept)))
    if elsewhere:
        changes.append(_setting("ignore_values", sorted({*facies.ignored, *found.absent})))
    return f"leave the class{'es' if len(found.absent) > 1 else ''} out: {', '.join(changes)}"


def _where_else(survey: Survey, data: DataConfig, values: Sequence[int], part: Part, listener: Listener) -> str | None:
    """How the part gets lines that hold one of these label values; None where no line has any."""
    if part.name == "train" and (data.every > 1 or data.share < 1) and _every_line_has(values, data, listener):
        return "train on all lines, data.every: 1" if data.every > 1 else "train on all lines, data.share: 1"
    if data.split.folds is not None:
        return _one_line_at_a_time(values, data, listener) if part.name == "train" else None
    if data.split.folders:
        others = [other for name, other in survey.parts.items() if name != part.name]
        having = [other.name for other in others if _sections_with(values, other, listener)]
        return f"move some sections from {' or '.join(having)} to {part.name}" if having else None
    lines = _lines_with(values, part, listener)
    return f"choose lines for {part.name} in data.split.regions that hold some: {lines}" if lines else None


def _one_line_at_a_time(values: Sequence[int], data: DataConfig, listener: Listener) -> str | None:
    """The setting with which the training lines of each fold hold all of these label values; None where it has not."""
    if data.split.folds == "lines":
        return None
    split = data.split.model_copy(update={"folds": "lines"})
    for survey in open_folds(data.model_copy(update={"split": split})):
        found = read_part_labels(
            survey.parts["train"], listener, until=lambda each: all(value in each.voxels for value in values)
        )
        if not all(value in found.voxels for value in values):
            return None
    return "hold out one line at a time, data.split.folds: lines"


def _every_line_has(values: Sequence[int], data: DataConfig, listener: Listener) -> bool:
    """Whether the lines that data.every or data.share skips hold all of these label values."""
    whole = open_survey(data.model_copy(update={"every": 1, "share": 1.0})).parts["train"]
    found = read_part_labels(whole, listener, until=lambda each: all(value in each.voxels for value in values))
    return all(value in found.voxels for value in values)


def _sections_with(values: Sequence[int], part: Part, listener: Listener) -> bool:
    """Whether a section of a part holds one of these label values."""
    if part.volume.labels is None:
        return False
    found = read_part_labels(part, listener, until=lambda each: any(value in each.voxels for value in values))
    return any(value in found.voxels for value in values)


def _lines_with(values: Sequence[int], part: Part, listener: Listener) -> str:
    """`inlines 20-23`: the lines of the part's volume that hold one of these label values; of a large one, a sample."""
    labels = part.volume.labels
    assert labels is not None, "they were read"
    chosen = choose_lines(labels, MOST_BYTES)
    runs: dict[Orientation, list[list[int]]] = {}
    for done, (orientation, line) in enumerate(chosen.sections, start=1):
        section = part.volume.label_values(orientation, line)
        found = runs.setdefault(orientation, [[]])
        if not count_values(section, f"{labels.path}: {section.name}").keys().isdisjoint(values):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
        listener.progress("look for lines with labels", done, len(chosen))
    return " or ".join(f"{each}s {_listed(found)}" for each, found in runs.items() if any(found))


def _listed(runs: list[list[int]]) -> str:
    """`0-14, 20-23`: runs of lines, at most `MOST_RUNS` of them."""
    filled = [describe_lines(run) for run in runs if run]
    return ", ".join(filled[:MOST_RUNS]) + (", ..." if len(filled) > MOST_RUNS else "")
