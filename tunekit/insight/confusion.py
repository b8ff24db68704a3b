"""The confusion matrix as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

MOST_NUMBERED = 20
"""Classes up to which each cell carries its count."""


def draw_confusion(confusion: Sequence[Sequence[int]], names: Sequence[str], title: str, path: Path) -> Path:
    """Rows are true classes in shares of their images; the numbers are images."""
    counts = np.asarray(confusion, dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = min(12.0, max(4.5, 2.2 + 0.55 * len(names)))
    figure = Figure(figsize=(size + 0.8, size), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    axes.set(title=title, xlabel="predicted class", ylabel="true class")
    if len(names) <= 2 * MOST_NUMBERED:
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
    FigureCanvasAgg(figure).print_png(str(path))
    return path
