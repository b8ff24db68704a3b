"""The recurrent network: its layers, their order, and how many weights it has."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from .helpers import assert_probabilities, kinds, make, shape_of


def recurrent(**values: Any) -> keras.Model:
    return make("recurrent", **values)


@pytest.mark.parametrize(
    ("cell", "layers", "count"),
    [
        # Units times (inputs + units + 1): 6*(8+6+1), then 6*(6+6+1) each; 6*10+10 for the output.
        ("rnn", 1, 90 + 70),
        ("rnn", 3, 90 + 2 * 78 + 70),
        ("lstm", 1, 4 * 90 + 70),
        ("lstm", 2, 4 * (90 + 78) + 70),
        # Keras' GRU has two biases.
        ("gru", 1, 3 * 96 + 70),
        ("gru", 3, 3 * (96 + 2 * 84) + 70),
    ],
)
def test_number_of_weights(cell: str, layers: int, count: int) -> None:
    assert recurrent(cell=cell, layers=layers).count_params() == count


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_layers_in_their_order(cell: str, layers: int) -> None:
    model = recurrent(cell=cell, layers=layers, batch_norm=True, dropout=0.3)

    kind = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]
    assert kinds(model) == [
        *("InputLayer", "Rescaling", "Normalization", "Reshape"),
        *[kind] * layers,
        *("BatchNormalization", "Dropout", "Dense"),
    ]
    sequences = [model.get_layer(f"{cell}{number}").return_sequences for number in range(1, layers + 1)]
    assert sequences == [True] * (layers - 1) + [False]
    assert_probabilities(model, shape_of())


def test_layers_that_are_not_asked_for_are_not_there() -> None:
    found = kinds(recurrent())

    assert "BatchNormalization" not in found
    assert "Dropout" not in found
    assert recurrent().losses == []


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 6, 1), (7, 1, 3), (5, 9, 3)])
def test_image_shapes(shape: tuple[int, int, int]) -> None:
    data = shape_of(shape, classes=3)

    model = recurrent(data=data, layers=2)

    assert model.inputs[0].dtype == "uint8"
    assert model.get_layer("rows").output.shape == (None, shape[0], shape[1] * shape[2])
    assert_probabilities(model, data)


def test_the_image_is_read_row_by_row() -> None:
    data = shape_of((2, 3, 2))
    model = recurrent(data=data)
    rows = keras.Model(model.input, model.get_layer("rows").output)
    image = np.arange(12, dtype=np.uint8).reshape(1, 2, 3, 2)

    found = np.asarray(rows(image))[0]

    expected = (np.arange(12).reshape(2, 6) / 255 - 0.4) / 0.2
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_penalty_on_input_and_recurrent_weights() -> None:
    model = recurrent(cell="rnn", l2=0.5)

    kernel, recurrent_kernel, _ = model.get_layer("rnn1").get_weights()
    expected = 0.5 * float(np.square(kernel).sum() + np.square(recurrent_kernel).sum())
    assert float(sum(np.asarray(loss) for loss in model.losses)) == pytest.approx(expected, rel=1e-5)
