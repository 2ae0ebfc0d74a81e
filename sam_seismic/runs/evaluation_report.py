"""An evaluation comes in; report.html goes out: scores, guesses, sections under a slider, maps, and what made them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

import sam_seismic
from sam_seismic.report.blocks import Facts
from sam_seismic.report.drawings import amplitude_png, labels_png
from sam_seismic.report.evaluation_page import (
    calibration_blocks,
    class_blocks,
    direction_blocks,
    distance_blocks,
    line_blocks,
    provenance_block,
    shape_blocks,
    verdict_blocks,
)
from sam_seismic.report.page import REPORT, write_page
from sam_seismic.report.page_blocks import PageBlock, SectionComparison, Text
from sam_seismic.report.panels import panel_aspect
from sam_seismic.report.style import class_colors
from sam_seismic.runs.run_report import versions
from sam_seismic.sam.weights import file_hash
from sam_seismic.scoring.evaluator import ScoreDetails, ScoredSection
from sam_seismic.scoring.score_table import number
from sam_seismic.scoring.scores import FaciesScores, confusion_of
from sam_seismic.survey.parts import Part
from sam_seismic.tasks.checkpoint import CheckpointMetadata

PLACES = ("Worst", "Second worst", "Third worst", "Fourth worst", "Fifth worst", "Sixth worst")
CITATIONS = (
    "sam-seismic {version}: fine-tuning of SAM on seismic sections.",
    "Kirillov et al. 2023, Segment Anything, ICCV: the network.",
    "Alaudah, Michalowicz, Alfarraj, AlRegib 2019, A machine-learning benchmark for facies classification, "
    "Interpretation 7(3): the scores.",
)


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """What a report tells of.

    Args:
        checkpoint: that was evaluated.
        metadata: of the checkpoint, with the amplitude scale that was used.
        parts: that were scored.
        scores: of the network.
        directions: scores by direction.
        details: by line, by distance, of the guesses.
        notes: what the scores do not say by themselves.
        contents: hashes of the volumes by name, from `survey_contents`.
    """

    checkpoint: Path
    metadata: CheckpointMetadata
    parts: Sequence[Part]
    scores: FaciesScores
    directions: Mapping[str, FaciesScores]
    details: ScoreDetails
    notes: Sequence[str]
    contents: Mapping[str, str]

    def write(self, folder: Path) -> Path:
        """Write report.html into a folder.

        Raises:
            SurveyError: amplitudes cannot be read.
        """
        volumes = {part.name: part.volume.amplitude for part in self.parts}
        grids = {name: volume.geometry for name, volume in volumes.items() if not volume.loose_sections}
        blocks: list[PageBlock] = [
            *verdict_blocks(self.scores, self.details, self.notes),
            *class_blocks(self.scores),
            *distance_blocks(self.details),
            *direction_blocks(self.directions),
            *worst_sections(self.details.worst, self.parts, self.metadata),
            *shape_blocks(self.details),
            *line_blocks(self.details.lines, grids),
            *calibration_blocks(self.details),
            provenance_block(_facts(self)),
            Text("Configuration of the training", _configuration(self.metadata)),
            Facts("How to cite", [("", each.format(version=sam_seismic.__version__)) for each in CITATIONS]),
        ]
        title = f"Evaluation of {self.checkpoint.parent.parent.name or self.checkpoint.name}"
        return write_page(folder / REPORT, title, "; ".join(str(part) for part in self.parts), blocks)


def worst_sections(
    sections: Sequence[ScoredSection], parts: Sequence[Part], metadata: CheckpointMetadata
) -> Iterator[SectionComparison]:
    """The sections that score lowest, truth and prediction under a slider on their amplitudes.

    Args:
        sections: the worst one first.
        parts: that they belong to.
        metadata: names the classes, and has the scale of the amplitudes.
    """
    by_name, names = {part.name: part for part in parts}, metadata.facies.names
    legend = list(zip(names, class_colors(len(names)), strict=True))
    for place, section in zip(PLACES, sections, strict=False):
        amplitude = by_name[section.part].amplitude(section.ref)
        scores = FaciesScores(names, confusion_of(section.truth, section.prediction, len(names)))
        name = f"{section.orientation.short} {section.line} of {section.part}"
        yield SectionComparison(
            f"{place} section: {name}, mean IoU {number(scores.mean_iou)}",
            ("truth", "prediction"),
            amplitude_png(amplitude.values, metadata.scale),
            labels_png(section.truth, len(names)),
            labels_png(section.prediction, len(names)),
            panel_aspect(*section.truth.shape),
            legend,
            "Where the truth is transparent, nothing is interpreted or scored.",
        )


def _facts(report: EvaluationReport) -> dict[str, str]:
    """What the scores were made from and with, by name."""
    metadata, parts = report.metadata, report.parts
    volumes = dict.fromkeys(str(part.volume.amplitude.path) for part in parts)
    volumes |= dict.fromkeys(str(part.volume.labels.path) for part in parts if part.volume.labels is not None)
    started = metadata.weights_hash or "random weights"
    return {
        "checkpoint": str(report.checkpoint),
        "SHA-256 of it": file_hash(report.checkpoint),
        "trained from": started,
        "trained on": "; ".join(metadata.split),
        "files": ", ".join(volumes),
        **{f"content of {name}": value for name, value in report.contents.items()},
        "amplitude scale": f"center {metadata.scale.center:.6g}, clip {metadata.scale.clip:.6g}",
        "versions": f"{versions()}; the checkpoint: {metadata.version}",
    }


def _configuration(metadata: CheckpointMetadata) -> str:
    """The configuration as far as a checkpoint holds it, as YAML."""
    plain = metadata.as_plain()
    return yaml.safe_dump({"data": plain["data"], "input": plain["inputs"], "model": plain["model"]}, sort_keys=False)
