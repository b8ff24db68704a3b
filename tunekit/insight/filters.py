"""Kernels of convolutions: the first in the colours of its input, deeper ones slice by slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tunekit.insight.canvas import BROKEN, SMALL, Box, Page, Scale, broken, short
from tunekit.insight.convolutions import Filters
from tunekit.insight.graph import Array

MOST = 64
"""Filters, or slices of them, in one picture."""
SIDE = 8
"""Filters and input channels shown of a deeper convolution."""
LEFT, TOP, ACROSS = 0.95, 0.66, 5.1
"""Inches: where the sheet of filters begins, and its width."""


def draw_first(filters: Filters, heading: str, path: Path) -> Path:
    """Every filter of the first convolution on one common scale."""
    kernel = np.moveaxis(filters.kernel, -1, 0)
    count, channels = min(len(kernel), MOST), kernel.shape[-1]
    which = f"all {count} filters" if count == len(kernel) else f"first {count} of {len(kernel)} filters"
    shown = kernel[:count]
    if channels == 3:
        scale = Scale.signed(shown)
        tiles, ramp, bar = in_colour(shown, scale), _colour_ramp(scale), "weights as red, green, blue"
        which += ", the weights of red, green and blue as colours (grey is 0)"
    else:
        shown = shown.mean(axis=-1)
        scale = Scale.signed(shown)
        tiles, ramp, bar = scale.paint(shown), None, "weight"
        which += f", mean over {channels} input channels" if channels > 1 else ""
    columns = min(count, 8 if count <= 32 else 16)
    page, box = _page(heading, filters, which, tiles, columns)
    firsts = range(0, count, columns)
    rows = [f"filter {first}–{min(first + columns, count) - 1}" for first in firsts]
    page.label(page.grid(tiles, columns, box), rows)
    page.colour_bar(scale, _bar(box), bar, ramp)
    return page.save(path)


def draw_deeper(filters: Filters, heading: str, path: Path) -> Path:
    """The first 8 filters of a deeper convolution, each over its first 8 input channels.

    A mean over the input channels would be close to grey: what they weigh cancels out.
    """
    kernel = filters.kernel.transpose(3, 2, 0, 1)
    shown = kernel[:SIDE, :SIDE]
    rows, columns = shown.shape[:2]
    scale = Scale.signed(shown)
    tiles = scale.paint(shown.reshape(rows * columns, *shown.shape[2:]))
    which = f"first {rows} of {len(kernel)} filters over first {columns} of {kernel.shape[1]} input channels"
    page, box = _page(heading, filters, which, tiles, columns)
    names = [f"filter {row}" for row in range(rows)]
    page.label(page.grid(tiles, columns, box), names, [str(n) for n in range(columns)], "input channel")
    page.colour_bar(scale, _bar(box), "weight")
    return page.save(path)


def _page(heading: str, filters: Filters, which: str, tiles: Array, columns: int) -> tuple[Page, Box]:
    """A page with its texts, and the place on it where weights come out square."""
    count, tall, wide, _ = tiles.shape
    rows = -(-count // columns)
    across = min(ACROSS, 0.9 * columns)
    down = float(np.clip(across / columns * tall / wide * rows, 0.3, 1.2 * ACROSS))
    height, width, channels, _ = filters.kernel.shape
    page = Page(TOP + max(down, 1.2) + 0.4, f"{heading}: filters of {short(filters.layer, 30)}")
    page.text(0.12, 0.36, f"{which}; each {height}×{width}×{channels}{broken(filters.kernel)}", SMALL)
    return page, Box(LEFT, TOP, across, down)


def _bar(box: Box) -> Box:
    """The colour bar stands right of the sheet."""
    return Box(LEFT + ACROSS + 0.15, TOP + 0.05, 0.2, float(np.clip(box.height - 0.1, 1.2, 2.4)))


def in_colour(kernel: Array, scale: Scale) -> Array:
    """Weights over three input channels as red, green and blue; grey is 0."""
    share = 0.5 + 0.5 * np.nan_to_num(kernel, posinf=0, neginf=0) / scale.high
    painted = (np.clip(share, 0, 1) * 255).astype(np.uint8)
    painted[~np.isfinite(kernel).all(axis=-1)] = BROKEN
    return np.asarray(painted)


def _colour_ramp(scale: Scale) -> Array:
    """Three bars side by side: one input channel rising while the others are 0."""
    rising = np.linspace(scale.high, scale.low, 128)
    weights = np.zeros((128, 3, 3))
    for channel in range(3):
        weights[:, channel, channel] = rising
    return in_colour(weights, scale)
