"""A volume of label values comes in; the voxels, lines and name of each value go out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sam_seismic.config import DataConfig, load_config
from sam_seismic.errors import SurveyError
from sam_seismic.inspection.line_choice import LineChoice, choose_lines
from sam_seismic.listener import Listener
from sam_seismic.report.blocks import Columns
from sam_seismic.report.style import FAINT, class_colors
from sam_seismic.survey.catalog import F3_FACIES, SEAM_AI_FACIES
from sam_seismic.survey.facies import IGNORE, FaciesTable, check_whole, nulls_in
from sam_seismic.survey.labelled import check_lossless
from sam_seismic.survey.null_values import equal_to, is_float_null, null_name
from sam_seismic.survey.opening import facies_of
from sam_seismic.survey.synthetic import CHARACTERS
from sam_seismic.survey.volume import Section, Volume

LABEL_VALUES = 64
"""A volume of integers with at most this many different values is treated as labels."""
MOST_BYTES = 4 << 30
"""Labels of a volume up to this size are counted on all lines, since rare classes are easily missed on a few."""


@dataclass(frozen=True)
class LabelCounts:
    """Counts of the values of a label volume.

    Args:
        voxels: number of voxels by value, in ascending order of values.
        lines: number of lines that hold the value.
        counted: lines that were read.
        nulls: number of voxels by the name of a null value: NaN, -999.25, ...
    """

    voxels: Mapping[int, int]
    lines: Mapping[int, int]
    counted: LineChoice
    nulls: Mapping[str, int] = field(default_factory=dict)


def looks_like_labels(volume: Volume) -> bool:
    """Whether a volume has integers with at most `LABEL_VALUES` different values on some of its lines."""
    if not np.issubdtype(volume.dtype, np.integer):
        return False
    chosen = choose_lines(volume, 0)
    values: set[int] = set()
    # The middle line of an amplitude volume nearly always has enough values to return early.
    middle = len(chosen) // 2
    for at in sorted(range(len(chosen)), key=lambda at: abs(at - middle)):
        section = volume.section(*chosen.sections[at])
        values.update(np.unique(section.values[:, section.live]).tolist())
        if len(values) > LABEL_VALUES:
            return False
    return True


def count_labels(volume: Volume, listener: Listener, facies: FaciesTable | None = None) -> LabelCounts:
    """Count the label values of live traces; null values that are no class of `facies` are counted apart.

    Raises:
        SurveyError: a value is not a whole number, or the pictures are JPEG.
    """
    check_lossless(volume)
    chosen = choose_lines(volume, MOST_BYTES)
    voxels: dict[int, int] = {}
    lines: dict[int, int] = {}
    nulls: Counter[str] = Counter()
    for done, (orientation, line) in enumerate(chosen.sections, start=1):
        section = volume.section(orientation, line)
        nulls.update(count_nulls(section, facies, volume.null))
        for value, count in count_values(section, f"{volume.path}: {section.name}", facies, volume.null).items():
            voxels[value] = voxels.get(value, 0) + count
            lines[value] = lines.get(value, 0) + 1
        listener.progress("count labels", done, len(chosen))
    return LabelCounts({value: voxels[value] for value in sorted(voxels)}, lines, chosen, dict(nulls))


def count_nulls(section: Section, facies: FaciesTable | None, named: float | None = None) -> Counter[str]:
    """Number of voxels of each null value on the live traces of a section, by its name; arguments of `count_values`."""
    values = section.values[:, section.live]
    found, counts = np.unique(values[_nulls(values, facies, named)], return_counts=True)
    names: Counter[str] = Counter()
    for value, count in zip(found.tolist(), counts.tolist(), strict=True):
        names[null_name(value)] += count
    return names


def _nulls(values: NDArray[np.generic], facies: FaciesTable | None, named: float | None) -> NDArray[np.bool_]:
    found = nulls_in(values, facies)
    return found if named is None else found | equal_to(values, named)


def count_values(
    section: Section, where: str, facies: FaciesTable | None = None, named: float | None = None
) -> dict[int, int]:
    """Number of voxels of each label value on the live traces of a section, but for null values.

    Args:
        section: of labels, as their file holds them.
        where: the file and section, for the message.
        facies: the classes, whose values and ignored values are no null values; None where they are not known.
        named: one more null value.

    Raises:
        SurveyError: a value is not a whole number.
    """
    values = section.values[:, section.live]
    nulls = _nulls(values, facies, named)
    values = values[~nulls] if nulls.any() else values
    values = values[~is_float_null(values)] if values.dtype.kind == "f" else values  # those ignored by name
    if facies is not None and values.dtype.kind == "f":
        values = values[~facies.ignores(values) | (values == np.floor(values))]
    check_whole(values, where)
    if values.size and np.issubdtype(values.dtype, np.integer):
        # np.unique sorts, which takes far longer than counting.
        low, high = int(values.min()), int(values.max())
        if high - low < 1 << 16:
            counts = np.bincount(values.ravel().astype(np.int64) - low)
            return {low + int(at): int(counts[at]) for at in np.flatnonzero(counts)}
    found, counts = np.unique(values, return_counts=True)
    return {int(value): int(count) for value, count in zip(found, counts, strict=True)}


def named_by(config: Path) -> FaciesTable:
    """The classes of a configuration.

    Raises:
        ConfigError: the configuration cannot be read.
    """
    data = load_config(config).data
    known = {"f3": F3_FACIES, "seam_ai": SEAM_AI_FACIES}
    return known[data.source] if data.source in known else _configured_classes(data)


def _configured_classes(data: DataConfig) -> FaciesTable:
    if data.source == "synthetic":
        return FaciesTable(tuple(character.name for character in CHARACTERS))
    return facies_of(data)


def check_named(counts: LabelCounts, facies: FaciesTable, *, path: Path, config: Path) -> None:
    """Refuse a configuration whose classes do not occur in the volume.

    Raises:
        SurveyError: none of the configuration's label values occurs in the volume.
    """
    if not set(facies.values) & set(counts.voxels):
        listed = ", ".join(map(str, list(counts.voxels)[:8]))
        raise SurveyError(
            problem=f"{path}: holds the label values {listed}, none of which is a class of {config}",
            fix="give the configuration of this survey, or its data.label_values",
        )


def label_facts(counts: LabelCounts, facies: FaciesTable | None) -> dict[str, Any]:
    """Plain data: `classes` {value: voxels}, names, and the number of lines with each class."""
    return {
        "classes": {str(value): count for value, count in counts.voxels.items()},
        "class_names": None
        if facies is None
        else {str(v): n for v, n in zip(facies.values, facies.names, strict=True)},
        "ignored_values": None if facies is None else list(facies.ignored),
        "nulls": dict(counts.nulls),
        f"{counts.counted.what}s_with_class": {str(value): counts.lines[value] for value in counts.voxels},
        "measured_lines": len(counts.counted),
    }


def label_table(counts: LabelCounts, facies: FaciesTable | None) -> Columns:
    """One row for each value: name, voxels, share, and number of lines that hold it."""
    names = {} if facies is None else dict(zip(facies.values, facies.names, strict=True))
    ignored = (IGNORE,) if facies is None else facies.ignored
    absent = [value for value in names if value not in counts.voxels]
    total = max(1, sum(counts.voxels.values()) + sum(counts.nulls.values()))
    read = len(counts.counted)
    rows, shares = [], []
    for value in [*counts.voxels, *absent]:
        voxels, lines = counts.voxels.get(value, 0), counts.lines.get(value, 0)
        unnamed = "not among the classes" if facies is not None else ""
        name = "(not interpreted)" if value in ignored else names.get(value, unnamed)
        share = voxels / total
        rows.append((str(value), name, f"{voxels:,}", f"{100 * share:.1f} %", f"{lines} of {read}"))
        shares.append(share)
    for null, voxels in counts.nulls.items():
        rows.append((null, "(not interpreted)", f"{voxels:,}", f"{100 * voxels / total:.1f} %", ""))
        shares.append(voxels / total)
    if not any(row[1] for row in rows):
        rows = [(value, *rest) for value, _, *rest in rows]  # type: ignore[misc]  # without names
    named = ("name",) if len(rows[0]) == 5 else ()
    header = ("value", *named, "voxels", "share", f"{counts.counted.what}s")
    return Columns(
        f"Labels ({counts.counted})",
        header,
        rows,
        shares,
        _colors([*counts.voxels, *absent], facies, len(counts.nulls)),
    )


def _colors(values: list[int], facies: FaciesTable | None, nulls: int) -> list[str]:
    """The colours of the classes, as in pictures; values that are not classes are faint, and so are null values."""
    classes = list(facies.values) if facies is not None else [value for value in values if value != IGNORE]
    if facies is None and classes and min(classes) >= 0 and max(classes) < 10:
        classes = list(range(max(classes) + 1))  # as report.volume does
    palette = dict(zip(classes, class_colors(len(classes)), strict=True))
    return [*(palette.get(value, FAINT) for value in values), *[FAINT] * nulls]


def label_null_notes(nulls: Mapping[str, int], where: str = "") -> list[str]:
    """A note on null values among labels; `where` names their file."""
    if not nulls:
        return []
    listed = " and ".join(f"{name} ({count:,} voxels read)" for name, count in nulls.items())
    return [
        f"{where}: labels of {listed} mean not interpreted" if where else f"labels of {listed} mean not interpreted"
    ]


def warnings_of(counts: LabelCounts, facies: FaciesTable | None) -> list[str]:
    """Warnings about suspicious values."""
    found = []
    if facies is not None:
        unknown = [value for value in counts.voxels if value not in (*facies.values, *facies.ignored)]
        if unknown:
            found.append(
                f"label values {', '.join(map(str, unknown[:8]))} are neither classes nor ignored: training will "
                "refuse them; see data.label_values and data.ignore_values"
            )
    found += label_null_notes(counts.nulls)
    if not counts.voxels:
        found.append("no voxel is interpreted: every label is a null value")
    if len(counts.voxels) == 1 and not counts.nulls:
        found.append(f"every label is {next(iter(counts.voxels))}")
    return found
