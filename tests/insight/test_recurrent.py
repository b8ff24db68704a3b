"""Hidden states and gates, by hand and against the layers' own output."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tunekit.insight.look import look
from tunekit.insight.metrics import statistics
from tunekit.insight.recurrent import unroll

LAYERS = keras.layers


def sequences(count: int = 4) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, 5, 3)).astype(np.float32)


def images(count: int = 4) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)


def model(*layers: keras.Layer) -> keras.Model:
    head = [LAYERS.Input((8, 8, 1), dtype="uint8"), LAYERS.Rescaling(1 / 255), LAYERS.Reshape((8, 8))]
    return keras.Sequential([*head, *layers])


def test_hidden_states_of_a_simple_rnn_by_hand() -> None:
    layer = LAYERS.SimpleRNN(1, activation="relu")
    layer.build((None, 3, 1))
    layer.set_weights([np.array([[2.0]]), np.array([[0.5]]), np.array([-1.0])])
    states, gates = unroll(layer, np.array([[[1.0], [0.0], [3.0]]]))
    # 2·1−1 = 1;  2·0−1+0.5·1 = −0.5 → 0;  2·3−1+0 = 5
    np.testing.assert_allclose(states, [[[1.0], [0.0], [5.0]]])
    assert gates == {}


@pytest.mark.parametrize(
    "make",
    [
        lambda: LAYERS.SimpleRNN(4, return_sequences=True),
        lambda: LAYERS.SimpleRNN(4, return_sequences=True, use_bias=False, activation="elu"),
        lambda: LAYERS.GRU(4, return_sequences=True),
        lambda: LAYERS.GRU(4, return_sequences=True, reset_after=False),
        lambda: LAYERS.GRU(4, return_sequences=True, use_bias=False, recurrent_activation="hard_sigmoid"),
        lambda: LAYERS.LSTM(4, return_sequences=True),
        lambda: LAYERS.LSTM(4, return_sequences=True, go_backwards=True, unit_forget_bias=False),
    ],
)
def test_states_are_the_layers_own_output(make) -> None:
    layer = make()
    layer.build((None, 5, 3))
    # Biases begin at 0, where a bias in the wrong place would not show.
    generator = np.random.default_rng(3)
    layer.set_weights([generator.normal(size=weight.shape) for weight in layer.get_weights()])
    states, _ = unroll(layer, sequences())
    np.testing.assert_allclose(states, keras.ops.convert_to_numpy(layer(sequences())), atol=1e-4)


def test_gates_reproduce_the_states_of_a_gru() -> None:
    """With an open update gate the state stays, with a closed one it is replaced."""
    layer = LAYERS.GRU(2)
    layer.build((None, 5, 3))
    kernel, recurrent, bias = layer.get_weights()
    bias[0, :2] = 50  # the update gate of both units
    layer.set_weights([kernel, recurrent, bias])
    states, gates = unroll(layer, sequences())
    np.testing.assert_allclose(gates["update"], 1, atol=1e-6)
    np.testing.assert_allclose(states, 0, atol=1e-6)
    assert set(gates) == {"update", "reset"}


def test_saturation_by_hand() -> None:
    layer = LAYERS.LSTM(2, name="lstm")
    recurrent = model(layer, LAYERS.Dense(3))
    # Zero kernels: every gate is the sigmoid of its bias. Two of the six gates that open and close
    # are driven shut or open, the candidate's bias does not count.
    bias = np.array([9.0, 0.0, 0.0, -9.0, 9.0, 9.0, 0.0, 0.0])
    layer.set_weights([np.zeros((8, 8)), np.zeros((2, 8)), bias])
    seen = look(recurrent, images(), np.arange(4), "abcd")
    assert statistics(seen)["gates/lstm/saturated"] == pytest.approx(2 / 6)
    assert statistics(seen)["health/saturated"] == pytest.approx(2 / 6)


def test_saturated_states_of_a_simple_rnn() -> None:
    layer = LAYERS.SimpleRNN(2, name="rnn")
    recurrent = model(layer)
    layer.set_weights([np.zeros((8, 2)), np.zeros((2, 2)), np.array([5.0, 0.1])])
    seen = look(recurrent, images(), np.arange(4), "abcd")
    assert statistics(seen)["gates/rnn/saturated"] == pytest.approx(0.5)


def test_a_stack_is_seen_layer_by_layer() -> None:
    stack = model(LAYERS.GRU(5, return_sequences=True), LAYERS.LSTM(4), LAYERS.Dense(3))
    seen = look(stack, images(), np.arange(4), "abcd")
    assert [recurrent.kind for recurrent in seen.recurrents] == ["GRU", "LSTM"]
    assert [recurrent.states.shape for recurrent in seen.recurrents] == [(4, 8, 5), (4, 8, 4)]
    assert seen.recurrents[0].kernel.shape == (8, 15)
    assert seen.activations[0].values.shape == (4, 8, 5)
    assert not seen.notes


def test_both_directions_are_seen() -> None:
    seen = look(model(LAYERS.Bidirectional(LAYERS.GRU(3), name="both")), images(), np.arange(4), "abcd")
    assert [recurrent.layer for recurrent in seen.recurrents] == ["both.forward", "both.backward"]
    assert seen.activations[0].values.shape == (4, 6)


def test_a_layer_that_steps_in_its_own_way_is_not_shown_wrongly() -> None:
    class Doubled(LAYERS.SimpleRNN):
        def call(self, sequences, initial_state=None, mask=None, training=False):
            return 2 * super().call(sequences, initial_state, mask, training)

    seen = look(model(Doubled(3, name="own")), images(), np.arange(4), "abcd")
    assert seen.recurrents[0].states is None
    assert "own" in seen.notes[0]


def test_a_diverged_layer_has_no_saturation() -> None:
    layer = LAYERS.GRU(3, name="gru")
    recurrent = model(layer)
    layer.set_weights([np.full_like(weight, np.nan) for weight in layer.get_weights()])
    seen = look(recurrent, images(), np.arange(4), "abcd")
    assert statistics(seen) == {}
    assert seen.recurrents[0].states is not None


def test_accuracy_as_the_steps_come_in_by_hand() -> None:
    """A state that adds up what it reads, and a head that says 1 once the sum is above 2."""
    entry = keras.Input((4, 1, 1), dtype="uint8")
    rows = LAYERS.Reshape((4, 1))(LAYERS.Rescaling(1.0)(entry))
    adder = LAYERS.SimpleRNN(1, activation="relu", name="adder")
    head = LAYERS.Dense(2, name="head")
    model_of_sums = keras.Model(entry, head(LAYERS.Dropout(0.9)(adder(rows))))
    adder.set_weights([np.ones((1, 1)), np.ones((1, 1)), np.zeros(1)])
    head.set_weights([np.array([[0.0, 1.0]]), np.array([2.0, 0.0])])
    read = np.array([[1, 1, 1, 1], [0, 0, 0, 9], [3, 0, 0, 0], [0, 0, 0, 0]], np.uint8).reshape(4, 4, 1, 1)

    seen = look(model_of_sums, read[:2], np.array([1, 1]), "ab", (read, np.array([1, 1, 1, 0])))

    assert seen.notes == ()
    assert seen.reading is not None
    assert seen.reading.layer == "adder"
    np.testing.assert_array_equal(seen.reading.steps, [1, 2, 3, 4])
    np.testing.assert_allclose(seen.reading.accuracy, [2 / 4, 2 / 4, 3 / 4, 4 / 4])
    assert (seen.reading.classes, seen.reading.images) == (2, 4)


def test_accuracy_with_all_steps_is_the_models_own() -> None:
    layers = [LAYERS.GRU(5, return_sequences=True), LAYERS.LSTM(4), LAYERS.BatchNormalization()]
    stack = model(*layers, LAYERS.Dropout(0.5), LAYERS.Dense(3))
    many = images(60)
    labels = np.arange(60) % 3
    seen = look(stack, many[:4], labels[:4], "abc", (many, labels))
    own = keras.ops.convert_to_numpy(stack(many, training=False)).argmax(axis=1)
    assert seen.reading is not None
    assert seen.reading.layer == seen.recurrents[-1].layer
    assert seen.reading.accuracy[-1] == pytest.approx((own == labels).mean())


@pytest.mark.parametrize(
    "layers",
    [
        [LAYERS.GRU(3, return_sequences=True), LAYERS.GlobalAveragePooling1D(), LAYERS.Dense(3)],
        [LAYERS.Bidirectional(LAYERS.GRU(3)), LAYERS.Dense(3)],
        [LAYERS.Flatten(), LAYERS.Dense(3)],
    ],
    ids=["all states", "both directions", "none"],
)
def test_where_the_last_state_does_not_decide_there_is_no_such_accuracy(layers: list) -> None:
    seen = look(model(*layers), images(), np.arange(4), "abcd", (images(9), np.arange(9) % 3))
    assert seen.reading is None
    assert not seen.notes


def test_a_state_that_more_than_the_head_reads_is_a_note() -> None:
    entry = keras.Input((8, 8, 1), dtype="uint8")
    rows = LAYERS.Reshape((8, 8))(LAYERS.Rescaling(1 / 255)(entry))
    both = LAYERS.Concatenate()([LAYERS.GRU(3)(rows), LAYERS.Flatten()(rows)])
    seen = look(
        keras.Model(entry, LAYERS.Dense(3)(both)), images(), np.arange(4), "abcd", (images(), np.arange(4))
    )
    assert seen.reading is None
    assert seen.recurrents[0].states is not None
    assert "accuracy by step" in seen.notes[0]
