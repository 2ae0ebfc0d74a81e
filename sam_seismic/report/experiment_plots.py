"""Observations of an experiment come in; pictures go out: scores against share, of each class, and against cost."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from sam_seismic.config.cells import slug
from sam_seismic.report.experiment_table import percent
from sam_seismic.report.letters import drawable
from sam_seismic.report.style import ACCENT, FAINT, INK, class_colors, house_style, new_figure, write_picture
from sam_seismic.scoring.observations import IOU, Condition, Observation, Spread, by_share, conditions, guesses_in

PANEL_WIDTH, PANEL_HEIGHT = 3.3, 2.6
"""Of a panel of several, in inches."""
GUESS = "#8a8a8a"
"""Colour of guesses."""
DASHES: tuple[tuple[int, tuple[float, ...]], ...] = (
    (0, (5, 2)),
    (0, (1, 1.5)),
    (0, (5, 2, 1, 2)),
    (0, (2, 2)),
    (0, (8, 2)),
)
"""Line styles of guesses, which are all grey."""
MARKERS = "osD^vP"


def draw_experiment(
    folder: Path, observations: Sequence[Observation], costs: Mapping[str, tuple[int, Spread]]
) -> list[Path]:
    """Draw a set of pictures for each condition, and return their paths.

    Args:
        folder: that they are written into.
        observations: of all done cells.
        costs: by method: trainable parameters, and seconds that a training took.
    """
    files = []
    several = len(conditions(observations)) > 1
    for condition in conditions(observations):
        stem = f"_{slug(condition.stem)}" if several else ""
        for name, figure in (
            ("share", share_figure(observations, condition)),
            ("classes", class_figure(observations, condition)),
            ("cost", cost_figure(observations, condition, costs)),
        ):
            files.append(folder / f"{name}{stem}.png")
            write_picture(files[-1], figure)
    return files


def share_figure(observations: Sequence[Observation], condition: Condition) -> Figure:
    """Mean IoU against the share of the training lines, with a band of one standard deviation; guesses in grey."""
    with house_style(_texts(observations)):
        figure = new_figure(7.2, 4.0)
        axes = figure.subplots()
        _draw_shares(axes, observations, by_share(observations, condition))
        axes.set_title(f"Mean IoU on {condition}", loc="left")
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def class_figure(observations: Sequence[Observation], condition: Condition) -> Figure:
    """The same for the IoU of each class, a panel each."""
    names = list(dict.fromkeys(each.facies for each in observations if each.condition == condition and each.facies))
    columns = min(3, len(names)) or 1
    rows = math.ceil(len(names) / columns) or 1
    with house_style([*_texts(observations), *names]):
        figure = new_figure(PANEL_WIDTH * columns, PANEL_HEIGHT * rows + 0.6)
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat
        for axes, name in zip(panels, names, strict=False):
            _draw_shares(axes, observations, by_share(observations, condition, metric=IOU, facies=name))
            axes.set_title(drawable(name), loc="left")
            axes.label_outer()
        for axes in list(figure.axes)[len(names) :]:
            axes.set_visible(False)
        figure.suptitle(f"IoU of each class on {condition}", x=0.01, ha="left")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=3)
    return figure


def cost_figure(
    observations: Sequence[Observation], condition: Condition, costs: Mapping[str, tuple[int, Spread]]
) -> Figure:
    """Mean IoU at the largest share against trainable parameters and against training time, with the Pareto front."""
    scores = by_share(observations, condition)
    at_most = {method: shares[max(shares)] for method, shares in scores.items() if method in costs}
    share = max((max(shares) for method, shares in scores.items() if method in costs), default=1.0)
    looks = _looks(observations)
    with house_style(_texts(observations)):
        figure = new_figure(8.6, 4.0)
        parameters, seconds = figure.subplots(1, 2, sharey=True)
        for axes, what, of in (
            (parameters, "trainable parameters", {name: float(each[0]) for name, each in costs.items()}),
            (seconds, "seconds a training", {name: each[1].mean for name, each in costs.items()}),
        ):
            _draw_costs(axes, at_most, of, looks)
            axes.set_xlabel(what)
        parameters.set_ylabel("mean IoU")
        figure.suptitle(f"Mean IoU on {condition}, {percent(share)} of the lines", x=0.01, ha="left")
        handles, labels = parameters.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=4)
    return figure


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Names of points (cost, score) that no other point beats in both, by cost."""
    front: list[str] = []
    best = -math.inf
    for name in sorted(points, key=lambda each: (points[each][0], -points[each][1])):
        if points[name][1] > best:
            front.append(name)
            best = points[name][1]
    return front


