"""What each layer answered to the images: maps or a matrix, a histogram, and its statistics."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tunekit.insight import canvas, graph
from tunekit.insight.canvas import NORMAL, SMALL, Box, Page, Scale
from tunekit.insight.graph import Array
from tunekit.insight.look import SAMPLE, Activation, Look

MAPS, ROWS = 12, 5
"""Filters and images of a convolution's maps."""
UNITS = 128
"""Units of a dense or recurrent layer, each a column."""
MOST = 8
"""Layers in the picture; of a deeper model they are picked evenly from first to last."""
BINS = 35
LEFT, ACROSS = 0.95, 3.95
HISTOGRAM, BROAD = 5.45, 1.4
BETWEEN = 0.38
"""Inches between a layer's two histograms, for the texts of the upper one."""
PLAIN = np.array([150, 150, 150], np.uint8)
"""Bars of values that are shown nowhere else."""
TOP, GAP = 0.66, 0.9
"""Inches above the first layer, and between two, for the text and the axis."""


def draw_activations(look: Look, heading: str, path: Path) -> Path:
    """A band for each layer: what it answered, how often each value came, and its statistics."""
    picked = graph.evenly(look.activations, MOST)
    heights = [_height(look, activation) for activation in picked]
    page = Page(TOP + sum(heights) + GAP * len(picked), f"{heading}: activations on fixed validation images")
    line = "Coloured bars: the values shown beside them."
    if any(activation.linear for activation in picked):
        line += " Grey bars: the same layer before batch norm or activation."
    if len(picked) < len(look.activations):
        line += f" {len(picked)} of {len(look.activations)} layers."
    page.text(0.12, 0.36, line, SMALL)
    top = TOP
    for activation, height in zip(picked, heights, strict=True):
        _band(page, look, activation, top, height)
        top += height + GAP
    return page.save(path)


def _height(look: Look, activation: Activation) -> float:
    if activation.values.ndim == 4:
        return ACROSS / (MAPS + 1) * min(ROWS, len(look.images))
    return max(1.2 if activation.linear else 0.6, 0.115 * len(look.images))


def _band(page: Page, look: Look, activation: Activation, top: float, height: float) -> None:
    page.text(0.12, top, _headline(activation), NORMAL, bold=True)
    page.text(0.12, top + 0.17, _numbers(activation), SMALL)
    box = Box(LEFT, top + 0.38, ACROSS, height)
    show = _maps if activation.values.ndim == 4 else _matrix
    scale = show(page, box, look, activation)
    upper = (height - BETWEEN) / 2 if activation.linear else 0.0
    if activation.linear:
        above = Box(HISTOGRAM, box.top, BROAD, upper)
        _histogram(page, above, activation.linear.sample, f"before {activation.linear.before}", None)
        upper += BETWEEN
    _answers(page, Box(HISTOGRAM, box.top + upper, BROAD, height - upper), activation, scale)


def _headline(activation: Activation) -> str:
    shape = "×".join(map(str, activation.values.shape[1:]))
    return f"{canvas.short(activation.layer, 40)} ({activation.kind}, {shape})"


def _numbers(activation: Activation) -> str:
    """The statistics as text."""
    summary = activation.summary
    if summary.nonfinite:
        return f"{summary.nonfinite:.1%} of the values are not finite (magenta): the model diverged"
    parts = [f"{name} {getattr(summary, name):.3g}" for name in ("mean", "std", "min", "max")]
    if summary.dead is not None:
        unit = "filters" if activation.kind == "convolution" else "units"
        parts.append(f"zero {np.mean(activation.values <= 0):.0%}")
        parts.append(f"dead {summary.dead:.1%} of {activation.values.shape[-1]} {unit}")
    return "    ".join(parts)


def _maps(page: Page, box: Box, look: Look, activation: Activation) -> Scale:
    """A row for each image: the image itself, then maps of it.

    The filters that vary most, for the first ones may happen to be dead; how many are, the text says.
    """
    shown = activation.values[:ROWS]
    total = shown.shape[-1]
    spread = np.nan_to_num(shown.reshape(-1, total).std(axis=0), posinf=0)
    liveliest = np.sort(np.argsort(-spread, kind="stable")[:MAPS])
    shown = shown[..., liveliest]
    scale = Scale.of(shown)
    # Tiles of one size: both are brought to the pixels that a tile has on the page.
    side = round(box.width * canvas.DPI / (MAPS + 1))
    count, height, width, filters = shown.shape
    maps = scale.paint(np.moveaxis(shown, -1, 1).reshape(-1, height, width))
    painted = canvas.fitted(maps, side).reshape(count, filters, side, side, 3)
    photographs = canvas.fitted(canvas.photographs(look.images[:count]), side)
    tiles = np.concatenate([photographs[:, None], painted], axis=1).reshape(-1, side, side, 3)
    wide = box.width * (filters + 1) / (MAPS + 1)
    grid = page.grid(tiles, filters + 1, Box(box.left, box.top, wide, box.height), gap=2)
    which = (
        f"maps of all {total} filters"
        if filters == total
        else f"the {filters} of {total} maps that vary most"
    )
    names = canvas.class_names(look.class_names, look.labels[:count])
    page.label(grid, names, under=f"image, then {which}")
    return scale


