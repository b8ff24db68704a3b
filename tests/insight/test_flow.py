"""The values between layers are those of the model in one piece, whoever computes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

from tunekit.insight import flow, graph
from tunekit.insight.graph import Array, as_floats
from tunekit.models.build import POLICIES, build
from tunekit.models.shape import ImageShape
from tunekit.study.precision import BFLOAT16_FLAGS, processor_flags

LAYERS = keras.layers
SHAPE = ImageShape((8, 8, 1), 3, (0.5,), (0.25,))
BUILT_IN: dict[str, dict[str, Any]] = {
    "lenet5": {"filters": 4, "hidden_units": 8, "batch_norm": True, "dropout": 0.5, "kernel_size": 3},
    "rnn": {"cell": "rnn", "hidden_units": 4},
    "gru": {"cell": "gru", "hidden_units": 4, "layers": 2, "batch_norm": True},
    "lstm": {"cell": "lstm", "hidden_units": 4, "dropout": 0.2},
}


PRECISIONS = {"float32": 1e-4, "bfloat16": 2e-2}
"""With how far values may lie from those of the model in one piece: recurrent layers round only what leaves them."""


@pytest.fixture(autouse=True)
def policy() -> Iterator[None]:
    """Building a model sets Keras' policy."""
    yield
    keras.config.set_dtype_policy("float32")


def images(count: int = 5) -> Array:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)


def built_in(name: str, precision: str = "float32") -> keras.Model:
    values = {**BUILT_IN[name], "precision": precision}
    return build(name if name == "lenet5" else "recurrent", values, SHAPE, seed=1)


def all_values(model: keras.Model, inputs: Array) -> dict[str, Array]:
    """By the layer's name."""
    uses = graph.uses(model)
    values = flow.evaluate(model, [use.outputs[0] for use in uses], inputs)
    return {use.layer.name: values[id(use.outputs[0])] for use in uses}


def in_one_piece(model: keras.Model, inputs: Array) -> dict[str, Array]:
    uses = graph.uses(model)
    values = keras.Model(model.inputs[0], [use.outputs[0] for use in uses])(inputs, training=False)
    return {use.layer.name: as_floats(value) for use, value in zip(uses, values, strict=True)}


def check(model: keras.Model, inputs: Array, tolerance: float = 1e-4) -> None:
    found, expected = all_values(model, inputs), in_one_piece(model, inputs)
    assert len(found) == len(graph.uses(model)) > 1
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_models(name: str, precision: str) -> None:
    check(built_in(name, precision), images(), PRECISIONS[precision])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", BUILT_IN)
