"""What a model notices of changed images, as curves: figure 5 of Zeiler and Fergus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from tunekit.insight import canvas
from tunekit.insight.canvas import DPI, GREY, LARGE, NORMAL, SMALL, WIDTH
from tunekit.insight.explain.invariance import Curves
from tunekit.insight.explain.picture import Picture
from tunekit.insight.graph import Array

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000")
LINES = ("-", "--", "-.", ":", (0, (4, 1, 1, 1, 1, 1)))
"""One of each for an image: colour is not all that tells them apart."""
LEFT, PANEL, GAP = 0.62, 1.95, 0.18
ROW, SPACE = 1.35, 0.3
"""Inches: height of a panel, and between two."""
THUMBNAIL = 0.5


def draw_invariance(
    found: Sequence[Curves], images: Array, classes: Sequence[str], heading: str, folder: Path
) -> Picture:
    """A column for each kind of change; a row for each layer, and one for the answer."""
    layers = list(found[0].distances)
    height = 1.5 + (len(layers) + 1) * (ROW + SPACE) + 0.1
    figure: Any = Figure(figsize=(WIDTH, height), dpi=DPI)
    _text(figure, 0.1, f"{heading}: what it notices of changed images", LARGE, weight="bold")
    what = f"{len(images)} validation images of different classes, shifted, scaled and turned about their middle."
    _text(figure, 0.36, what, SMALL)
    if layers:
        what = "Distance: how far a layer's answer moves from that to the unchanged image, as a share of its length."
        _text(figure, 0.51, what, SMALL)
    _legend(figure, images, classes, height)
    for row, name in enumerate([*layers, None]):
        top = 1.5 + row * (ROW + SPACE)
        for column, curves in enumerate(found):
            box = (LEFT + column * (PANEL + GAP), height - top - ROW, PANEL, ROW)
            axes = figure.add_axes(
                (box[0] / WIDTH, box[1] / height, box[2] / WIDTH, box[3] / height),
            )
            _panel(axes, curves, curves.probability if name is None else curves.distances[name])
            if not column:
                label = (
                    "probability\nof the true class"
                    if name is None
                    else f"{canvas.short(name, 18)}\ndistance"
                )
                axes.set_ylabel(label, size=SMALL, labelpad=2, parse_math=False)
            if name is None:
                axes.set_ylim(-0.03, 1.03)
                axes.set_xlabel(f"{curves.change}, {curves.unit}", size=SMALL, labelpad=1)
            else:
                top_most = max(float(np.nanmax(other.distances[name])) for other in found)
                axes.set_ylim(0, 1.05 * top_most or 1)
            if row == 0:
                axes.set_title(curves.change, size=NORMAL, loc="left")
            if column:
                axes.tick_params(labelleft=False)
    drawn = FigureCanvasAgg(figure)
    drawn.draw()
    pixels = np.ascontiguousarray(np.asarray(drawn.buffer_rgba())[..., :3])
    Image.fromarray(pixels).save(folder / "invariance.png", compress_level=1)
    return _told(found, layers, classes)


def _text(figure: Any, top: float, text: str, size: float, **style: Any) -> None:
    figure.text(
        0.12 / WIDTH, 1 - top / figure.get_figheight(), text, size=size, va="top", parse_math=False, **style
    )


def _legend(figure: Any, images: Array, classes: Sequence[str], height: float) -> None:
    """The images themselves, each under the line that stands for it."""
    for place, (image, name) in enumerate(zip(images, classes, strict=True)):
        left = LEFT + place * 1.28
        axes = figure.add_axes((left / WIDTH, 1 - 1.22 / height, THUMBNAIL / WIDTH, THUMBNAIL / height))
        axes.imshow(canvas.photographs(image[None])[0], interpolation="nearest")
        axes.set_axis_off()
        beside = (left + THUMBNAIL + 0.08) / WIDTH
        figure.text(
            beside, 1 - 0.87 / height, canvas.short_name(name, 10), size=SMALL, va="center", parse_math=False
        )
        line = figure.add_axes((beside, 1 - 1.17 / height, 0.5 / WIDTH, 0.2 / height))
        line.plot([0, 1], [0, 0], color=COLOURS[place], linestyle=LINES[place], linewidth=1.4)
        line.set_axis_off()


def _panel(axes: Any, curves: Curves, values: Array) -> None:
    for place, series in enumerate(values):
        style = {"color": COLOURS[place], "linestyle": LINES[place]}
        axes.plot(curves.amounts, series, linewidth=1.2, **style)
    unchanged = {"shift": 0, "scale": 1, "rotation": 0}[curves.change]
    axes.axvline(unchanged, color=GREY, linewidth=0.8, linestyle=":")
    axes.set_xlim(curves.amounts[0], curves.amounts[-1])
    if curves.change == "rotation":
        axes.set_xticks([0, 90, 180, 270, 360])
    axes.tick_params(labelsize=SMALL, length=2, pad=2)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def _told(found: Sequence[Curves], layers: Sequence[str], classes: Sequence[str]) -> Picture:
    lowest = ", ".join(f"{curves.change} {curves.probability.mean(axis=0).min():.0%}" for curves in found)
    where = (
        f"The distance of what {' and '.join(layers)} answer, as a share of the unchanged image's, and the"
        if layers
        else "The"
    )
    return Picture(
        file="invariance.png",
        title="What it notices of shift, scale and rotation",
        caption=f"{where} probability of the true class, for {len(classes)} validation images that are shifted, "
        "scaled and turned. A flat curve means that the model does not notice.",
        alt=f"Curves for {', '.join(classes)}. The mean probability of the true class falls at worst to: {lowest}.",
    )
