"""What each filter of a convolution looks for: the images that excite it most, and what of them does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunekit.insight import flow
from tunekit.insight.explain.deconvnet import Route, project
from tunekit.insight.graph import Array

SHOWN = 12
"""Filters of a layer: those that are excited most."""
EXCITING = 9
"""Images of a filter."""
VALUES = 2**25
"""Activations that are held at once."""


@dataclass(frozen=True)
class Peaks:
    """The largest activation of each filter on each image, and where it is."""

    heights: Array
    """(images, filters)"""
    rows: Array
    columns: Array

    def strongest(self, count: int) -> Array:
        """The images that excite each filter most, strongest first: (count, filters)."""
        return np.argsort(-self.heights, axis=0, kind="stable")[:count]


@dataclass(frozen=True)
class Feature:
    """One filter, cut out to what it sees."""

    filter: int
    heights: Array
    """Activations, strongest first."""
    images: Array
    """Numbers of the images."""
    patches: Array
    """(images, height, width, channels) of 0 to 255."""
    projections: Array
    """Of the same shape: what of each patch excites the filter; 0 does not matter to it."""
    inside: Array
    """(images, height, width): false beyond an image's border."""


@dataclass(frozen=True)
class LayerFeatures:
    """The filters of a convolution that are excited most."""

    layer: str
    filters: int
    """In all."""
    silent: int
    """How many never rise above 0 on any image."""
    fixed: bool
    """Whether a filter's projection is the same for every image, as in a first convolution."""
    features: tuple[Feature, ...]


def layer_features(model: Any, routes: Sequence[Route], images: Array) -> list[LayerFeatures]:
    """For each convolution the filters that are excited most, each with the images that do so."""
    found = []
    for route, peaks in zip(routes, all_peaks(model, routes, images), strict=True):
        chosen = strongest_filters(peaks, SHOWN)
        features = tuple(_feature(model, route, peaks, images, number) for number in chosen)
        silent = int((peaks.heights.max(axis=0) <= 0).sum())
        found.append(LayerFeatures(route.layer, peaks.heights.shape[1], silent, route.fixed, features))
    return found


def all_peaks(model: Any, routes: Sequence[Route], images: Array) -> list[Peaks]:
    """Of all convolutions in one walk over the images."""
    largest = max(int(np.prod(route.tensor.shape[1:])) for route in routes)
    parts: list[list[Peaks]] = [[] for _ in routes]
    for some in batches(images, max(1, min(256, VALUES // largest))):
        values = flow.evaluate(model, [route.tensor for route in routes], some)
        for route, part in zip(routes, parts, strict=True):
            part.append(_peaks(values[id(route.tensor)]))
    return [
        Peaks(
            *(np.concatenate([getattr(one, name) for one in part]) for name in ("heights", "rows", "columns"))
        )
        for part in parts
    ]


def batches(images: Array, size: int) -> Iterator[Array]:
    return (images[start : start + size] for start in range(0, len(images), size))


def strongest_filters(peaks: Peaks, most: int) -> list[int]:
    """The filters whose strongest images excite them most; of those that are excited at all."""
    ordered = -np.sort(-peaks.heights, axis=0)[:EXCITING]
    means = ordered.mean(axis=0)
    chosen = np.argsort(-means, kind="stable")[:most]
    return [int(number) for number in chosen if ordered[0, number] > 0]


def cut(route: Route, pictures: Array, places: Sequence[tuple[int, int]]) -> tuple[Array, Array]:
    """What one place of the activation sees of each picture, and which pixels of it lie inside."""
    patches, inside = [], []
    for picture, (row, column) in zip(pictures, places, strict=True):
        top, bottom, left, right = route.field(row, column)
        rows, columns = np.arange(top, bottom + 1), np.arange(left, right + 1)
        height, width = picture.shape[:2]
        within = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
        patch = picture[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]
        patches.append(np.where(within[..., None], patch, 0))
        inside.append(within)
    return np.stack(patches), np.stack(inside)


def _peaks(values: Array) -> Peaks:
    count, _, width, filters = values.shape
    flat = values.reshape(count, -1, filters)
    places = flat.argmax(axis=1)
    heights = np.take_along_axis(flat, places[:, None], axis=1)[:, 0]
    return Peaks(heights, *np.divmod(places, width))


def _feature(model: Any, route: Route, peaks: Peaks, images: Array, number: int) -> Feature:
    chosen = peaks.strongest(EXCITING)[:, number]
    chosen = chosen[peaks.heights[chosen, number] > 0]
    places = [(int(peaks.rows[n, number]), int(peaks.columns[n, number])) for n in chosen]
    projections = project(model, route, images[chosen], places, number)
    patches, inside = cut(route, images[chosen], places)
    return Feature(
        filter=number,
        heights=peaks.heights[chosen, number],
        images=chosen,
        patches=patches,
        projections=cut(route, projections, places)[0],
        inside=inside,
    )
