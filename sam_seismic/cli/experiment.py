"""`sam-seismic experiment`: many runs that differ in some keys, one after the other, and their comparison."""

# ruff: noqa: PLC0415  # torch takes seconds to import; the parameters of a command are its options

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sam_seismic.cli.given_paths import as_meant
from sam_seismic.cli.invocation import Invocation
from sam_seismic.cli.options import Json, Override
from sam_seismic.cli.tables import show_files
from sam_seismic.cli.terminal import print_json, print_table
from sam_seismic.config.cells import Experiment, load_experiment
from sam_seismic.errors import UserError

if TYPE_CHECKING:
    from sam_seismic.listener import Listener
    from sam_seismic.runs.cell_folder import CellFolder, CellState
    from sam_seismic.workflows.experiment import ExperimentOutcome

Standing = list[tuple["CellFolder", "CellState"]]


def experiment(
    config: Annotated[Path, typer.Option(callback=as_meant, help="YAML of the experiment: base, methods, seeds, ...")],
    override: Override = None,
    output: Annotated[
        Path | None, typer.Option(callback=as_meant, help="Folder. Default: output: of the YAML, or experiments/NAME.")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="Show how the cells stand; run nothing.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and list the cells; run nothing.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Run cells again that failed.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Train those cells anew whose configuration has changed.")
    ] = False,
    json: Json = False,
) -> Invocation[Any, Any]:
    """Train and score each cell of an experiment, and compare its methods: CSV, table, tests, plots.

    Given again, it goes on where it stopped: finished cells never run again. Several processes share the cells.

    Example: sam-seismic experiment --config configs/experiments/synthetic.yaml
    """
    if status and dry_run:
        raise UserError(problem="--status and --dry-run exclude each other", fix="give one of them")
    if (status or dry_run) and (retry_failed or overwrite):
        what = "--retry-failed" if retry_failed else "--overwrite"
        raise UserError(problem=f"{what} cannot apply where nothing is run", fix="leave it out")
    if json and not (status or dry_run):
        raise UserError(
            problem="--json cannot apply without --status or --dry-run", fix="leave it out, and read results.csv"
        )
    found = load_experiment(config, override or [], output)
    if status:
        return Invocation(found, _standing, _print_standing if json else _show_standing)
    if dry_run:
        return Invocation(found, _standing, _print_standing if json else _list_cells)
    from sam_seismic.workflows.experiment import ExperimentRequest, run_experiment

    return Invocation(ExperimentRequest(found, retry_failed, overwrite), run_experiment, _show_outcome)


def _standing(found: Experiment, _: "Listener") -> Standing:
    """Each cell and its state. It needs neither torch nor the survey."""
    from sam_seismic.runs.cell_folder import folders_of

    return [(folder, folder.state()) for folder in folders_of(found)]


def _list_cells(cells: Standing) -> None:
    rows = [(folder.cell.name, state, _difference(folder)) for folder, state in cells]
    print_table(f"{len(cells)} cells", ("cell", "state", ""), rows)


def _difference(folder: "CellFolder") -> str:
    changes = folder.changes()
    return f"changed since: {'; '.join(changes[:2])}" if changes else ""


def _show_standing(cells: Standing) -> None:
    """A table with a row for each method and share, then what failed and what is running."""
    counts = Counter(state for _, state in cells)
    print(", ".join(f"{counts[state]} {state}" for state in ("done", "running", "stopped", "failed", "waiting")))
    scores = {folder.cell.name: _mean_iou(folder) for folder, state in cells if state == "done"}
    rows = []
    for key in dict.fromkeys(_group(folder) for folder, _ in cells):
        group = [(folder, state) for folder, state in cells if _group(folder) == key]
        states = Counter(state for _, state in group)
        open_ = sum(states[state] for state in ("running", "stopped", "waiting"))
        found = [scores[folder.cell.name] for folder, state in group if state == "done"]
        rows.append((", ".join(key), str(states["done"]), str(states["failed"]), str(open_), _spread(found)))
    print_table("Cells", ("method and lines", "done", "failed", "to do", "mean IoU so far"), rows)
    for folder, state in cells:
        if state == "failed":
            print(f"failed: {folder.cell.name}: {_first_line(folder)}")
        elif state == "running" and folder.status is not None:
            print(f"running: {folder.cell.name}: epoch {folder.status.epoch} of {folder.status.epochs}")


def _print_standing(cells: Standing) -> None:
    print_json(
        [
            {
                **{"cell": folder.cell.name, "state": state, "folder": str(folder.path), "method": folder.cell.method},
                **{"facies": folder.cell.facies, "orientation": folder.cell.orientation, "share": folder.cell.share},
                **{"seed": folder.cell.seed, "mean_iou": _mean_iou(folder) if state == "done" else None},
            }
            for folder, state in cells
        ]
    )


def _group(folder: "CellFolder") -> tuple[str, ...]:
    cell, plan = folder.cell, folder.experiment.plan
    parts = [cell.method, *([cell.facies] if plan.facies else []), *([cell.orientation] if plan.orientation else [])]
    return (*parts, *([f"{100 * cell.share:g} %"] if plan.share else []))


def _mean_iou(folder: "CellFolder") -> float | None:
    import json

    from sam_seismic.report.metrics_file import METRICS

    (path, *_) = folder.evaluations.values()
    score: float | None = json.loads((path / METRICS).read_text(encoding="utf-8"))["mean_iou"]
    return score


def _spread(scores: list[float | None]) -> str:
    from sam_seismic.scoring.observations import Spread

    return str(Spread.of(score for score in scores if score is not None))


def _first_line(folder: "CellFolder") -> str:
    return folder.error.read_text(encoding="utf-8").partition("\n")[0]


def _show_outcome(outcome: "ExperimentOutcome") -> None:
    """Print the tables of what is done, and the files.

    Raises:
        UserError: cells failed.
    """
    from sam_seismic.report.experiment_table import comparison_rows, condition_rows, cost_rows
    from sam_seismic.scoring.observations import comparisons_on, conditions

    observations = outcome.results.observations
    for condition in conditions(observations):
        print_table(f"Scored on {condition}", *condition_rows(observations, condition, metrics=2))
    if observations:
        print_table("Cost", *cost_rows(outcome.costs))
    for name in dict.fromkeys(each.condition.evaluated_on for each in observations):
        if found := comparisons_on(observations, name):
            print_table(f"Tests of mean IoU on {name}", *comparison_rows(found))
    if outcome.files:
        show_files(outcome.files)
    if outcome.elsewhere:
        print(f"other processes run {', '.join(outcome.elsewhere)}: the last one to end writes the results of all")
    if outcome.failed:
        rows = "\n".join(f"  {name}: {why}" for name, why in outcome.failed.items())
        raise UserError(
            problem=f"{len(outcome.failed)} cells failed:\n{rows}",
            fix="mend what they say (error.txt in their folders says more), and give the same command with "
            "--retry-failed",
        )
