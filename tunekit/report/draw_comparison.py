"""The picture of a comparison: the winners' curves, and their scores beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunekit.report.chart import plain_axes
from tunekit.report.comparison import Comparison, Entry
from tunekit.report.palette import DAY, SERIES
from tunekit.space.space import Objective

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""What a colour repeats, a marker tells apart."""
AXES = {
    "accuracy": "accuracy, share of images",
    "f1": "F1, mean of the classes",
    "auc": "area under the ROC curve, mean of the classes",
    "top5": "top-5 accuracy, share of images",
    "log_loss": "log loss, without penalties",
}
"""How metrics are called at an axis, where not by their own name."""


def draw_comparison(found: Comparison, path: Path) -> Path:
    """Write the picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(found.entries)
    figure = Figure(figsize=(11, max(4.6, 2.6 + 0.4 * count)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    curves, scores = figure.subplots(1, 2, width_ratios=(1.5, 1))
    _curves(curves, found.entries, found.entries[0].objective)
    _scores(scores, found.entries, found.entries[0].objective)
    handles, labels = curves.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=min(3, count), frameon=False)
    figure.suptitle(_title(found), fontsize=12, fontweight="bold", x=0.01, ha="left")
    figure.savefig(path, metadata={"Software": None})
    return path


def _title(found: Comparison) -> str:
    names = sorted({entry.data for entry in found.entries})
    title = f"{len(found.entries)} searches on {', '.join(names)}: their winners"
    return title if found.comparable else f"{title} (not comparable: see the command's warnings)"


def _curves(axes: Any, entries: Sequence[Entry], objective: Objective) -> None:
    longest = 1
    for number, entry in enumerate(entries):
        if not entry.curve:
            continue
        colour, marker = _look(number)
        steps = [point.epoch for point in entry.curve]
        longest = max(longest, *steps)
        axes.plot(
            steps, [point.value for point in entry.curve], color=colour, marker=marker, markersize=5,
            linewidth=1.8, label=f"{entry.search}, trial {entry.winner}",
        )  # fmt: skip
    axes.set_title(f"{objective.name} of the winner, by epoch", fontsize=10, loc="left")
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"validation {AXES.get(objective.metric, objective.metric)}")
    axes.set_xlim(0.5, longest + 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True)
    plain_axes(axes, DAY, "both")


def _scores(axes: Any, entries: Sequence[Entry], objective: Objective) -> None:
    """Validation filled with its spread, test hollow."""
    for number, entry in enumerate(entries):
        colour, marker = _look(number)
        if entry.score is not None and math.isfinite(entry.score):
            axes.errorbar(
                entry.score, number - 0.12, xerr=entry.spread, color=colour, marker=marker, markersize=7,
                capsize=4, linewidth=1.5,
            )  # fmt: skip
        if entry.test is not None:
            axes.plot(
                entry.test, number + 0.16, color=colour, marker=marker, markersize=7, markerfacecolor="white",
                linestyle="none",
            )  # fmt: skip
    axes.set_yticks(range(len(entries)), [entry.search for entry in entries])
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.set_title("filled: validation, bar: ± spread; hollow: test", fontsize=10, loc="left")
    axes.set_xlabel(AXES.get(objective.metric, objective.metric))
    plain_axes(axes, DAY, "both")


def _look(number: int) -> tuple[str, str]:
    return DAY.series[number % SERIES], MARKERS[number % len(MARKERS)]
