"""Ways back to the pixels, against the gradient that the backend itself computes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from tests.insight.explain.helpers import LAYERS, gradient, pictures, sequential
from tunekit.insight.explain.deconvnet import project, routes

WITHOUT_RELU: dict[str, list[Any]] = {
    "as in lenet5": [
        LAYERS.Rescaling(1 / 255, offset=0.5),
        LAYERS.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.5, 2.0, 1.0]),
        LAYERS.Conv2D(4, 5, padding="same"),
        LAYERS.BatchNormalization(),
        LAYERS.MaxPooling2D(2, padding="same"),
        LAYERS.Conv2D(5, 5, padding="same", name="last"),
    ],
    "strides and no padding": [
        LAYERS.Conv2D(4, (3, 2), strides=(2, 1)),
        LAYERS.MaxPooling2D((2, 3), strides=(1, 2)),
        LAYERS.Dropout(0.5),
        LAYERS.Conv2D(5, 2, name="last"),
    ],
    "strides and padding": [
        LAYERS.Conv2D(4, 3, strides=2, padding="same"),
        LAYERS.MaxPooling2D(3, strides=2, padding="same"),
        LAYERS.Conv2D(5, 2, padding="same", name="last"),
    ],
    "a stride larger than the kernel": [
        LAYERS.Conv2D(4, 2, strides=3),
        LAYERS.Conv2D(5, 2, name="last"),
    ],
    "dilation": [
        LAYERS.Conv2D(4, 3, dilation_rate=2, padding="same"),
        LAYERS.Conv2D(5, 2, dilation_rate=(1, 2), name="last"),
    ],
    "means": [
        LAYERS.Conv2D(4, 3),
        LAYERS.AveragePooling2D(3, strides=2, padding="same"),
        LAYERS.AveragePooling2D(2, strides=1),
        LAYERS.Conv2D(5, 2, padding="same", name="last"),
    ],
    "normalised behind": [
        LAYERS.Conv2D(4, 3),
        LAYERS.BatchNormalization(scale=False),
        LAYERS.Activation("linear"),
        LAYERS.Conv2D(5, 3, name="last"),
    ],
}


def rebuilt(layers: list[Any]) -> list[Any]:
    """Layers of their own for each test."""
    return [type(layer).from_config(layer.get_config()) for layer in layers]


@pytest.mark.parametrize("name", WITHOUT_RELU)
def test_without_relu_a_projection_is_the_gradient(name: str) -> None:
    model = sequential(*rebuilt(WITHOUT_RELU[name]))
    images = pictures(3)
    route = routes(model)[0][-1]
    assert route.layer == "last"
    _, height, width, filters = route.tensor.shape
    for row, column, number in (
        (0, 0, 0),
        (height - 1, width // 2, filters - 1),
        (height // 2, width - 1, 2),
    ):
        mine = project(model, route, images, [(row, column)] * 3, number)
        theirs = gradient(model, images, row, column, number, "last")
        assert np.abs(theirs).max() > 0
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5 * np.abs(theirs).max())
        # And nothing outside of what the place can see.
        top, bottom, left, right = route.field(row, column)
        theirs[:, max(0, top) : bottom + 1, max(0, left) : right + 1] = 0
        assert not theirs.any()


def test_the_field_of_lenet5s_second_convolution() -> None:
    model = sequential(*rebuilt(WITHOUT_RELU["as in lenet5"]))
    first, last = routes(model)[0]
    assert first.field(4, 7) == (2, 6, 5, 9)
    # 5 places of the pooled map, each of 2 of the first's, each of 5 pixels.
    assert last.field(3, 2) == (0, 13, -2, 11)


def test_every_image_has_its_own_place() -> None:
    model = sequential(LAYERS.Conv2D(2, 3, name="last"))
    images = pictures(2)
    route = routes(model)[0][0]
    found = project(model, route, images, [(1, 2), (4, 0)], 1)
    np.testing.assert_allclose(found[0], gradient(model, images, 1, 2, 1, "last")[0], rtol=1e-5)
    np.testing.assert_allclose(found[1], gradient(model, images, 4, 0, 1, "last")[1], rtol=1e-5)


def test_rectification_on_the_way_down_by_hand() -> None:
    # First filters: +x and -x; the second convolution takes the one and takes away the other.
    model = sequential(
        LAYERS.Conv2D(2, 1, activation="relu", use_bias=False),
        LAYERS.Conv2D(1, 1, use_bias=False, name="last"),
        shape=(1, 1, 1),
    )
    model.layers[0].set_weights([np.array([1.0, -1.0]).reshape(1, 1, 1, 2)])
    model.layers[1].set_weights([np.array([2.0, -3.0]).reshape(1, 1, 2, 1)])
    route = routes(model)[0][1]
    # Below the second: (2, -3); rectified (2, 0); through the first filters 2 * 1. The gradient at a
    # dark pixel would be -3 * -1: a deconvnet asks what is above zero on the way down, not on the way up.
    for pixel in (7, -7):
        found = project(model, route, np.full((1, 1, 1, 1), pixel, np.float32), [(0, 0)], 0)
        assert found.item() == 2


def test_ways_through_a_relu_layer_an_operation_and_a_layers_own() -> None:
    inputs = keras.Input((6, 6, 1))
    x = LAYERS.ReLU()(LAYERS.Conv2D(2, 3, name="one")(inputs))
    x = keras.ops.relu(LAYERS.Conv2D(2, 2, name="two")(x))
    x = LAYERS.Activation("relu")(LAYERS.Conv2D(2, 2, name="three")(x))
    x = LAYERS.Conv2D(2, 2, activation="relu", name="four")(x)
    model = keras.Model(inputs, LAYERS.Dense(2)(LAYERS.Flatten()(x)))
    found, notes = routes(model)
    assert notes == []
    assert [(route.layer, len(route.steps), route.rectified) for route in found] == [
        ("one", 2, True),
        ("two", 4, True),
        ("three", 6, True),
        ("four", 8, True),
    ]


def branched() -> keras.Model:
    inputs = keras.Input((6, 6, 1))
    first = LAYERS.Conv2D(2, 3, padding="same", name="first")(inputs)
    x = LAYERS.Add(name="sum")([first, inputs])
    return keras.Model(inputs, LAYERS.Conv2D(2, 3, name="second")(x))


@pytest.mark.parametrize(
    ("model", "known", "note"),
    [
        (branched, ["first"], "second: sum joins 2 tensors"),
        (
            lambda: sequential(LAYERS.Conv2D(2, 3, activation="elu", name="c")),
            [],
            "c: c has the activation elu",
        ),
        (
            lambda: sequential(LAYERS.LeakyReLU(name="leak"), LAYERS.Conv2D(2, 3, name="c")),
            [],
            "c: leak has the activation LeakyReLU",
        ),
        (
            lambda: sequential(LAYERS.Conv2D(4, 3, groups=1), LAYERS.Conv2D(4, 3, groups=2, name="c")),
            ["conv2d"],
            "c: c is a Conv2D, which has no way down",
        ),
        (
            lambda: sequential(LAYERS.LayerNormalization(name="norm"), LAYERS.Conv2D(4, 3, name="c")),
            [],
            "c: norm is a LayerNormalization, which has no way down",
        ),
        (
            lambda: sequential(LAYERS.Dense(4, activation="relu", name="d"), LAYERS.Conv2D(4, 3, name="c")),
            [],
            "c: d is a Dense, which has no way down",
        ),
    ],
)
def test_what_has_no_way_down_is_told(model: Any, known: list[str], note: str) -> None:
    found, notes = routes(model())
    assert [route.layer for route in found] == known
    assert len(notes) == 1
    assert notes[0].startswith(note)


def test_models_within_models_and_without_convolutions() -> None:
    inner = sequential(LAYERS.Conv2D(2, 3))
    outer = keras.Sequential([LAYERS.Input((12, 12, 3)), inner, LAYERS.Flatten(), LAYERS.Dense(2)])
    found, notes = routes(outer)
    assert not found
    assert "a model within the model" in notes[0]
    assert routes(sequential(LAYERS.Flatten(), LAYERS.Dense(2))) == ([], [])
