"""Which parts of an image matter: what the model says while a grey square covers one part after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunekit.insight import flow
from tunekit.insight.explain.deconvnet import Route
from tunekit.insight.explain.features import all_peaks
from tunekit.insight.explain.hidden import BATCH, probabilities
from tunekit.insight.graph import Array

POSITIONS = 16
"""Of the square along either side, at least; fewer where the image has fewer pixels."""
SHARE = 4
"""The square's side is this part of the image's."""


@dataclass(frozen=True)
class Occlusion:
    """One image, covered bit by bit."""

    image: Array
    label: int
    rows: Array
    """Where the square's top edge was; it may reach beyond the image's border."""
    columns: Array
    side: int
    """Of the square, in pixels."""
    plain: float
    """The true class' probability with nothing covered."""
    probability: Array
    """(rows, columns): the same with the square there."""
    filter: int | None
    """The filter of the last convolution that the image excites most; None without convolutions."""
    activation: Array | None
    """(rows, columns): the sum of the filter's map, as a share of what it is with nothing covered."""

    @property
    def darkest(self) -> tuple[int, int]:
        """Row and column of the square's middle where the probability is least."""
        row, column = np.unravel_index(self.probability.argmin(), self.probability.shape)
        return int(self.rows[row]) + self.side // 2, int(self.columns[column]) + self.side // 2


def occlude(model: Any, image: Array, label: int, grey: Sequence[float], last: Route | None) -> Occlusion:
    """Move a square of this colour over the image and ask the model each time."""
    rows, columns, side = _positions(*image.shape[:2])
    covered = np.stack([_cover(image, row, column, side, grey) for row in rows for column in columns])
    shape = (len(rows), len(columns))
    strongest, activation = None, None
    if last is not None:
        peaks = all_peaks(model, [last], image[None])[0]
        strongest = int(peaks.heights[0].argmax())
        plain = _sums(model, last, image[None], strongest)[0]
        if plain > 0:
            activation = _sums(model, last, covered, strongest).reshape(shape) / plain
    return Occlusion(
        image=image,
        label=label,
        rows=rows,
        columns=columns,
        side=side,
        plain=float(probabilities(model, image[None])[0, label]),
        probability=probabilities(model, covered)[:, label].reshape(shape),
        filter=strongest if activation is not None else None,
        activation=activation,
    )


def _positions(height: int, width: int) -> tuple[Array, Array, int]:
    """The square's top and left edges, so that its middle passes over the whole image, and its side."""
    side = max(1, round(min(height, width) / SHARE))
    step = max(1, min(height, width) // POSITIONS)
    return (
        np.arange(step // 2, height, step) - side // 2,
        np.arange(step // 2, width, step) - side // 2,
        side,
    )


def _cover(image: Array, row: int, column: int, side: int, grey: Sequence[float]) -> Array:
    covered = image.copy()
    covered[max(0, row) : max(0, row + side), max(0, column) : max(0, column + side)] = grey
    return covered


def _sums(model: Any, route: Route, images: Array, number: int) -> Array:
    """The sum of one filter's map on each image."""
    parts = []
    for start in range(0, len(images), BATCH):
        values = flow.evaluate(model, [route.tensor], images[start : start + BATCH])[id(route.tensor)]
        parts.append(values[..., number].sum(axis=(1, 2)))
    return np.concatenate(parts)
