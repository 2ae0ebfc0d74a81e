"""Folders of done cells come in; their scores go out: observations, a tidy CSV, a table and pictures."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sam_seismic.config.cells import Cell, Experiment, slug
from sam_seismic.errors import UserError
from sam_seismic.files.atomic import write_text
from sam_seismic.report.experiment_plots import draw_experiment
from sam_seismic.report.experiment_table import experiment_page
from sam_seismic.report.metrics_file import METRICS
from sam_seismic.runs.cell_folder import CellFacts, CellFolder, folders_of
from sam_seismic.scoring.observations import IOU, Condition, Observation, Spread

NOT_SCORES = ("voxels",)
"""Numbers of metrics.json that are no scores."""
COLUMNS = (
    *("method", "kind", "evaluated_on", "facies", "orientation", "share", "seed", "metric", "class", "value", "cell"),
    *("trainable_parameters", "train_seconds", "encode_seconds", "epochs", "device", "version", "torch"),
)


@dataclass(frozen=True)
class Results:
    """What the done cells of an experiment scored.

    Args:
        observations: one for each metric and class, of networks and of guesses.
        facts: of the cells, by name.
        cells: that are done.
    """

    observations: tuple[Observation, ...]
    facts: Mapping[str, CellFacts]
    cells: tuple[Cell, ...]


def read_results(experiment: Experiment) -> Results:
    """The scores of all done cells.

    Raises:
        UserError: a metrics.json is missing or damaged.
    """
    done = [folder for folder in folders_of(experiment) if folder.is_done()]
    guessed: set[tuple[object, ...]] = set()
    observations = tuple(each for folder in done for each in _of_cell(folder, guessed))
    facts = {folder.cell.name: folder.facts() for folder in done}
    return Results(observations, facts, tuple(folder.cell for folder in done))


def write_csv(path: Path, experiment: Experiment, results: Results) -> None:
    """Write a row for each observation; cells that differ in a key of the grid have a column for it."""
    text = io.StringIO()
    grid = list(experiment.plan.grid)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *grid])
    by_name = {cell.name: cell for cell in results.cells}
    for each in results.observations:
        writer.writerow(_row(each, by_name[each.cell], results.facts[each.cell], grid))
    write_text(path, text.getvalue())


def write_results(experiment: Experiment, results: Results) -> list[Path]:
    """Write the CSV, the table and the pictures of what is done, and return their paths."""
    csv_file, table = experiment.output / "results.csv", experiment.output / "table.md"
    write_csv(csv_file, experiment, results)
    costs = costs_of(results)
    done = f"{len(results.cells)} of {len(experiment.cells)} cells"
    write_text(table, experiment_page(results.observations, costs, title=f"{experiment.file.stem}: {done}"))
    return [csv_file, table, *draw_experiment(experiment.output / "plots", results.observations, costs)]


def costs_of(results: Results) -> dict[str, tuple[int, Spread]]:
    """By method: trainable parameters, and seconds that a training took at the largest share that is done."""
    found = {}
    for method in dict.fromkeys(cell.method for cell in results.cells):
        cells = [cell for cell in results.cells if cell.method == method]
        largest = max(cell.share for cell in cells)
        facts = [results.facts[cell.name] for cell in cells if cell.share == largest]
        found[method] = (facts[0].trainable_parameters, Spread.of(each.train_seconds for each in facts))
    return found


def _row(each: Observation, cell: Cell, facts: CellFacts, grid: Sequence[str]) -> list[object]:
    where = each.condition
    scored = (
        *(each.method, "guess" if each.is_guess else "network", where.evaluated_on, where.facies, where.orientation),
        *(f"{each.share:g}", each.seed, each.metric, each.facies, None if math.isnan(each.value) else each.value),
        each.cell,
    )
    if each.is_guess:
        return [*scored, *[None] * (len(COLUMNS) - len(scored) + len(grid))]
    trained = (
        *(facts.trainable_parameters, round(facts.train_seconds, 1), round(facts.encode_seconds, 1), facts.epochs),
        *(facts.device, facts.version, facts.torch),
    )
    return [*scored, *trained, *(slug(cell.grid[key]) for key in grid)]


def _of_cell(folder: CellFolder, guessed: set[tuple[object, ...]]) -> Iterator[Observation]:
    """The observations of a cell; those of guesses only if no cell with the same training lines was seen before."""
    cell = folder.cell
    for name, where in folder.evaluations.items():
        metrics = _read(where / METRICS)
        condition = Condition(name, cell.facies, cell.orientation)
        names = list(metrics[IOU])
        for metric, facies, value in scores_in(metrics, names):
            yield Observation(cell.method, False, condition, cell.share, cell.seed, metric, facies, value, cell.name)
        # What is guessed depends on the survey and its training lines alone.
        key = (condition, json.dumps(cell.config.data.model_dump(mode="json"), sort_keys=True))
        if key in guessed:
            continue
        guessed.add(key)
        for guess, scored in metrics.get("guesses", {}).items():
            for metric, facies, value in scores_in(scored, names):
                yield Observation(
                    f"guess: {guess}", True, condition, cell.share, None, metric, facies, value, cell.name
                )


def scores_in(metrics: Mapping[str, Any], names: Sequence[str]) -> Iterator[tuple[str, str, float]]:
    """Metric, class and value of each score of a metrics.json; nan where there is none.

    Scores are numbers, and mappings from all classes to numbers; the class of the former is empty.
    """
    for metric, value in metrics.items():
        if metric in NOT_SCORES:
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield metric, "", float(value)
        elif isinstance(value, dict) and list(value) == list(names) and all(map(_is_score, value.values())):
            for name, each in value.items():
                yield metric, name, math.nan if each is None else float(each)
        elif value is None:
            yield metric, "", math.nan


def _is_score(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            problem=f"{path}: the scores of a done cell cannot be read: {error}",
            fix=f"remove {path.parent.parent / 'cell.json'}, and give the command again",
        ) from error
    return found
