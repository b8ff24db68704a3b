"""Filters as a deconvnet sees them: figures 2 and 4 of Zeiler and Fergus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tunekit.insight import canvas
from tunekit.insight.canvas import DPI, NORMAL, SMALL, WIDTH, Box, Page
from tunekit.insight.explain.evolution import Evolution
from tunekit.insight.explain.features import Feature, LayerFeatures
from tunekit.insight.explain.picture import Picture
from tunekit.insight.graph import Array

ACROSS = 3
"""Filters side by side."""
EDGE, GUTTER = 0.12, 0.18
TOP, CAPTION = 0.72, 0.2
"""Inches above the first row, and above each for its text."""
BLOCK = (WIDTH - 2 * EDGE - (ACROSS - 1) * GUTTER) / ACROSS
HALF = (BLOCK - 0.05) / 2
"""Side of nine tiles: projections, and the images they come from."""
NAMES = 0.75
"""Inches for the filters' names."""
BEYOND = 225
"""Light grey: beyond an image's border."""


def draw_features(layer: LayerFeatures, heading: str, folder: Path) -> Picture:
    """For each filter nine projections, and beside them the parts of the images that they come from."""
    rows = -(-len(layer.features) // ACROSS)
    page = Page(TOP + rows * (CAPTION + HALF + 0.1), f"{heading}: what excites the filters of {layer.layer}")
    side = layer.features[0].patches.shape[1:3]
    page.text(
        EDGE,
        0.36,
        f"The {len(layer.features)} of {layer.filters} filters that are excited most, each by its strongest "
        f"validation images, cut to {side[0]}×{side[1]} pixels.",
        SMALL,
    )
    same = ", the same for every image" if layer.fixed else ""
    page.text(
        EDGE, 0.51, f"Left: what of them excites the filter (grey: nothing){same}. Right: the images.", SMALL
    )
    for place, feature in enumerate(layer.features):
        row, column = divmod(place, ACROSS)
        left, top = EDGE + column * (BLOCK + GUTTER), TOP + row * (CAPTION + HALF + 0.1)
        page.text(left, top, f"filter {feature.filter}: at most {feature.heights[0]:.3g}", SMALL)
        _projections(page, layer, feature, Box(left, top + CAPTION, HALF, HALF))
        _nine(page, canvas.photographs(feature.patches), feature, left + HALF + 0.05, top + CAPTION)
    page.save(folder / f"features_{layer.layer}.png")
    silent = f" {layer.silent} of its filters rise above 0 on no image." if layer.silent else ""
    return Picture(
        file=f"features_{layer.layer}.png",
        title=f"What excites the filters of {layer.layer}",
        caption=f"For the {len(layer.features)} most excited of {layer.filters} filters: the validation images that "
        "excite each most, cut to what it sees, and left of them the pattern in each that does so, projected back "
        f"to pixels by a deconvnet.{silent}",
        alt=f"Small tiles in groups of nine, projected patterns beside image patches, for filters "
        f"{', '.join(str(feature.filter) for feature in layer.features)} of {layer.layer}.",
    )


def draw_evolution(layers: Sequence[Evolution], heading: str, folder: Path) -> Picture:
    """A row for each filter, a column for each epoch."""
    epochs = layers[0].epochs
    tile = float(np.clip(2.4 / len(epochs), 0.3, 0.5))
    wide, high = NAMES + tile * len(epochs), 0.75 + tile * max(len(layer.filters) for layer in layers)
    across = max(1, int((WIDTH - EDGE) / (wide + 0.1)))
    page = Page(0.72 + high * -(-len(layers) // across), f"{heading}: how features came to be")
    page.text(
        EDGE, 0.36, "What excites each filter most, after these epochs, as its pattern in pixels.", SMALL
    )
    page.text(EDGE, 0.51, "A sudden change is often another image that is now the strongest.", SMALL)
    for place, layer in enumerate(layers):
        row, column = divmod(place, across)
        left, top = EDGE + column * (wide + 0.1), 0.72 + row * high
        page.text(left, top, canvas.short(layer.layer, 24), NORMAL, bold=True)
        count = len(layer.filters) * len(epochs)
        tiles = contrast(layer.projections.reshape(count, *layer.projections.shape[2:]))
        box = Box(left + NAMES, top + 0.22, tile * len(epochs), tile * len(layer.filters))
        names = [f"filter {number}" for number in layer.filters]
        page.label(page.grid(tiles, len(epochs), box), names, [str(epoch) for epoch in epochs], "epoch")
    page.save(folder / "evolution.png")
    listed = ", ".join(map(str, epochs))
    return Picture(
        file="evolution.png",
        title="How the features came to be",
        caption=f"For some filters of each convolution the strongest pattern after epochs {listed}, projected back "
        "to pixels by a deconvnet. Filters that settle early stay the same from one column to the next.",
        alt=f"Grids of small tiles, a row for each filter and a column for each of the epochs {listed}.",
    )


def contrast(projections: Array) -> Array:
    """As RGB bytes around a middle grey, each with its own largest value at full contrast."""
    largest = np.abs(projections).max(axis=(1, 2, 3), keepdims=True)
    share = 0.5 + 0.5 * projections / np.where(largest > 0, largest, 1)
    return canvas.photographs(255 * share)


def _projections(page: Page, layer: LayerFeatures, feature: Feature, box: Box) -> None:
    """Nine; but one where all are the same, of the image that has most of it inside."""
    if layer.fixed:
        most = feature.inside.sum(axis=(1, 2)).argmax()
        page.image(contrast(feature.projections[most : most + 1])[0], box)
    else:
        _nine(page, contrast(feature.projections), feature, box.left, box.top)


def _nine(page: Page, tiles: Array, feature: Feature, left: float, top: float) -> None:
    shown = np.where(feature.inside[..., None], tiles, BEYOND).astype(np.uint8)
    rows = -(-len(shown) // 3)
    side = (HALF * DPI + 2) / 3
    page.grid(shown, 3, Box(left, top, HALF, (rows * side - 2) / DPI), gap=2)
