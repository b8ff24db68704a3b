"""Curves: loss and accuracy by epoch, with the borders of Hyperband's rungs, and accuracy by step of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tunekit.insight.canvas import BLUE, GREY, NORMAL, ORANGE, SMALL, Box, Page, short
from tunekit.insight.graph import Array
from tunekit.insight.plot import Line, View, draw_legend, draw_panel, view
from tunekit.insight.reading import Reading
from tunekit.results import Epoch

TALL = 1.75
"""Inches of a panel."""
ROW = 2.45
"""Inches from a row of panels to the next."""


def draw_curves(
    curve: Sequence[Epoch], borders: Sequence[int], title: str, path: Path, notes: Sequence[str] = ()
) -> Path:
    """Loss, accuracy and what else was measured, two in a row. A border is the last epoch of a rung."""
    below = _below(curve, borders) + [f"Not seen: {short(note, 110)}" for note in notes]
    names = _shown(curve)
    rows = (len(names) + 1) // 2
    height = (2.75 + ROW * (rows - 1) if names else 0.8) + 0.16 * len(below)
    page = Page(height, title)
    if not names:
        page.text(0.12, 0.4, "No epoch was trained.")
    for place, name in enumerate(names):
        wide = 2.75 if len(names) > 1 else 6.2
        box = Box(0.62 + 3.5 * (place % 2), 0.62 + ROW * (place // 2), wide, TALL)
        _panel(page, box, curve, name, _inside(curve, borders), legend=place == min(1, len(names) - 1))
    for place, line in enumerate(below):
        page.text(0.12, height - 0.06 - 0.16 * (len(below) - place), line, SMALL, colour=GREY)
    return page.save(path)


def draw_reading(reading: Reading, title: str, path: Path) -> Path:
    """What share of the images is recognised from the hidden state after each step."""
    page = Page(0.62 + TALL + 0.6, f"{title}: accuracy as the steps come in")
    box = Box(0.62, 0.62, 6.1, TALL)
    steps = np.concatenate([[0], reading.steps])
    guess = Line("guessing", GREY, steps[[0, -1]], np.full(2, 1 / reading.classes), dashed=True, marked=False)
    known = Line("from the state so far", ORANGE, reading.steps, reading.accuracy)
    page.text(box.left, box.top - 0.21, _first_reached(reading), NORMAL)
    seen = View(0, float(steps[-1]) + 0.5, -0.03, 1.03)
    draw_panel(page, box, (guess, known), seen, ("steps read", "share of images right"))
    draw_legend(page, box.right, 0.19, (guess, known))
    line = (
        f"{reading.images} validation images; what follows {short(reading.layer, 30)}, applied to its state."
    )
    page.text(0.12, page.height - 0.22, line, SMALL, colour=GREY)
    return page.save(path)


def _first_reached(reading: Reading) -> str:
    """How soon nearly all is known that is known in the end."""
    final = float(reading.accuracy[-1])
    early = reading.steps[np.flatnonzero(reading.accuracy >= 0.9 * final)[0]]
    return f"after all {reading.steps[-1]} steps {final:.3f}; nine tenths of that from step {early}"


def _panel(
    page: Page, box: Box, curve: Sequence[Epoch], name: str, borders: Sequence[int], legend: bool
) -> None:
    epochs = np.array([epoch.number for epoch in curve])
    lines = [
        Line(label, colour, epochs, np.array([epoch.metrics.get(key, np.nan) for epoch in curve]), dashed)
        for key, label, colour, dashed in (
            (name, "train", BLUE, True),
            (f"val_{name}", "validation", ORANGE, False),
        )
        if any(key in epoch.metrics for epoch in curve)
    ]
    page.text(box.left, box.top - 0.21, _headline(name, epochs, lines), NORMAL)
    seen = view(lines, epochs[0] - 0.5, epochs[-1] + 0.5)
    axis = "accuracy, share of images" if name == "accuracy" else name
    draw_panel(page, box, lines, seen, ("epoch", axis), borders)
    if legend:
        draw_legend(page, box.right, 0.19, lines)


def _shown(curve: Sequence[Epoch]) -> list[str]:
    """Loss and accuracy, or the first metric of a model without accuracy; and what only validation measures."""
    metrics = curve[-1].metrics if curve else {}
    names = [name for name in metrics if not name.startswith("val_")]
    held_out = [name.removeprefix("val_") for name in metrics if name.startswith("val_")]
    others = [name for name in names if name not in ("loss", "learning_rate")]
    second = "accuracy" if "accuracy" in others else next(iter(others), None)
    shown = [name for name in ("loss" if "loss" in names else None, second) if name]
    return [*shown, *(name for name in held_out if name not in names)]


def _headline(name: str, epochs: Array, lines: Sequence[Line]) -> str:
    """What a reader looks for first: the best value of validation, or that the numbers broke."""
    broken = ~np.isfinite(np.stack([line.y for line in lines])).all(axis=0)
    if broken.any():
        return f"{name}: not finite from epoch {epochs[broken][0]}"
    last = lines[-1].y
    lower = "loss" in name or "error" in name
    best = int(np.argmin(last) if lower else np.argmax(last))
    which = "validation" if lines[-1].label == "validation" else "value"
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
