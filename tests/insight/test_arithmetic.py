"""What numpy computes is what the layers answer."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from tunekit.insight.arithmetic import formula, function, own
from tunekit.insight.graph import as_floats

LAYERS = keras.layers
SHAPE = (7, 6, 3)
KNOWN: dict[str, Callable[[], keras.Layer]] = {
    "activation": lambda: LAYERS.Activation("tanh"),
    "average pooling": lambda: LAYERS.AveragePooling2D((2, 3), strides=2),
    "average of all": LAYERS.GlobalAveragePooling2D,
    "average of all with its axes": lambda: LAYERS.GlobalAveragePooling2D(keepdims=True),
    "batch normalisation": LAYERS.BatchNormalization,
    "batch normalisation without scale": lambda: LAYERS.BatchNormalization(scale=False, axis=3),
    "batch normalisation without centre": lambda: LAYERS.BatchNormalization(center=False, epsilon=0.1),
    "convolution": lambda: LAYERS.Conv2D(4, 3),
    "convolution of the same size": lambda: LAYERS.Conv2D(4, (3, 2), padding="same", activation="relu"),
    "convolution with strides": lambda: LAYERS.Conv2D(4, 3, strides=(2, 3), padding="same", use_bias=False),
    "convolution with strides within": lambda: LAYERS.Conv2D(4, (2, 3), strides=2),
    "convolution with a far stride": lambda: LAYERS.Conv2D(4, 1, strides=4, padding="same"),
    "dense": lambda: LAYERS.Dense(5, activation="softmax"),
    "dense without bias": lambda: LAYERS.Dense(5, use_bias=False, activation="sigmoid"),
    "dropout": lambda: LAYERS.Dropout(0.5),
    "flatten": LAYERS.Flatten,
    "pooling": lambda: LAYERS.MaxPooling2D(2),
    "pooling of the same size": lambda: LAYERS.MaxPooling2D(2, padding="same"),
    "greatest of all": LAYERS.GlobalMaxPooling2D,
    "overlapping pooling": lambda: LAYERS.MaxPooling2D((3, 2), strides=(1, 2), padding="same"),
    "rectifier": LAYERS.ReLU,
    "rescaling": lambda: LAYERS.Rescaling(0.5, offset=-1),
    "rescaling by channel": lambda: LAYERS.Rescaling([0.5, 1, 2], offset=[0, 1, 2]),
    "reshape": lambda: LAYERS.Reshape((-1, 9)),
    "standardisation": lambda: LAYERS.Normalization(mean=[1, 2, 3], variance=[4, 1, 0]),
}


class Doubled(LAYERS.Dense):
    def call(self, inputs, training=None):
        return 2 * super().call(inputs)


UNKNOWN: dict[str, Callable[[], keras.Layer]] = {
    "a rectifier with a slope": lambda: LAYERS.ReLU(negative_slope=0.1),
    "a rectifier with a limit": lambda: LAYERS.ReLU(max_value=6),
    "a rectifier with a threshold": lambda: LAYERS.ReLU(threshold=1),
    "a subclass": lambda: Doubled(2),
    "another axis": lambda: LAYERS.BatchNormalization(axis=1),
    "averages at the border": lambda: LAYERS.AveragePooling2D(2, padding="same"),
    "channels first": lambda: LAYERS.Flatten(data_format="channels_first"),
    "dilated": lambda: LAYERS.Conv2D(4, 2, dilation_rate=2),
    "groups": lambda: LAYERS.Conv2D(3, 2, groups=3),
    "float16": lambda: LAYERS.Dense(2, dtype="mixed_float16"),
    "the other way round": lambda: LAYERS.Normalization(mean=1, variance=4, invert=True),
    "unknown to numpy": lambda: LAYERS.SeparableConv2D(2, 2),
}


def inputs() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, *SHAPE)).astype(np.float32)


def built(make: Callable[[], keras.Layer]) -> keras.Layer:
    """With weights that are none of those it begins with."""
    layer = make()
    layer.build((None, *SHAPE))
    random = np.random.default_rng(1)
    for weight in layer.trainable_weights + [w for w in layer.weights if "moving" in w.name]:
        weight.assign(random.uniform(0.1, 1.0, weight.shape))
    return layer


@pytest.mark.parametrize("make", KNOWN.values(), ids=KNOWN)
def test_a_formula_gives_the_layers_own_answer(make: Callable[[], keras.Layer]) -> None:
    layer = built(make)
    compute = formula(layer, inputs())
    assert compute
    found, expected = compute(layer, inputs()), as_floats(layer(inputs(), training=False))
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("make", KNOWN.values(), ids=KNOWN)
def test_in_bfloat16_as_well(make: Callable[[], keras.Layer]) -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = built(make)
    finally:
        keras.config.set_dtype_policy("float32")
    given = own(layer, inputs())
    compute = formula(layer, given)
    assert compute
    found, answer = compute(layer, given), layer(inputs(), training=False)
    assert found.dtype.name == keras.backend.standardize_dtype(answer.dtype) == "bfloat16"
    expected = as_floats(answer)
    # Where a sum of another order falls to the other side of a border, the next of 2**8 values is taken.
    close = 2**-7 * np.abs(expected).max()
    np.testing.assert_allclose(as_floats(found), expected, rtol=0, atol=close)


@pytest.mark.parametrize("make", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_known_to_be_the_same_has_no_formula(make: Callable[[], keras.Layer]) -> None:
    assert formula(built(make), inputs()) is None


@pytest.mark.parametrize("name", ["elu", "gelu", "linear", "relu", "sigmoid", "softmax", "swish", "tanh"])
def test_activation_functions(name: str) -> None:
    activation = keras.activations.get(name)
    values = inputs() * 100  # no overflow where an exponential would have one
    with np.errstate(all="raise", under="ignore"):
        found = function(activation)(values)
    np.testing.assert_allclose(found, as_floats(activation(values)), rtol=1e-4, atol=1e-5)
