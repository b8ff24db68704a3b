"""Steps written out and a gradient written by hand, against Keras' own loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

if keras.config.backend() != "tensorflow":
    pytest.skip("is of TensorFlow alone", allow_module_level=True)

from tunekit.models.unrolled import LONGEST, unroll

CELLS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
STEPS, WIDTH, UNITS = 5, 3, 4


def pair(cell: str, sequences: bool) -> tuple[Any, Any]:
    """A layer as Keras computes it and one with its steps written out, of the same weights."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    layers = [CELLS[cell](UNITS, return_sequences=sequences) for _ in range(2)]
    unroll(layers[1], STEPS)
    for layer in layers:
        layer.build((None, STEPS, WIDTH))
    weights = [random.normal(size=weight.shape).astype("float32") for weight in layers[0].get_weights()]
    for layer in layers:
        layer.set_weights(weights)
    return layers[0], layers[1]


def answer_and_gradients(
    layer: Any, images: np.ndarray, initial: Any, upstream: np.ndarray, in_graph: bool
) -> list[np.ndarray]:
    """What the layer answers, and the gradients of all weights, the inputs and the initial state."""
    import tensorflow as tf

    x, states = tf.Variable(images), [tf.Variable(state) for state in initial]
    sources = [*(variable.value for variable in layer.trainable_variables), x, *states]

    def found() -> list[Any]:
        with tf.GradientTape() as tape:
            answer = layer(x, initial_state=states or None)
            total = tf.reduce_sum(answer * upstream)
        return [answer, *tape.gradient(total, sources)]

    return [np.asarray(each) for each in (tf.function(found) if in_graph else found)()]


@pytest.mark.parametrize("in_graph", [False, True])
@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_answers_and_gradients_are_those_of_keras(
    cell: str, sequences: bool, given: bool, in_graph: bool
) -> None:
    plain, unrolled = pair(cell, sequences)
    random = np.random.default_rng(1)
    images = random.normal(size=(2, STEPS, WIDTH)).astype("float32")
    count = (2 if cell == "lstm" else 1) if given else 0
    initial = [random.normal(size=(2, UNITS)).astype("float32") for _ in range(count)]
    upstream = random.normal(size=(2, STEPS, UNITS) if sequences else (2, UNITS)).astype("float32")

    assert "inner_loop" in vars(unrolled)
    expected = answer_and_gradients(plain, images, initial, upstream, in_graph)
    found = answer_and_gradients(unrolled, images, initial, upstream, in_graph)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-6)
    assert len(found) == 1 + len(plain.trainable_variables) + 1 + count
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_a_step_by_hand() -> None:
    """One unit, two steps: h1 = tanh(2*0.5 + 0.1), h2 = tanh(2*(-1) + 3*h1 + 0.1)."""
    layer = keras.layers.SimpleRNN(1)
    unroll(layer, 2)
    layer.build((None, 2, 1))
    layer.set_weights([np.array([[2.0]]), np.array([[3.0]]), np.array([0.1])])
    first = np.tanh(1.1)
    answer = np.asarray(layer(np.array([[[0.5], [-1.0]]], "float32")))
    assert answer[0, 0] == pytest.approx(np.tanh(-1.9 + 3 * first), rel=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_saved_is_keras_own_layer(cell: str, tmp_path: Path) -> None:
    inputs = keras.Input((STEPS, WIDTH))
    layer = CELLS[cell](UNITS)
    unroll(layer, STEPS)
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(0).normal(size=(2, STEPS, WIDTH)).astype("float32")
    assert "inner_loop" not in vars(loaded.layers[1])
    assert type(loaded.layers[1]) is CELLS[cell]
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5, atol=1e-6)


def test_where_it_gains_nothing_keras_own_loop_stays() -> None:
    long, half = keras.layers.GRU(4), keras.layers.GRU(4, dtype="mixed_bfloat16")
    unroll(long, LONGEST + 1)
    unroll(half, STEPS)
    assert "inner_loop" not in vars(long)
    assert "inner_loop" not in vars(half)
