"""Counts of amplitudes or classes of a volume come in; a panel that shows them goes out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from sam_seismic.report.letters import class_labels
from sam_seismic.report.style import ACCENT, FAINT, LIVE, class_colors
from sam_seismic.survey.facies import FaciesTable

NAMED_PERCENTILES = ("p1", "p50", "p99")
"""Percentiles whose lines have a name; more names would overlap."""
MOST_NAMED_CLASSES = 12
"""With more classes than this the bars are too narrow for names."""


@dataclass(frozen=True, eq=False)
class AmplitudeCounts:
    """Histogram of amplitudes.

    Args:
        edges: float64[bin + 1], ascending.
        counts: int64[bin].
        percentiles: amplitudes by name, `p1`, `p50`, ...
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    percentiles: Mapping[str, float]

    def draw(self, axes: Axes) -> None:
        """Draw the histogram; heights are square roots of counts, since large amplitudes are rare."""
        axes.stairs(np.sqrt(self.counts), self.edges, fill=True, color=LIVE)
        for name, value in self.percentiles.items():
            if self.edges[0] < value < self.edges[-1]:
                named = name in NAMED_PERCENTILES
                axes.axvline(value, color=ACCENT if named else FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
                if named:
                    self._name(axes, name, value)
        axes.set_xlim(self.edges[0], self.edges[-1])
        axes.set_ylim(0, 1.35 * max(1.0, float(np.sqrt(self.counts.max()))))
        _format_axes(axes, "Amplitudes (heights are square roots of counts)")

    def _name(self, axes: Axes, name: str, value: float) -> None:
        """Write the name of a percentile on the side of its line that has more room."""
        left = value > self.edges[0] + 0.8 * (self.edges[-1] - self.edges[0])
        axes.annotate(
            f"{name}: {value:,.0f}" if abs(value) >= 1000 else f"{name}: {value:.4g}",
            (value, 1.0),
            xycoords=axes.get_xaxis_transform(),
            xytext=(-3 if left else 3, -3),
            textcoords="offset points",
            va="top",
            ha="right" if left else "left",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )


@dataclass(frozen=True)
class LabelCounts:
    """Number of voxels by label value; values that are not a class count in the total, but have no bar."""

    voxels: Mapping[int, int]

    def draw(self, axes: Axes, facies: FaciesTable) -> bool:
        """Draw a bar for each class with its share of all voxels; return whether the bars have names, as a legend."""
        total = max(1, sum(self.voxels.values()))
        shares = [self.voxels.get(value, 0) / total for value in facies.values]
        bars = axes.bar(range(len(facies)), shares, color=class_colors(len(facies)), width=0.7)
        named = len(facies) <= MOST_NAMED_CLASSES
        if named:
            axes.bar_label(bars, [f"{100 * share:.1f} %" for share in shares], fontsize=8, padding=2)
        axes.set_xticks(range(len(facies)) if named else [], class_labels(facies.names) if named else [])
        axes.set_xlim(-0.6, len(facies) - 0.4)
        axes.set_ylim(0, 1.25 * max(*shares, 1e-9))
        _format_axes(axes, "Share of each class")
        return named


def _format_axes(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left")
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
