"""Observations of an experiment come in; report.html goes out: scores with deviations, plots, costs and tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sam_seismic.report.blocks import Columns
from sam_seismic.report.experiment_table import PAIR, comparison_rows, condition_rows, cost_rows
from sam_seismic.report.page import REPORT, write_page
from sam_seismic.report.page_blocks import PageBlock, Picture, Text
from sam_seismic.scoring.observations import Observation, Spread, comparisons_on, conditions

PLOTS = {
    "share.png": "Mean IoU by share of the training lines",
    "classes.png": "Each class",
    "cost.png": "Score against cost",
}
"""Titles of the plots, by their files."""


def write_experiment_report(
    folder: Path,
    observations: Sequence[Observation],
    costs: Mapping[str, tuple[int, Spread]],
    plots: Sequence[Path],
    *,
    title: str,
    plan: str,
) -> Path:
    """Write report.html into a folder.

    Args:
        folder: where to.
        observations: of all done cells.
        costs: by method: trainable parameters, and seconds that the training of a cell took.
        plots: PNG files.
        title: of the page.
        plan: the configuration of the experiment, as text.
    """
    blocks: list[PageBlock] = []
    for condition in conditions(observations):
        header, rows = condition_rows(observations, condition)
        note = "Mean ± standard deviation over the seeds; n is their number."
        blocks.append(Columns(f"Scored on {condition}", header, rows, note=note))
    blocks += [Picture(PLOTS.get(plot.name, plot.stem), plot.read_bytes()) for plot in plots]
    header, rows = cost_rows(costs)
    blocks.append(Columns("Cost", header, rows))
    for name in dict.fromkeys(each.condition.evaluated_on for each in observations):
        if found := comparisons_on(observations, name):
            header, rows = comparison_rows(found)
            blocks.append(Columns(f"Tests between methods, scored on {name}", header, rows, note=PAIR))
    blocks.append(Text("Configuration", plan))
    return write_page(folder / REPORT, title, "mean IoU and other scores of each method, and of guesses", blocks)
