"""Shift, scale and rotation by hand, and what a model must notice of them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.insight.explain.helpers import LAYERS, pictures, sequential
from tunekit.insight.explain.hidden import hidden_layers, probabilities, vectors
from tunekit.insight.explain.invariance import invariance, one_of_each, scaled, shifted, turned

CORNER = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.uint8)[..., None]


def test_a_shift_goes_downwards_and_the_border_goes_on() -> None:
    np.testing.assert_array_equal(shifted(CORNER, 1)[..., 0], [[1, 2, 3], [1, 2, 3], [4, 5, 6]])
    np.testing.assert_array_equal(shifted(CORNER, -1)[..., 0], [[4, 5, 6], [7, 8, 9], [7, 8, 9]])


def test_a_turn_goes_to_the_left_about_the_middle() -> None:
    np.testing.assert_array_equal(turned(CORNER, 90)[..., 0], [[3, 6, 9], [2, 5, 8], [1, 4, 7]])
    np.testing.assert_array_equal(turned(CORNER, 180)[..., 0], CORNER[::-1, ::-1, 0])


def test_a_scale_about_the_middle() -> None:
    line = np.array([0, 0, 100, 0, 0], np.uint8)[None, :, None]
    np.testing.assert_array_equal(scaled(line, 2)[0, :, 0], [0, 50, 100, 50, 0])
    wide = np.array([10, 0, 100, 0, 20], np.uint8)[None, :, None]
    np.testing.assert_array_equal(scaled(wide, 0.5)[0, :, 0], [10, 10, 100, 20, 20])


@pytest.mark.parametrize(
    "change", [lambda x: shifted(x, 0), lambda x: scaled(x, 1), lambda x: turned(x, 360)]
)
def test_no_change_is_none(change: object) -> None:
    image = pictures(1)[0]
    np.testing.assert_array_equal(change(image), image)  # type: ignore[operator]


def test_a_model_that_sees_only_the_mean_notices_no_shift_of_an_even_image() -> None:
    model = sequential(
        LAYERS.GlobalAveragePooling2D(),
        LAYERS.Dense(4, name="first"),
        LAYERS.Dense(3, name="last"),
        LAYERS.Dense(2, activation="softmax"),
        dtype="uint8",
    )
    images = np.full((2, 12, 12, 3), 90, np.uint8)
    found = invariance(model, images, np.array([0, 1]))
    assert [curves.change for curves in found] == ["shift", "scale", "rotation"]
    assert found[0].amounts.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    assert found[1].amounts.min() == 0.6
    assert (found[2].amounts[0], found[2].amounts[-1]) == (0, 360)
    for curves in found:
        assert list(curves.distances) == ["first", "last"]
        for distance in curves.distances.values():
            assert distance.shape == (2, len(curves.amounts))
            np.testing.assert_allclose(distance, 0, atol=1e-5)
        np.testing.assert_allclose(curves.probability.sum(axis=0), 1, rtol=1e-5)


def test_a_distance_by_hand() -> None:
    # The hidden layer is the image: four pixels, of which the lower two become the upper ones.
    model = sequential(
        LAYERS.Flatten(), LAYERS.Dense(8, name="copy"), LAYERS.Dense(2, activation="softmax"), shape=(4, 2, 1)
    )
    model.get_layer("copy").set_weights([np.eye(8), np.zeros(8)])
    image = np.array([[3, 0], [3, 0], [0, 4], [0, 4]], np.uint8)[None, ..., None]
    (curves, _, _) = invariance(model, image, np.array([0]))
    down = curves.amounts.tolist().index(1)
    # Rows (3 0) (3 0) (3 0) (0 4): only the third row differs, by (3, -4).
    np.testing.assert_allclose(curves.distances["copy"][0, down], 5 / np.sqrt(9 + 9 + 16 + 16), rtol=1e-6)


def test_hidden_layers_of_a_recurrent_and_a_convolutional_model() -> None:
    recurrent = sequential(
        LAYERS.Reshape((12, 36)), LAYERS.GRU(3, name="g"), LAYERS.Dense(2, activation="softmax", name="out")
    )
    assert [use.layer.name for use in hidden_layers(recurrent)] == ["g"]
    model = sequential(
        LAYERS.Conv2D(2, 3),
        LAYERS.ReLU(name="r"),
        LAYERS.Flatten(),
        LAYERS.Dense(2),
        LAYERS.Softmax(name="said"),
    )
    assert [use.layer.name for use in hidden_layers(model)] == ["r"]
    images = pictures(300)
    (one,) = vectors(model, hidden_layers(model), images)
    assert one.shape == (300, 200)
    assert probabilities(model, images).shape == (300, 2)


def test_images_of_different_classes_those_it_gets_right_first() -> None:
    labels = np.array([0, 0, 2, 1, 0, 2])
    right = [False, True, False, False, True, True]
    assert one_of_each(labels, right, 5).tolist() == [1, 5, 3]
    assert one_of_each(labels, right, 2).tolist() == [1, 5]
