"""The confusion matrix as a picture: cell by cell, or for many classes from afar with its most frequent mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tunekit.insight.canvas import BLUE, short_name
from tunekit.insight.graph import Array

MOST_NUMBERED = 20
"""Classes up to which each cell carries its count."""
MOST_NAMED = 40
"""Classes up to which each row and column carries its name; more are seen from afar."""
BLOCKS = 125
"""Along either side of a matrix that is seen from afar, at most."""
MISTAKES = 20
LONGEST = 24
"""Letters of a name."""


@dataclass(frozen=True)
class Mistake:
    """One class taken for another."""

    true: int
    said: int
    count: int
    share: float
    """Of the true class."""


def shares_of(confusion: Array) -> Array:
    """Each cell as a share of its row, the true class."""
    shares: Array = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return shares


def most_frequent(confusion: Array, most: int) -> list[Mistake]:
    """The mistakes that were made most often, and of equally many those with the larger share."""
    wrong = confusion * (1 - np.eye(len(confusion), dtype=confusion.dtype))
    shares = shares_of(confusion)
    order = np.lexsort((-shares.ravel(), -wrong.ravel()))[:most]
    places = [divmod(int(place), len(confusion)) for place in order]
    return [
        Mistake(true, said, int(wrong[true, said]), float(shares[true, said]))
        for true, said in places
        if wrong[true, said]
    ]


def from_afar(shares: Array, blocks: int) -> tuple[Array, int]:
    """The largest share in each square block of classes, and how many classes a block has along its side."""
    side = -(-len(shares) // blocks)
    count = -(-len(shares) // side)
    padded = np.zeros((count * side, count * side))
    padded[: len(shares), : len(shares)] = shares
    return padded.reshape(count, side, count, side).max(axis=(1, 3)), side


def draw_confusion(confusion: Sequence[Sequence[int]], names: Sequence[str], title: str, path: Path) -> Path:
    """Rows are true classes in shares of their examples; the numbers are examples."""
    counts = np.asarray(confusion, dtype=np.int64)
    shown = [short_name(name, LONGEST) for name in names]
    figure = _whole(counts, shown, title) if len(names) <= MOST_NAMED else _afar(counts, shown, title)
    FigureCanvasAgg(figure).print_png(str(path))
    return path


def _whole(counts: Array, names: Sequence[str], title: str) -> Figure:
    shares = shares_of(counts)
    size = min(12.0, max(4.5, 2.2 + 0.55 * len(names)))
    figure = Figure(figsize=(size + 0.8, size), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    axes.set(title=title, xlabel="predicted class", ylabel="true class")
    turned: dict[str, Any] = {"rotation": 45, "ha": "right"} if max(map(len, names)) > 2 else {}
    axes.set_xticks(range(len(names)), names, **turned)
    axes.set_yticks(range(len(names)), names)
    if len(names) <= MOST_NUMBERED:
        for row, column in np.ndindex(counts.shape):
            if counts[row, column]:
                colour = "black" if shares[row, column] > 0.55 else "white"
                text = f"{int(counts[row, column])}"
                axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def _afar(counts: Array, names: Sequence[str], title: str) -> Figure:
    """The whole matrix without names, and beside it the mistakes with theirs."""
    figure = Figure(figsize=(13, 6.4), dpi=100, layout="constrained")
    figure.suptitle(title)
    axes, bars = figure.subplots(1, 2, width_ratios=(1.1, 1))
    blocks, side = from_afar(shares_of(counts), BLOCKS)
    end = len(blocks) * side - 0.5
    # Small shares would be lost among so many cells, hence the colours' scale by square roots.
    image = axes.imshow(
        blocks,
        cmap="cividis",
        norm=PowerNorm(0.5, 0, 1),
        extent=(-0.5, end, end, -0.5),
        interpolation="nearest",
    )
    each = f"; each cell the largest share of {side} x {side} classes" if side > 1 else ""
    axes.set(title=f"{len(names):,} classes by number{each}", xlabel="predicted class", ylabel="true class")
    axes.title.set_fontsize("medium")
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    _mistakes(bars, most_frequent(counts, MISTAKES), names)
    return figure


def _mistakes(axes: Axes, found: Sequence[Mistake], names: Sequence[str]) -> None:
    if not found:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "No example is mistaken.", ha="center")
        return
    places = range(len(found))
    axes.barh(places, [one.count for one in found], color=BLUE)
    axes.set_yticks(places, [f"{names[one.true]} → {names[one.said]}" for one in found], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * found[0].count)
    for place, one in enumerate(found):
        axes.text(one.count, place, f" {one.count} ({one.share:.0%})", va="center", fontsize=8)
    axes.set_title(
        f"The {len(found)} most frequent mistakes: true class → predicted class", fontsize="medium"
    )
    axes.set_xlabel("examples (and their share of the true class)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
