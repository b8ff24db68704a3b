"""What the models' tests share."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tunekit.models.build import build
from tunekit.models.shape import ImageShape

Shape = tuple[int, int, int]


def shape_of(shape: Shape = (8, 8, 1), classes: int = 10) -> ImageShape:
    channels = shape[2]
    return ImageShape(shape, classes, (0.4,) * channels, (0.2,) * channels)


def make(model: str = "lenet5", data: ImageShape | None = None, seed: int = 0, **values: Any) -> keras.Model:
    """A small model; the values given replace its few filters and units."""
    small: dict[str, Any] = {"hidden_units": 6} if model == "recurrent" else {"filters": 3, "hidden_units": 6}
    return build(model, small | values, data or shape_of(), seed)


def pictures(shape: Shape = (8, 8, 1), count: int = 5) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def assert_probabilities(model: keras.Model, data: ImageShape) -> None:
    answers = np.asarray(model.predict_on_batch(pictures(data.shape)))
    assert answers.dtype == np.float32
    assert answers.shape == (5, data.classes)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]
