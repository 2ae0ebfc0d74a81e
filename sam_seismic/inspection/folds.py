"""A configuration with folds comes in; the lines of each fold, and what one of them costs, go out."""

from dataclasses import replace
from pathlib import Path

from sam_seismic.config import Config
from sam_seismic.inspection.configuration import inspect_config
from sam_seismic.inspection.label_check import check_training_labels
from sam_seismic.inspection.request import Inspection
from sam_seismic.listener import Listener
from sam_seismic.report.blocks import Columns
from sam_seismic.survey.parts import open_folds
from sam_seismic.survey.splits import describe_sections

PARTS = ("test", "val", "train")


def inspect_folds(path: Path, config: Config, listener: Listener) -> Inspection:
    """Report which lines each fold holds out, and all that `inspect_config` reports of the first one.

    Raises:
        UserError: as of `inspect_config`, or there are too few interpreted lines for the folds.
    """
    surveys = open_folds(config.data)
    first = inspect_config(path, config.of_fold(1), listener)
    lines = [{name: describe_sections(part.sections) for name, part in survey.parts.items()} for survey in surveys]
    note = f"What follows is of fold 1; all {len(surveys)} together take about {len(surveys)} times as long."
    if config.caches:
        note += (
            " Amplitudes are scaled by the training lines of each fold, so each fills an embedding store of its own: "
            f"about {len(surveys)} times the size below."
        )
    rows = [(str(number), *(each.get(name, "none") for name in PARTS)) for number, each in enumerate(lines, start=1)]
    table = Columns("Folds", ("fold", "held out", "validated on", "trained on"), rows, note=note)
    warnings = list(first.warnings)
    for number, survey in enumerate(surveys[1:], start=2):
        data = config.data.of_fold(number)
        found = (*survey.notes, *check_training_labels(survey, data, listener, refuse=False))
        warnings += [f"fold {number}: {each}" for each in found if each not in first.warnings]
    facts = first.facts | {"folds": lines, "warnings": warnings}
    return replace(first, facts=facts, blocks=[first.blocks[0], table, *first.blocks[1:]], warnings=tuple(warnings))