def _draw_shares(axes: Axes, observations: Sequence[Observation], scores: Mapping[str, Mapping[float, Spread]]) -> None:
    looks, guesses = _looks(observations), guesses_in(observations)
    shares = sorted({each.share for each in observations})
    if len(shares) == 1:
        _draw_side_by_side(axes, scores, looks, guesses)
        return
    for method in sorted(scores, key=lambda each: each in guesses):
        found = {share: each for share, each in scores[method].items() if each.count}
        x, y = list(found), [each.mean for each in found.values()]
        label = drawable(method)
        if method in guesses:
            axes.plot(x, y, color=GUESS, linewidth=1.0, linestyle=_dash(method, guesses), label=label, zorder=1)
            continue
        color, marker = looks[method]
        axes.plot(x, y, color=color, marker=marker, markersize=4, linewidth=1.5, label=label, zorder=3)
        spread = [0.0 if math.isnan(each.deviation) else each.deviation for each in found.values()]
        low, high = ([mean + sign * each for mean, each in zip(y, spread, strict=True)] for sign in (-1, 1))
        axes.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0, zorder=2)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(shares))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: percent(share)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(shares[0] / 1.25, shares[-1] * 1.25)
    axes.set_xlabel("share of the training lines")
    axes.set_ylabel("IoU")
    _tidy(axes)


def _draw_side_by_side(
    axes: Axes,
    scores: Mapping[str, Mapping[float, Spread]],
    looks: Mapping[str, tuple[str, str]],
    guesses: set[str],
) -> None:
    """Draw the scores at the only share: a mark for each method, a line for each guess."""
    for at, method in enumerate(looks):
        for spread in scores.get(method, {}).values():
            color, marker = looks[method]
            bar = None if math.isnan(spread.deviation) else [spread.deviation]
            axes.errorbar(
                [at], [spread.mean], yerr=bar, color=color, marker=marker, markersize=6, linestyle="", linewidth=1.2,
                capsize=3, label=drawable(method), zorder=3,
            )  # fmt: skip
    for method in (each for each in scores if each in guesses):
        for spread in scores[method].values():
            dash = _dash(method, guesses)
            axes.axhline(spread.mean, color=GUESS, linewidth=1.0, linestyle=dash, label=drawable(method), zorder=1)
    axes.set_xlim(-0.7, len(looks) - 0.3)
    axes.xaxis.set_major_locator(NullLocator())
    axes.set_ylabel("IoU")
    _tidy(axes)


def _dash(guess: str, guesses: set[str]) -> tuple[int, tuple[float, ...]]:
    return DASHES[sorted(guesses).index(guess) % len(DASHES)]


def _draw_costs(
    axes: Axes, scores: Mapping[str, Spread], costs: Mapping[str, float], looks: Mapping[str, tuple[str, str]]
) -> None:
    points = {name: (costs[name], spread.mean) for name, spread in scores.items() if spread.count and costs[name] > 0}
    for name, (cost, score) in points.items():
        color, marker = looks[name]
        deviation = scores[name].deviation
        axes.errorbar(
            [cost], [score], yerr=None if math.isnan(deviation) else [deviation], color=color, marker=marker,
            markersize=6, linestyle="", linewidth=1.2, capsize=3, label=drawable(name), zorder=3,
        )  # fmt: skip
    front = [points[name] for name in pareto_front(points)]
    axes.step(*zip(*front, strict=True), where="post", color=FAINT, linewidth=1.0, zorder=1) if len(front) > 1 else None
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    if points:
        lowest, highest = min(cost for cost, _ in points.values()), max(cost for cost, _ in points.values())
        axes.set_xlim(lowest / 1.6, highest * 1.6)
    _tidy(axes)


def short_number(value: float) -> str:
    """`200`, `4.1k`, `94M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _tidy(axes: Axes) -> None:
    axes.grid(axis="y", color="#ececec", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _looks(observations: Sequence[Observation]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each method, the same in all pictures."""
    methods = list(dict.fromkeys(each.method for each in observations if not each.is_guess))
    palette = ["#2f5d8a", ACCENT, *class_colors(len(methods) + 1)[1:], INK]
    return {name: (palette[at % len(palette)], MARKERS[at % len(MARKERS)]) for at, name in enumerate(methods)}


def _texts(observations: Sequence[Observation]) -> list[str]:
    return sorted({each.method for each in observations})
