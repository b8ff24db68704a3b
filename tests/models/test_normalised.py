"""Batch normalisation in one operation, against Keras' own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

if keras.config.backend() != "tensorflow":
    pytest.skip("is of TensorFlow alone", allow_module_level=True)

import tensorflow as tf

from tunekit.models.build import build
from tunekit.models.normalised import fuse
from tunekit.models.shape import ImageShape

SHAPE = (6, 5, 4, 3)
NEAR = {"float32": 2e-5, "mixed_bfloat16": 2e-2}
"""How far answers may lie apart: bfloat16 has eight bits."""


def pair(policy: str = "float32") -> tuple[Any, Any]:
    """A layer as Keras computes it and one that is fused, of the same weights."""
    layers = [keras.layers.BatchNormalization(dtype=policy) for _ in range(2)]
    fuse(layers[1])
    random = np.random.default_rng(0)
    for layer in layers:
        layer.build(SHAPE)
    weights = [random.uniform(0.5, 2, weight.shape).astype("float32") for weight in layers[0].get_weights()]
    for layer in layers:
        layer.set_weights(weights)
    assert "call" in vars(layers[1])
    return layers[0], layers[1]


def trained_on(layer: Any, images: np.ndarray, upstream: np.ndarray) -> list[np.ndarray]:
    """What the layer answers in training, the gradients of inputs and weights, and its moving statistics after it."""
    x = tf.Variable(images)
    sources = [x, *(variable.value for variable in layer.trainable_variables)]

    @tf.function
    def found() -> list[Any]:
        with tf.GradientTape() as tape:
            answer = tf.cast(layer(x, training=True), tf.float32)
            total = tf.reduce_sum(answer * upstream)
        return [answer, *tape.gradient(total, sources)]

    statistics = (layer.moving_mean, layer.moving_variance)
    return [*(np.asarray(each) for each in found()), *(np.asarray(each.value) for each in statistics)]


@pytest.mark.parametrize("policy", NEAR)
def test_answers_gradients_and_moving_statistics_are_those_of_keras(policy: str) -> None:
    random = np.random.default_rng(1)
    images = random.normal(1, 3, SHAPE).astype("float32")
    upstream = random.normal(size=SHAPE).astype("float32")

    expected, found = (trained_on(layer, images, upstream) for layer in pair(policy))

    assert len(found) == 6
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=NEAR[policy], atol=NEAR[policy] * np.abs(other).max())


def test_a_batch_by_hand() -> None:
    """Of 1, 2, 3 and 6: mean 3 and variance 3.5; a hundredth of them moves into the statistics."""
    layer = keras.layers.BatchNormalization(epsilon=1e-12)
    fuse(layer)
    answer = layer(np.array([1, 2, 3, 6], np.float32).reshape(2, 2, 1, 1), training=True)

    expected = (np.array([1, 2, 3, 6]) - 3) / 3.5**0.5
    np.testing.assert_allclose(np.asarray(answer).reshape(-1), expected, rtol=1e-5)
    assert float(layer.moving_mean.value[0]) == pytest.approx(0.01 * 3)
    assert float(layer.moving_variance.value[0]) == pytest.approx(0.99 + 0.01 * 3.5)


def test_after_training_it_answers_as_keras_to_the_bit() -> None:
    images = np.random.default_rng(2).normal(size=SHAPE).astype("float32")
    plain, fused = pair()

    np.testing.assert_array_equal(fused(images, training=False), plain(images, training=False))
    for layer in (plain, fused):
        layer.trainable = False
    np.testing.assert_array_equal(fused(images, training=True), plain(images, training=True))


def test_a_saved_lenet5_is_one_of_keras_alone(tmp_path: Path) -> None:
    values = {"optimizer": "adam", "learning_rate": 1e-3, "hidden_units": 8, "batch_norm": True}
    model = build("lenet5", values, ImageShape((8, 8, 1), 3, (0.5,), (0.25,)), seed=0)
    assert "call" in vars(model.get_layer("batch_norm1"))
    model.save(tmp_path / "model.keras")

    loaded = keras.models.load_model(tmp_path / "model.keras")

    assert "call" not in vars(loaded.get_layer("batch_norm1"))
    images = np.random.default_rng(3).integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    np.testing.assert_array_equal(loaded(images), model(images))
