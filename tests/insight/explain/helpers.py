"""What the explanations' tests share."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tunekit.insight.graph import Array

LAYERS = keras.layers


def sequential(
    *layers: Any, shape: tuple[int, int, int] = (12, 12, 3), dtype: str = "float32"
) -> keras.Model:
    """A model whose weights, biases and statistics are all random."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    model = keras.Sequential([LAYERS.Input(shape, dtype=dtype), *layers])
    random = np.random.default_rng(5)
    for variable in model.weights:
        low = 0.5 if "variance" in variable.path else -1.0
        variable.assign(random.uniform(low, 1.0, variable.shape))
    return model


def pictures(count: int, shape: tuple[int, int, int] = (12, 12, 3)) -> Array:
    return np.random.default_rng(1).integers(0, 256, (count, *shape), dtype=np.uint8)


def gradient(model: keras.Model, images: Array, row: int, column: int, number: int, layer: str) -> Array:
    """By the backend's own automatic differentiation: of one value of a layer's output, by the pixels."""
    inner = keras.Model(model.inputs[0], model.get_layer(layer).output)
    floats = images.astype(np.float32)
    if keras.config.backend() == "jax":
        import jax

        def value(x: Any) -> Any:
            return inner(x, training=False)[:, row, column, number].sum()

        return np.array(jax.grad(value)(floats))
    import tensorflow as tf

    x = tf.constant(floats)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(inner(x, training=False)[:, row, column, number])
    return np.array(tape.gradient(value, x))
