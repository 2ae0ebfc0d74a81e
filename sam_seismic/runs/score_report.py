"""Scores of predictions come in; report.html goes out: side by side, with the worst sections under a slider."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import sam_seismic
from sam_seismic.data.amplitude import AmplitudeScale
from sam_seismic.report.blocks import Columns, Facts
from sam_seismic.report.drawings import amplitude_png, labels_png
from sam_seismic.report.evaluation_page import (
    class_blocks,
    distance_blocks,
    intervals_note,
    line_blocks,
    shape_blocks,
)
from sam_seismic.report.page import REPORT, write_page
from sam_seismic.report.page_blocks import Notes, PageBlock, SectionComparison
from sam_seismic.report.panels import panel_aspect
from sam_seismic.report.style import class_colors
from sam_seismic.scoring.evaluator import ScoreDetails, ScoredSection
from sam_seismic.scoring.score_table import HEADER, score_rows
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.facies import IGNORE
from sam_seismic.survey.parts import Part


@dataclass(frozen=True, eq=False)
class ScoreReport:
    """What a report tells of.

    Args:
        truth: what was the truth.
        scores: of each prediction, by its name.
        details: of each prediction.
        notes: what the scores do not say by themselves.
        labels: by prediction, reads its class indices uint8[sample, trace] of a section.
        parts: of the survey whose amplitudes are shown; empty where none are known.
    """

    truth: str
    scores: Mapping[str, FaciesScores]
    details: Mapping[str, ScoreDetails]
    notes: Sequence[str]
    labels: Mapping[str, Callable[[ScoredSection], NDArray[np.uint8]]]
    parts: Sequence[Part] = ()

    def write(self, folder: Path) -> Path:
        """Write report.html into a folder.

        Raises:
            SurveyError: a volume cannot be read.
        """
        name = next(iter(self.scores))
        scores, details = self.scores[name], self.details[name]
        volumes = {part.name: part.volume.amplitude for part in self.parts}
        grids = {part: volume.geometry for part, volume in volumes.items() if not volume.loose_sections}
        blocks: list[PageBlock] = [
            self._side_by_side(),
            *([Notes("Read this first", self.notes)] if self.notes else []),
            *class_blocks(scores),
            *distance_blocks(details),
            *self._worst(),
            *shape_blocks(details),
            *line_blocks(details.lines, grids),
            Facts("How it was made", [("truth", self.truth), ("sam-seismic", sam_seismic.__version__)]),
        ]
        return write_page(folder / REPORT, f"Scores of {' and '.join(self.scores)}", f"against {self.truth}", blocks)

    def _side_by_side(self) -> Columns:
        guesses = next(iter(self.details.values())).guesses
        rows = {**self.scores, **{f"guess: {name}": each for name, each in guesses.items()}}
        return Columns(
            f"Scores of {next(iter(self.scores.values())).voxels:,} voxels",
            HEADER,
            score_rows(rows),
            shares=[float(np.nan_to_num(each.mean_iou)) for each in rows.values()],
            note=intervals_note(next(iter(self.details.values()))),
        )

    def _worst(self) -> Iterator[SectionComparison]:
        """The sections on which the first prediction scores lowest, beside the truth, and beside the second one."""
        first, *others = self.scores
        names = self.scores[first].names
        legend = list(zip(names, class_colors(len(names)), strict=True))
        for section in self.details[first].worst:
            pairs = [("truth", section.truth, first, section.prediction)]
            if others:
                pairs.append((first, section.prediction, others[0], self.labels[others[0]](section)))
            for left, left_labels, right, right_labels in pairs:
                known = section.truth != IGNORE
                yield SectionComparison(
                    f"{section.orientation.short} {section.line}: {left} and {right}",
                    (left, right),
                    self._amplitude(section),
                    labels_png(np.where(known, left_labels, IGNORE), len(names)),
                    labels_png(np.where(known, right_labels, IGNORE), len(names)),
                    panel_aspect(*section.truth.shape),
                    legend,
                    "Only what is scored has a colour.",
                )

    def _amplitude(self, section: ScoredSection) -> bytes:
        """The amplitudes below a section, a PNG; grey where none are known."""
        part = next((part for part in self.parts if part.name == section.part), None)
        if part is None:
            return amplitude_png(np.zeros(section.truth.shape, np.float32), AmplitudeScale(0.0, 1.0))
        values = part.amplitude(section.ref).values.astype(np.float32)
        center = float(np.median(values)) if values.min() >= 0 else 0.0
        clip = float(np.percentile(np.abs(values - center), 99)) or 1.0
        return amplitude_png(values, AmplitudeScale(center, clip))