def test_of_built_in_models_no_layer_is_called(
    name: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = built_in(name, precision)
    monkeypatch.setattr(keras.Layer, "__call__", lambda *given, **named: pytest.fail("a layer was called"))
    assert all_values(model, images())


def residual(entry: keras.KerasTensor) -> keras.KerasTensor:
    """Several inputs, a function, a layer without a formula, an argument by name and a nested model."""
    x = LAYERS.Rescaling(1 / 255)(entry)
    one = LAYERS.Conv2D(3, 3, padding="same", activation="elu")(x)
    other = LAYERS.SeparableConv2D(3, 3, padding="same")(x)
    x = keras.ops.relu(LAYERS.Add()([one, other]) - 0.1)
    x = keras.Sequential([LAYERS.Input((8, 8, 3)), LAYERS.Conv2D(2, 3)])(x)
    x = LAYERS.Dropout(0.5, seed=1)(LAYERS.LayerNormalization()(x), training=True)
    return LAYERS.Dense(3)(LAYERS.GlobalAveragePooling2D()(x))


def added(entry: keras.KerasTensor) -> keras.KerasTensor:
    """Sums of equal shapes and of others."""
    x = LAYERS.Rescaling(1 / 255)(entry)
    x = LAYERS.Add()(
        [
            LAYERS.Conv2D(2, 3, padding="same")(x),
            LAYERS.Conv2D(2, 1)(x),
            LAYERS.Conv2D(2, 5, padding="same")(x),
        ]
    )
    return LAYERS.Dense(3)(LAYERS.Add()([x, LAYERS.GlobalAveragePooling2D(keepdims=True)(x)]))


def embedded(entry: keras.KerasTensor) -> keras.KerasTensor:
    """Whole numbers stay so until a layer wants none."""
    brightest = keras.ops.argmax(LAYERS.Reshape((8, 8))(entry), axis=1)
    return LAYERS.Dense(3)(LAYERS.Flatten()(LAYERS.Embedding(256, 2)(brightest)))


def attended(entry: keras.KerasTensor) -> keras.KerasTensor:
    x = LAYERS.Reshape((8, 8))(LAYERS.Rescaling(1 / 255)(entry))
    x = LAYERS.Bidirectional(LAYERS.GRU(3, return_sequences=True))(x)
    return LAYERS.LSTM(3, go_backwards=True)(LAYERS.MultiHeadAttention(2, 2)(x, x))


def with_state(entry: keras.KerasTensor) -> keras.KerasTensor:
    """Of a layer with several outputs, and one that begins in a state."""
    x = LAYERS.Reshape((8, 8))(LAYERS.Rescaling(1 / 255)(entry))
    _, *state = LAYERS.LSTM(4, return_state=True)(x)
    return LAYERS.LSTM(4)(x, initial_state=state)


def masked(entry: keras.KerasTensor) -> keras.KerasTensor:
    x = LAYERS.Reshape((8, 8))(LAYERS.Rescaling(1 / 255)(entry))
    return LAYERS.GRU(4)(LAYERS.Masking(0.0)(x))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("make", [residual, added, embedded, attended, with_state, masked])
def test_models_of_ones_own(make: Callable[[keras.KerasTensor], keras.KerasTensor], precision: str) -> None:
    keras.utils.set_random_seed(1)
    entry = keras.Input((8, 8, 1), dtype="uint8")
    given = images()
    given[:, :3] = 0  # steps that a mask leaves out
    keras.config.set_dtype_policy(POLICIES[precision])
    check(keras.Model(entry, make(entry)), given, PRECISIONS[precision])


def test_images_become_what_the_model_takes() -> None:
    entry = keras.Input((8, 8, 1))
    check(keras.Model(entry, LAYERS.Flatten()(LAYERS.SeparableConv2D(2, 3)(entry))), images())


@pytest.mark.skipif(not BFLOAT16_FLAGS & processor_flags(), reason="the processor only imitates bfloat16")
def test_mixed_precision_rounds_where_keras_rounds() -> None:
    """Sums of another order fall to the other side of a border between two bfloat16 in one value of some hundreds."""
    model = built_in("lenet5", "bfloat16")
    found, expected = all_values(model, images(20)), in_one_piece(model, images(20))
    del expected["output"]  # is of float32 always
    assert {"scale", "standardise", "conv2", "batch_norm2", "pool2", "dense"} < set(expected)
    for name, value in expected.items():
        same = np.mean(found[name] == value)
        assert same > 0.98, f"{name}: only {same:.1%} of the values have Keras' bits"


@pytest.mark.parametrize("make", [residual, added, attended])
def test_float16_is_kerass_own(make: Callable[[keras.KerasTensor], keras.KerasTensor]) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    entry = keras.Input((8, 8, 1), dtype="uint8")
    check(keras.Model(entry, make(entry)), images(), tolerance=1e-3)


def test_many_values_are_computed_by_the_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    model = built_in("lenet5")
    monkeypatch.setattr(flow, "LARGE", 100)
    check(model, images(), tolerance=0)


@pytest.mark.parametrize("large", [flow.LARGE, 0])
def test_from_the_middle_of_a_model(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    model = built_in("gru")
    values = all_values(model, images())
    monkeypatch.setattr(flow, "LARGE", large)
    begin = model.get_layer("gru2").output
    found = flow.evaluate(model, model.outputs, values["gru2"], begin)
    np.testing.assert_allclose(found[id(model.outputs[0])], values["output"], rtol=1e-5)


def test_what_does_not_come_from_the_middle_alone_is_refused() -> None:
    entry = keras.Input((4,))
    middle = LAYERS.Dense(4)(entry)
    model = keras.Model(entry, LAYERS.Add()([entry, middle]))
    with pytest.raises(ValueError, match="more than"):
        flow.evaluate(model, model.outputs, np.zeros((2, 4), np.float32), middle)


def test_images_of_another_shape_are_refused_as_by_keras() -> None:
    model = built_in("lenet5")
    with pytest.raises(ValueError, match="incompatible"):
        flow.evaluate(model, model.outputs, images()[:, :5])


def test_the_linear_part_alone() -> None:
    layer = LAYERS.Dense(2, activation="relu")
    layer.build((None, 1))
    layer.set_weights([np.array([[1.0, -1.0]]), np.array([0.0, 0.5])])
    np.testing.assert_allclose(flow.unbent(layer, np.array([[2.0]], np.float32)), [[2.0, -1.5]])
    assert layer.activation is keras.activations.relu
