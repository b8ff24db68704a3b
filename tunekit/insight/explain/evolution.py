"""How features came to be: what excites each filter most before training, at epochs 1, 2, 4, ... and at the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunekit.insight.explain.deconvnet import Route, project, routes
from tunekit.insight.explain.features import Peaks, all_peaks, cut, strongest_filters
from tunekit.insight.graph import Array

SHOWN = 6
"""Filters of a layer: those that are excited most after the last epoch."""
IMAGES = 1000
"""Images that the strongest are looked for in, at every epoch anew."""


@dataclass(frozen=True)
class Evolution:
    """Some filters of one convolution over the epochs."""

    layer: str
    epochs: tuple[int, ...]
    filters: tuple[int, ...]
    projections: Array
    """(filters, epochs, height, width, channels); all 0 where the filter was silent."""
    heights: Array
    """(filters, epochs): the largest activation."""
    images: Array
    """(filters, epochs): number of the image that it was found in."""


def evolve(
    model: Any, layers: Sequence[str], epochs: Sequence[int], go_to: Callable[[int], None], images: Array
) -> list[Evolution]:
    """Follow the strongest filters of these convolutions; `go_to` gives the model the weights of an epoch.

    The model keeps the weights of the first epoch, since the last comes first: it chooses the filters.
    """
    images = images[:IMAGES]
    chosen: list[list[int]] = []
    seen: list[list[list[tuple[Array, float, int]]]] = []
    names: list[str] = []
    for epoch in reversed(epochs):
        go_to(epoch)
        # Routes hold the weights as they are, hence anew for each epoch.
        ways = [route for route in routes(model)[0] if route.layer in layers]
        peaks = all_peaks(model, ways, images)
        if not chosen:
            chosen = [strongest_filters(one, SHOWN) for one in peaks]
            names = [route.layer for route in ways]
        seen.append(
            [
                [_strongest(model, way, one, images, number) for number in filters]
                for way, one, filters in zip(ways, peaks, chosen, strict=True)
            ]
        )
    seen.reverse()
    return [
        _evolution(name, tuple(epochs), tuple(filters), [at_epoch[place] for at_epoch in seen])
        for place, (name, filters) in enumerate(zip(names, chosen, strict=True))
        if filters
    ]


def _strongest(model: Any, way: Route, peaks: Peaks, images: Array, number: int) -> tuple[Array, float, int]:
    """The projection of the filter's largest activation over all images, its height, and the image's number."""
    image = int(peaks.heights[:, number].argmax())
    height = float(peaks.heights[image, number])
    places = [(int(peaks.rows[image, number]), int(peaks.columns[image, number]))]
    projection = project(model, way, images[image : image + 1], places, number)
    return cut(way, projection, places)[0][0] * (height > 0), height, image


def _evolution(
    layer: str,
    epochs: tuple[int, ...],
    filters: tuple[int, ...],
    seen: Sequence[Sequence[tuple[Array, float, int]]],
) -> Evolution:
    by_filter = list(zip(*seen, strict=True))
    return Evolution(
        layer=layer,
        epochs=epochs,
        filters=filters,
        projections=np.array([[one[0] for one in over] for over in by_filter]),
        heights=np.array([[one[1] for one in over] for over in by_filter]),
        images=np.array([[one[2] for one in over] for over in by_filter]),
    )
