"""A survey comes in; the share of each class in each of its parts goes out."""

from collections.abc import Mapping, Sequence

import numpy as np

from sam_seismic.inspection.number_format import format_percent
from sam_seismic.listener import Listener
from sam_seismic.report.blocks import Columns
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Part, Survey
from sam_seismic.survey.splits import SectionRef

SAMPLED = 12
"""Number of sections of each part and orientation whose labels are read."""

Shares = Mapping[str, Sequence[float]]
"""By part: the share of each class among the labelled voxels that were read."""


def class_shares(survey: Survey, listener: Listener) -> tuple[Shares, dict[str, int]]:
    """The share of each class in each part with labels, and the number of sections read for it."""
    shares, read = {}, {}
    for name, part in survey.parts.items():
        if part.volume.labels is None:
            continue
        chosen = spread_sections(part)
        counts = np.zeros(len(survey.facies), np.int64)
        for done, ref in enumerate(chosen, start=1):
            labels = part.read(ref)[1]
            counts += np.bincount(labels[labels != IGNORE], minlength=len(counts))[: len(counts)]
            listener.progress(f"read labels of {name}", done, len(chosen))
        shares[name] = (counts / max(1, counts.sum())).tolist()
        read[name] = len(chosen)
    return shares, read


def spread_sections(part: Part) -> list[SectionRef]:
    """Up to `SAMPLED` sections of each orientation, evenly spaced."""
    found = []
    for orientation in Orientation:
        refs = [ref for ref in part.sections if ref.orientation is orientation]
        positions = np.unique(np.linspace(0, len(refs) - 1, min(SAMPLED, len(refs))).round().astype(int))
        found += [refs[at] for at in positions.tolist()]
    return found


def share_table(survey: Survey, shares: Shares, read: Mapping[str, int]) -> Columns:
    """The shares as a table."""
    rows = [
        (name, *(format_percent(each[index]) if each[index] else "-" for each in shares.values()))
        for index, name in enumerate(survey.facies.names)
    ]
    counts = ", ".join(f"{count} of {len(survey.parts[name].sections)} of {name}" for name, count in read.items())
    return Columns("Share of each class", ("class", *shares), rows, note=f"Labels of a sample of sections: {counts}.")


def missing_classes(survey: Survey, shares: Shares) -> list[str]:
    """A warning for each part in whose sections a class was not found, but for train, of which more is known."""
    warnings = []
    for name, each in shares.items():
        if name == "train":
            continue
        missing = [facies for facies, share in zip(survey.facies.names, each, strict=True) if not share]
        if missing:
            warnings.append(f"not seen in the sections of {name} that were read: {', '.join(missing)}")
    return warnings
