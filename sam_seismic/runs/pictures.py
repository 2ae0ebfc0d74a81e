"""A run or an evaluation comes in; its pictures go out, as PNG files."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from sam_seismic.data.datamodule import SeismicDataModule
from sam_seismic.inference import predict_sections
from sam_seismic.listener import Listener
from sam_seismic.report import (
    Ruler,
    confusion_picture,
    facies_legend,
    learning_curve,
    note_on_labels,
    section_picture,
)
from sam_seismic.runs.run_folder import RunFolder
from sam_seismic.runs.run_report import write_run_report
from sam_seismic.scoring.scores import FaciesScores
from sam_seismic.survey.geometry import Orientation
from sam_seismic.survey.parts import Part
from sam_seismic.survey.splits import SectionRef
from sam_seismic.tasks.facies import FaciesSegmentation
from sam_seismic.tasks.loading import load_task


def draw_run(
    output: Path, best: Path, module: SeismicDataModule, listener: Listener, *, notes: Sequence[str] = ()
) -> list[Path]:
    """Draw learning curve, class legend and any validation sections of a finished training into OUTPUT/report.

    report.html shows all of it, and a film that is there. The notes stand below the learning curve.
    """
    _tell_of_labels(module.survey.facies.names, listener)
    folder = output / "report"
    parts = [module.survey.parts["val"]] if "val" in module.survey.parts else []
    learning_curve(folder / "learning_curve.png", output / "metrics.csv", notes)
    facies_legend(folder / "facies.png", module.survey.facies)
    sections = draw_sections(folder, load_task(best), parts)
    told = [str(part) for part in module.survey.parts.values()]
    page = write_run_report(RunFolder(output), module.survey.facies.names, sections, told, notes)
    return [page, folder / "learning_curve.png", folder / "facies.png", *sections]


def draw_evaluation(
    folder: Path,
    task: FaciesSegmentation,
    parts: Sequence[Part],
    scores: FaciesScores,
    listener: Listener,
    *,
    untrained: Sequence[str] = (),
) -> list[Path]:
    """Draw the confusion matrix and sections of the parts that were scored; classes never trained on are marked."""
    _tell_of_labels(scores.names, listener)
    confusion_picture(folder / "confusion.png", scores, untrained)
    return [folder / "confusion.png", *draw_sections(folder, task, parts)]


def draw_sections(folder: Path, task: FaciesSegmentation, parts: Iterable[Part]) -> list[Path]:
    """Draw the middle section of each orientation of each part, with truth, prediction and errors."""
    return [_draw_section(folder, task, part, ref) for part in parts for ref in middle_sections(part)]


def _tell_of_labels(names: Sequence[str], listener: Listener) -> None:
    """Say which classes have no names in the pictures, if there are such."""
    if note := note_on_labels(names):
        listener.say(f"note: {note}")


def middle_sections(part: Part) -> Iterator[SectionRef]:
    """The middle section of each orientation of a part."""
    for orientation in Orientation:
        refs = [ref for ref in part.sections if ref.orientation is orientation]
        if refs:
            yield refs[len(refs) // 2]


def ruler_of(part: Part, ref: SectionRef) -> Ruler:
    """Line numbers and times of a section of a part; traces are counted where it has no grid."""
    volume = part.volume.amplitude
    return Ruler.of(volume.geometry, ref.orientation, traces=ref.traces) if volume.has_grid else Ruler()


def _draw_section(folder: Path, task: FaciesSegmentation, part: Part, ref: SectionRef) -> Path:
    section, truth = part.read(ref)
    probability = next(predict_sections(task, [section]))  # [class, sample, trace]
    path = folder / f"{part.name}_{ref.name.lower().replace(' ', '_')}.png"
    section_picture(
        path,
        section,
        prediction=probability.argmax(axis=0).astype(np.uint8),
        truth=truth,
        facies=task.metadata.facies,
        ruler=ruler_of(part, ref),
        scale=task.metadata.scale,
    )
    return path
