"""How much a model notices of a shift, a change of size or a turn of its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform

from tunekit.insight.explain.hidden import hidden_layers, probabilities, vectors
from tunekit.insight.graph import Array

SCALES = np.round(np.arange(0.6, 1.81, 0.1), 1)
ANGLES = np.arange(0, 361, 15)
REACH = 4
"""Images are moved by up to this part of their height."""
STEPS = 17
"""Shifts at most."""


@dataclass(frozen=True)
class Curves:
    """What becomes of some images over one kind of change."""

    change: str
    """shift, scale or rotation"""
    unit: str
    amounts: Array
    distances: dict[str, Array]
    """By layer, the first and the last hidden one: (images, amounts). How far the layer's answer is from that to the
    unchanged image, as a share of that one's length."""
    probability: Array
    """(images, amounts) of the true class."""


def invariance(model: Any, images: Array, labels: Array) -> list[Curves]:
    """Change the images in three ways by more and more, and follow two hidden layers and the answer."""
    height = images.shape[1]
    reach = max(1, height // REACH)
    step = -(-2 * reach // (STEPS - 1))
    shifts = np.arange(-(reach // step) * step, reach + 1, step)
    return [
        _curves(model, images, labels, "shift", "pixels downwards", shifts, shifted),
        _curves(model, images, labels, "scale", "times as large", SCALES, scaled),
        _curves(model, images, labels, "rotation", "degrees", ANGLES, turned),
    ]


def shifted(image: Array, amount: float) -> Array:
    """Moved down by so many pixels."""
    return _transformed(image, np.eye(2), np.array([amount, 0.0]))


def scaled(image: Array, amount: float) -> Array:
    """So many times as large, about its middle."""
    return _transformed(image, np.eye(2) / amount)


def turned(image: Array, amount: float) -> Array:
    """Turned to the left by so many degrees, about its middle."""
    # Rounded, lest a whole turn reads a hair beside the pixels.
    sine, cosine = np.round([np.sin(np.radians(amount)), np.cos(np.radians(amount))], 12)
    return _transformed(image, np.array([[cosine, sine], [-sine, cosine]]))


def _transformed(image: Array, matrix: Array, shift: Array | None = None) -> Array:
    """Each pixel from where the matrix about the middle says; the border's colour goes on beyond it."""
    middle = (np.array(image.shape[:2]) - 1) / 2
    offset = middle - matrix @ (middle + (0 if shift is None else shift))
    channels = [
        affine_transform(image[..., channel].astype(np.float32), matrix, offset, order=1, mode="nearest")
        for channel in range(image.shape[-1])
    ]
    return np.asarray(np.rint(np.stack(channels, axis=-1)).astype(image.dtype))


def _curves(
    model: Any,
    images: Array,
    labels: Array,
    change: str,
    unit: str,
    amounts: Array,
    transform: Callable[[Array, float], Array],
) -> Curves:
    changed = np.stack([transform(image, float(amount)) for image in images for amount in amounts])
    shape = (len(images), len(amounts))
    hidden = hidden_layers(model)
    ends = {use.layer.name: use for use in (hidden[:1] + hidden[-1:])}
    plain = vectors(model, list(ends.values()), images)
    seen = vectors(model, list(ends.values()), changed)
    right = probabilities(model, changed)[np.arange(len(changed)), np.repeat(labels, len(amounts))]
    return Curves(
        change=change,
        unit=unit,
        amounts=amounts,
        distances={
            name: _distance(before, after.reshape(*shape, -1))
            for name, before, after in zip(ends, plain, seen, strict=True)
        },
        probability=right.reshape(shape),
    )


def _distance(before: Array, after: Array) -> Array:
    """Euclidean, as a share of the length of the answer to the unchanged image."""
    length = np.linalg.norm(before, axis=-1)[:, None]
    return np.asarray(np.linalg.norm(after - before[:, None], axis=-1) / np.maximum(length, 1e-12))


def one_of_each(labels: Array, right: Sequence[bool] | Array, most: int) -> Array:
    """Numbers of images of different classes, those that the model gets right first."""
    order = np.argsort(~np.asarray(right, bool), kind="stable")
    firsts = order[np.sort(np.unique(labels[order], return_index=True)[1])]
    return firsts[:most]
