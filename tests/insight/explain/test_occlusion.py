"""Occlusion, where what matters is known."""

from __future__ import annotations

import numpy as np

from tests.insight.explain.helpers import LAYERS, sequential
from tunekit.insight.explain.deconvnet import routes
from tunekit.insight.explain.occlusion import occlude


def test_only_the_pixel_that_the_model_reads_matters() -> None:
    # Class 1 where the pixel in row 2, column 5 is bright: 0.1 * 200 - 10 = 10, else -10.
    model = sequential(
        LAYERS.Flatten(), LAYERS.Dense(2, activation="softmax"), shape=(8, 8, 1), dtype="uint8"
    )
    kernel = np.zeros((8, 8, 2))
    kernel[2, 5, 1] = 0.1
    model.layers[-1].set_weights([kernel.reshape(64, 2), np.array([0.0, -10.0])])
    image = np.full((8, 8, 1), 200, np.uint8)

    found = occlude(model, image, 1, [0.0], None)
    assert found.side == 2
    np.testing.assert_array_equal(found.rows, np.arange(8) - 1)
    assert found.plain > 0.99
    # The square of 2 by 2 covers it with its top edge in row 1 or 2 and its left edge in column 4 or 5.
    covered = np.isin(found.rows, (1, 2))[:, None] & np.isin(found.columns, (4, 5))
    np.testing.assert_array_equal(found.probability < 0.01, covered)
    np.testing.assert_allclose(found.probability[~covered], found.plain)
    assert found.darkest == (2, 5)
    assert found.filter is None
    assert found.activation is None
    assert image.min() == 200


def test_a_filter_answers_less_by_what_is_covered() -> None:
    # The filter's map is the image itself, so that its sum falls by the square's share of it.
    model = sequential(
        LAYERS.Conv2D(2, 1, activation="relu", name="c"),
        LAYERS.Flatten(),
        LAYERS.Dense(2, activation="softmax"),
        shape=(8, 8, 1),
    )
    model.layers[0].set_weights([np.array([-1.0, 1.0]).reshape(1, 1, 1, 2), np.zeros(2)])
    found = occlude(model, np.full((8, 8, 1), 50, np.uint8), 0, [25.0], routes(model)[0][-1])
    assert found.filter == 1
    assert found.activation is not None
    assert found.activation.shape == (8, 8)
    np.testing.assert_allclose(found.activation[4, 4], (60 + 4 / 2) / 64)
    # At the corner only one pixel of the square lies on the image.
    np.testing.assert_allclose(found.activation[0, 0], (63 + 1 / 2) / 64)


def test_a_filter_that_is_silent_on_the_image() -> None:
    model = sequential(
        LAYERS.Conv2D(1, 1, activation="relu"),
        LAYERS.Flatten(),
        LAYERS.Dense(2, activation="softmax"),
        shape=(8, 8, 1),
    )
    model.layers[0].set_weights([-np.ones((1, 1, 1, 1)), np.zeros(1)])
    found = occlude(model, np.full((8, 8, 1), 50, np.uint8), 0, [25.0], routes(model)[0][-1])
    assert found.filter is None
    assert found.activation is None


def test_large_images_are_covered_in_steps() -> None:
    model = sequential(LAYERS.Flatten(), LAYERS.Dense(2, activation="softmax"), shape=(48, 32, 1))
    found = occlude(model, np.zeros((48, 32, 1), np.uint8), 0, [25.0], None)
    assert found.side == 8
    assert found.probability.shape == (24, 16)
    middles = found.rows + found.side // 2
    assert (middles[0], middles[-1]) == (1, 47)
