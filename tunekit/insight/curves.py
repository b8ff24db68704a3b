"""The learning curve: loss and accuracy by epoch, with the borders of Hyperband's rungs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from tunekit.insight.canvas import BLUE, DPI, GREY, LARGE, NORMAL, ORANGE, SMALL, WIDTH, short
from tunekit.insight.graph import Array
from tunekit.results import Epoch


def draw_curves(
    curve: Sequence[Epoch], borders: Sequence[int], title: str, path: Path, notes: Sequence[str] = ()
) -> Path:
    """Loss and accuracy, train and validation. A border is the last epoch of a rung."""
    lines = _below(curve, borders) + [f"Not seen: {short(note, 110)}" for note in notes]
    names = _shown(curve)
    height = (2.75 if names else 0.8) + 0.16 * len(lines)
    # Objects without pyplot: no global state, so that threads may draw side by side.
    figure: Any = Figure(figsize=(WIDTH, height), dpi=DPI)
    _text(figure, 0.1, title, LARGE, weight="bold")
    if not names:
        _text(figure, 0.4, "No epoch was trained.", NORMAL)
    for place, name in enumerate(names):
        width, bottom = 2.85 if len(names) > 1 else 6.2, height - 0.6 - 1.75
        box = ((0.6 + 3.45 * place) / WIDTH, bottom / height, width / WIDTH, 1.75 / height)
        axes = figure.add_axes(box)
        _panel(axes, curve, name)
        for border in _inside(curve, borders):
            axes.axvline(border + 0.5, color=GREY, linewidth=1, linestyle=":")
    for place, line in enumerate(lines):
        _text(figure, height - 0.06 - 0.16 * (len(lines) - place), line, SMALL, color=GREY)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
    Image.fromarray(pixels).save(path, compress_level=1)
    return path


def _text(figure: Any, top: float, text: str, size: float, **style: Any) -> None:
    # Names may hold a dollar sign, which begins no formula.
    place = (0.12 / WIDTH, 1 - top / figure.get_figheight())
    figure.text(*place, text, size=size, va="top", parse_math=False, **style)


def _shown(curve: Sequence[Epoch]) -> list[str]:
    """Loss and accuracy; for a model without accuracy, the first metric it has."""
    names = [name for name in (curve[-1].metrics if curve else ()) if not name.startswith("val_")]
    others = [name for name in names if name not in ("loss", "learning_rate")]
    second = "accuracy" if "accuracy" in others else next(iter(others), None)
    return [name for name in ("loss" if "loss" in names else None, second) if name]


def _panel(axes: Any, curve: Sequence[Epoch], name: str) -> None:
    epochs = np.array([epoch.number for epoch in curve])
    pairs = ((name, "train", BLUE, "--", "o"), (f"val_{name}", "validation", ORANGE, "-", "s"))
    drawn = []
    for key, label, colour, line, marker in pairs:
        values = np.array([epoch.metrics.get(key, np.nan) for epoch in curve], float)
        finite = np.isfinite(values)
        if not any(key in epoch.metrics for epoch in curve):
            continue
        drawn.append(values)
        size = 3 if len(curve) <= 40 else 0
        axes.plot(
            epochs, np.where(finite, values, np.nan), line, color=colour, marker=marker, ms=size, label=label
        )
    _limits(axes, epochs, np.concatenate(drawn) if drawn else np.array([]))
    axes.set_title(_headline(name, epochs, drawn), size=NORMAL, loc="left", parse_math=False)
    axes.tick_params(labelsize=SMALL, length=2, pad=2)
    axes.set_xlabel("epoch", size=SMALL, labelpad=1)
    axes.set_ylabel(name if name != "accuracy" else "accuracy, share of images", size=SMALL, labelpad=1)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(fontsize=SMALL, frameon=False, handlelength=2.2)


def _limits(axes: Any, epochs: Array, values: Array) -> None:
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    step = max(1, -(-len(epochs) // 9))
    axes.set_xticks(epochs[::step])
    finite = values[np.isfinite(values)]
    # One burst of the loss would flatten the rest of its curve.
    if finite.size and finite.min() > 0 and finite.max() / finite.min() > 50:
        axes.set_yscale("log")


def _headline(name: str, epochs: Array, drawn: Sequence[Array]) -> str:
    """What a reader looks for first: the best value of validation, or that the numbers broke."""
    broken = ~np.isfinite(np.stack(drawn)).all(axis=0)
    if broken.any():
        return f"{name}: not finite from epoch {epochs[broken][0]}"
    last = drawn[-1]
    lower = "loss" in name or "error" in name
    best = int(np.argmin(last) if lower else np.argmax(last))
    which = "validation" if len(drawn) > 1 else "value"
    return f"{name}: best {which} {last[best]:.4g} (epoch {epochs[best]})"


def _inside(curve: Sequence[Epoch], borders: Sequence[int]) -> list[int]:
    """The borders with an epoch on either side."""
    return sorted({border for border in borders if curve[0].number <= border < curve[-1].number})


def _below(curve: Sequence[Epoch], borders: Sequence[int]) -> list[str]:
    """What the dotted lines mean, where there are any."""
    inside = _inside(curve, borders) if curve else []
    if not inside:
        return []
    listed = ", ".join(map(str, inside))
    return [f"Dotted: a rung of Hyperband ended and the trial was promoted (after epoch {listed})."]
