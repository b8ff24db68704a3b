"""One convolution's filters at several epochs: small pictures for MLflow's grid of images and its step slider."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from tunekit.insight.canvas import BROKEN, SMALL, Box, Page, Scale, short
from tunekit.insight.convolutions import Filters
from tunekit.insight.filters import MOST, SIDE, in_colour
from tunekit.insight.graph import Array

WIDE = 2.56
"""Inches; no larger than what MLflow reduces a picture of its grid to, so that nothing is lost there."""
ACROSS = 2.05
LAYERS = 7
"""The first ones; MLflow takes as long to log one as it takes to draw several."""


def draw_stages(stages: Mapping[int, Sequence[Filters]], folder: Path) -> list[Path]:
    """FOLDER/filters_LAYER.EPOCH.png; a layer has one scale for all epochs."""
    written: list[Path] = []
    for place, layer in enumerate(list(zip(*stages.values(), strict=True))[:LAYERS]):
        folder.mkdir(parents=True, exist_ok=True)
        sheets = [_sheet(filters.kernel, first=place == 0) for filters in layer]
        scale = Scale.signed(*sheets)
        for epoch, filters, sheet in zip(stages, layer, sheets, strict=True):
            path = folder / f"filters_{filters.layer}.{epoch}.png"
            written.append(_draw(sheet, scale, f"{short(filters.layer, 20)}, epoch {epoch}", path))
    return written


def _sheet(kernel: Array, first: bool) -> Array:
    """The weights to show: (tiles, height, width), or with three colours at the end."""
    if not first:
        shown = kernel.transpose(3, 2, 0, 1)[:SIDE, :SIDE]
        return shown.reshape(-1, *shown.shape[2:])
    shown = kernel.transpose(3, 0, 1, 2)[:MOST]
    return shown if shown.shape[-1] == 3 else shown.mean(axis=-1)


def _draw(sheet: Array, scale: Scale, title: str, path: Path) -> Path:
    tiles = in_colour(sheet, scale) if sheet.ndim == 4 else scale.paint(sheet)
    columns = math.ceil(math.sqrt(len(tiles)))
    page = Page(WIDE, title, WIDE)
    page.grid(
        tiles, columns, Box((WIDE - ACROSS) / 2, 0.3, ACROSS, ACROSS * -(-len(tiles) // columns) / columns), 2
    )
    zero = "grey" if sheet.ndim == 4 else "white"
    said = (
        "magenta: not finite"
        if (tiles == BROKEN).all(axis=-1).any()
        else f"{zero} is 0, ends ±{scale.high:.2g}"
    )
    page.text(WIDE / 2, WIDE - 0.07, said, SMALL, "ms")
    return page.save(path)