def _matrix(page: Page, box: Box, look: Look, activation: Activation) -> Scale:
    """A row for each image and a column for each unit."""
    shown = _by_unit(activation)
    of_classes = shown.shape[1] == len(look.class_names) and activation is look.activations[-1]
    if of_classes and shown.shape[1] > UNITS:
        # The first ones of many classes would be dark: those that are said most, in their order.
        said = np.argsort(-np.nan_to_num(shown).max(axis=0), kind="stable")[:UNITS]
        shown = shown[:, np.sort(said)]
    shown = shown[:, :UNITS]
    scale = Scale.of(shown)
    total, count = activation.values.shape[-1], shown.shape[1]
    grid = page.grid(scale.paint(shown)[:, None], 1, box, gap=0)
    names = canvas.class_names(look.class_names, look.labels[: len(shown)])
    label = f"first {count} of {total} units" if total > count else f"unit 0 to {total - 1}"
    if of_classes:
        which = f"the {count} of {total} classes said most" if total > count else f"class 0 to {total - 1}"
        label = f"output for {which}"
    if activation.values.ndim > 2:
        label += ", last step" if activation.kind == "recurrent" else ", mean over positions"
    page.label(grid, names, under=label)
    return scale


def _by_unit(activation: Activation) -> Array:
    values = activation.values
    if values.ndim > 2 and activation.kind == "recurrent":
        return values.reshape(len(values), -1, values.shape[-1])[:, -1]
    if values.ndim > 2:
        return np.asarray(values.mean(axis=tuple(range(1, values.ndim - 1))))
    return values


def _answers(page: Page, box: Box, activation: Activation, scale: Scale) -> None:
    """How often each value came; its bars have the colours of the maps, and so explain them."""
    flat = activation.values.reshape(-1)
    flat = flat[:: flat.size // SAMPLE + 1]
    if activation.summary.dead is None:
        _histogram(page, box, flat, "activation", scale)
    else:  # the zeros would dwarf the rest; their share stands in the text
        _histogram(page, box, flat[flat > 0], "activation above 0", scale, from_zero=True)


def _histogram(
    page: Page, box: Box, values: Array, label: str, scale: Scale | None, from_zero: bool = False
) -> None:
    flat = values[np.isfinite(values)]
    if not flat.size:
        page.text(box.left, box.top, "every value is 0" if from_zero else "no value is finite", SMALL)
        return
    low = min(0.0, float(flat.min())) if from_zero else float(flat.min())
    ends = (low, max(float(flat.max()), low + 1e-6 * max(1.0, abs(low))))  # one value alone has no range
    counts, edges = np.histogram(flat.astype(np.float64), bins=BINS, range=ends)
    share = counts / counts.sum()
    middles = (edges[:-1] + edges[1:]) / 2
    colours = scale.paint(middles) if scale else np.tile(PLAIN, (BINS, 1))
    page.image(_bars(share / share.max(), colours, box), box)
    bottom = box.top + box.height
    page.text(box.left - 0.05, box.top, f"{share.max():.0%}", SMALL, "rm")
    page.text(box.left - 0.05, bottom, "0", SMALL, "rm")
    page.beside(box.left - 0.15, box.top + box.height / 2, "share")
    page.text(box.left, bottom + 0.05, f"{edges[0]:.2g}", SMALL)
    page.text(box.left + box.width / 2, bottom + 0.19, label, SMALL, "ma")
    page.text(box.right, bottom + 0.05, f"{edges[-1]:.2g}", SMALL, "ra")
    if edges[0] < 0 < edges[-1]:
        place = -edges[0] / (edges[-1] - edges[0])
        if 0.15 < place < 0.85:
            page.text(box.left + place * box.width, bottom + 0.05, "0", SMALL, "ma")


def _bars(heights: Array, colours: Array, box: Box) -> Array:
    """Upright bars as pixels, on white, over a grey base line."""
    rows, wide = round(box.height * canvas.DPI), round(box.width * canvas.DPI) // len(heights)
    bars = np.full((rows, len(heights), wide, 3), 255, np.uint8)
    filled = np.arange(rows, 0, -1)[:, None] <= np.ceil(heights * (rows - 1))
    # Pale bars would be lost on white, so each has a grey edge at its top and its right.
    bars[:, :, : wide - 1] = np.where(filled[..., None, None], colours[None, :, None], 255)
    bars[:, :, wide - 1] = np.where(filled[..., None], 190, 255)
    bars[-1] = 120
    edge = filled & ~np.vstack([np.zeros_like(filled[:1]), filled[:-1]])
    bars[edge] = 120
    return bars.reshape(rows, len(heights) * wide, 3)
