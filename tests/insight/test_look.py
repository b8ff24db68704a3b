"""Looking inside a model, against small cases worked by hand."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest

from tunekit.insight.look import Look, look
from tunekit.insight.metrics import statistics

NAMES = ("left", "right", "top")


def images(count: int = 6, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, channels), dtype=np.uint8)


def see(model: keras.Model, pictures: np.ndarray | None = None) -> Look:
    pictures = images() if pictures is None else pictures
    return look(model, pictures, np.arange(len(pictures)) % 3, NAMES)


def convnet() -> keras.Model:
    return keras.Sequential(
        [
            keras.layers.Input((8, 8, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(5, 2, activation="relu", name="deeper"),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="tanh", name="hidden"),
            keras.layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


def test_the_map_of_a_known_kernel_on_one_image() -> None:
    model = keras.Sequential(
        [
            keras.layers.Input((2, 3, 1)),
            keras.layers.Conv2D(2, (1, 2), activation="relu", name="conv"),
        ]
    )
    # The first filter takes right minus left, the second left minus right less 10.
    kernel = np.array([[[[-1.0, 1.0]], [[1.0, -1.0]]]])
    model.get_layer("conv").set_weights([kernel, np.array([0.0, -10.0])])
    seen = see(model, np.array([[[[1], [3], [9]], [[2], [2], [1]]]], np.uint8))

    (activation,) = seen.activations
    assert activation.kind == "convolution"
    np.testing.assert_allclose(activation.values[0, ..., 0], [[2, 6], [0, 0]])
    np.testing.assert_allclose(activation.values[0, ..., 1], np.zeros((2, 2)))
    assert activation.summary.mean == pytest.approx(1.0)
    assert activation.summary.var == pytest.approx((4 + 36) / 8 - 1)
    assert activation.summary.dead == 0.5
    assert (activation.summary.min, activation.summary.max) == (0.0, 6.0)
    assert seen.norms["conv"] == pytest.approx(np.sqrt(4 + 100))
    np.testing.assert_array_equal(seen.filters[0].kernel, kernel)


def test_a_dead_layer_has_share_one() -> None:
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 3), dtype="uint8"),
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="relu", bias_initializer=keras.initializers.Constant(-1e9)),
        ]
    )
    assert see(model).activations[0].summary.dead == 1.0


def test_a_filter_that_answers_anywhere_is_alive() -> None:
    model = keras.Sequential(
        [keras.layers.Input((8, 8, 1)), keras.layers.Conv2D(1, 1, activation="relu", name="c")]
    )
    model.get_layer("c").set_weights([np.ones((1, 1, 1, 1)), np.array([-254.0])])
    pictures = np.zeros((4, 8, 8, 1), np.uint8)
    assert see(model, pictures).activations[0].summary.dead == 1.0
    pictures[2, 5, 5] = 255
    assert see(model, pictures).activations[0].summary.dead == 0.0


def test_a_layer_is_seen_after_its_own_activation_layer() -> None:
    seen = see(convnet())
    assert [activation.layer for activation in seen.activations] == ["conv", "deeper", "hidden", "classes"]
    first = seen.activations[0]
    assert first.values.shape == (6, 6, 6, 4)
    assert first.values.min() == 0
    dead = [activation.summary.dead is not None for activation in seen.activations]
    assert dead == [True, True, False, False]


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_only_a_relu_that_answers_zero_can_be_dead(slope: float) -> None:
    layer = keras.layers.ReLU(negative_slope=slope)
    model = keras.Sequential(
        [keras.layers.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3), layer]
    )
    assert (see(model).activations[0].summary.dead is None) == bool(slope)


def test_relu_as_a_function_in_a_functional_model() -> None:
    entry = keras.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(2, 3, name="conv")(entry)
    model = keras.Model(entry, keras.layers.Flatten()(keras.ops.relu(hidden)))
    assert see(model).activations[0].summary.dead is not None


def test_metrics_have_names_that_mlflow_accepts_and_finite_values() -> None:
    metrics = statistics(see(convnet()))
    assert {"activation/conv/mean", "activation/conv/dead", "weights/classes/norm"} <= set(metrics)
    assert "activation/classes/dead" not in metrics
    assert all(re.fullmatch(r"[A-Za-z0-9_./-]+", name) for name in metrics)
    assert all(np.isfinite(value) for value in metrics.values())


def test_names_with_spaces_and_slashes_become_safe_and_stay_apart() -> None:
    entry = keras.Input((8, 8, 3))
    one = keras.layers.Conv2D(2, 3, name="a b$")(entry)
    two = keras.layers.Conv2D(2, 3, name="a_b$")(one)
    three = keras.layers.Conv2D(2, 3, name="..")(two)
    seen = see(keras.Model(entry, three))
    assert [filters.layer for filters in seen.filters] == ["a_b_", "a_b__2", "_"]
    assert len(statistics(seen)) == 3 * 6


def test_shared_layers_are_seen_at_each_use() -> None:
    entry = keras.Input((8, 8, 3))
    shared = keras.layers.Conv2D(3, 3, padding="same", name="twice")
    seen = see(keras.Model(entry, shared(shared(entry))))
    assert [activation.layer for activation in seen.activations] == ["twice", "twice_2"]
    assert len(seen.filters) == 1


def test_nested_models_are_looked_into() -> None:
    inner = keras.Sequential(
        [keras.layers.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="conv")], name="body"
    )
    outer = keras.Sequential(
        [
            keras.layers.Input((8, 8, 3), dtype="uint8"),
            inner,
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="head"),
        ]
    )
    seen = see(outer)
    assert {activation.layer for activation in seen.activations} == {"body.conv", "head"}
    assert not seen.notes


def test_weights_that_are_not_finite_leave_no_such_metric() -> None:
    model = convnet()
    conv = model.get_layer("deeper")
    conv.set_weights([np.full_like(weight, np.nan) for weight in conv.get_weights()])
    seen = see(model)
    metrics = statistics(seen)
    assert seen.activations[1].summary.nonfinite > 0
    assert "activation/conv/mean" in metrics
    assert "activation/deeper/mean" not in metrics
    assert "weights/deeper/norm" not in metrics


class Written(keras.Model):
    """A model without a graph of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = keras.layers.Conv2D(2, 3)
        self.rnn = keras.layers.GRU(3)

    def call(self, inputs):
        hidden = keras.ops.reshape(self.conv(keras.ops.cast(inputs, "float32")), (-1, 6, 12))
        return self.rnn(hidden)


def test_a_model_without_a_graph_shows_its_weights() -> None:
    model = Written()
    model(images())
    seen = see(model)
    assert len(seen.filters) == 1
    assert seen.recurrents[0].states is None
    assert not seen.activations
    assert "not a graph" in seen.notes[0]


def test_images_that_do_not_fit_are_a_note_and_no_error() -> None:
    seen = look(convnet(), np.zeros((2, 5, 5, 1), np.uint8), np.zeros(2, int), NAMES)
    assert seen.notes
    assert len(seen.filters) == 2


def test_odd_layers_are_seen_as_far_as_they_go() -> None:
    entry = keras.Input((8, 8, 3))
    volume = keras.layers.Conv3D(2, 2)(keras.layers.Reshape((8, 8, 3, 1))(entry))
    line = keras.layers.Conv1D(4, 3, name="line")(keras.layers.Reshape((8, 24))(entry))
    depth = keras.layers.DepthwiseConv2D(3, name="depth")(entry)
    apart = keras.layers.SeparableConv2D(4, 3, name="apart")(depth)
    back = keras.layers.Conv2DTranspose(2, 3, name="back")(apart)
    flat = [keras.layers.Flatten()(tensor) for tensor in (volume, line, back)]
    seen = see(keras.Model(entry, keras.layers.Dense(3)(keras.layers.Concatenate()(flat))))
    shapes = {filters.layer: filters.kernel.shape for filters in seen.filters}
    assert shapes == {
        "line": (1, 3, 24, 4),
        "depth": (3, 3, 3, 1),
        "apart": (3, 3, 3, 1),
        "back": (3, 3, 4, 2),
    }
    assert len(seen.activations) == 6
    assert not seen.notes


def test_what_leaves_the_linear_part() -> None:
    """Before batch norm where that follows, before the activation where that is the layer's own or comes next."""
    model = keras.Sequential(
        [
            keras.layers.Input((2, 1, 1)),
            keras.layers.Conv2D(1, 1, name="normed"),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
            keras.layers.Conv2D(1, 1, activation="relu", name="own"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, name="next"),
            keras.layers.ReLU(),
            keras.layers.Dense(2, name="plain"),
        ]
    )
    model.get_layer("normed").set_weights([np.full((1, 1, 1, 1), 2.0), np.array([-8.0])])
    model.get_layer("own").set_weights([np.full((1, 1, 1, 1), -1.0), np.array([1.0])])
    seen = see(model, np.array([[[[1]], [[6]]]], np.uint8))

    normed, own, following, plain = (activation.linear for activation in seen.activations)
    assert normed is not None
    assert own is not None
    assert following is not None
    assert (normed.before, own.before, following.before) == ("batch norm", "activation", "activation")
    # 2·1−8 and 2·6−8; behind a batch norm that does next to nothing, and a ReLU, 0 and 4: 1−0 and 1−4.
    np.testing.assert_allclose(np.sort(normed.sample), [-6, 4])
    np.testing.assert_allclose(np.sort(own.sample), [-3, 1], atol=0.01)
    assert plain is None
    assert model.get_layer("own").activation is keras.activations.relu


def test_channels_first_are_seen_with_the_units_last() -> None:
    layer = keras.layers.Conv2D(5, 1, data_format="channels_first", activation="relu")
    if keras.config.backend() == "tensorflow":
        pytest.skip("TensorFlow has no such convolution on a CPU")
    seen = see(keras.Sequential([keras.layers.Input((3, 8, 8)), layer]), np.zeros((2, 3, 8, 8), np.uint8))
    assert seen.activations[0].values.shape == (2, 8, 8, 5)
    assert seen.activations[0].linear is not None


def test_health_counts_each_unit_once() -> None:
    def layer(units: int, bias: float, name: str) -> keras.layers.Layer:
        start = keras.initializers.Constant(bias)
        return keras.layers.Dense(units, activation="relu", bias_initializer=start, name=name)

    flat = [keras.layers.Input((8, 8, 3), dtype="uint8"), keras.layers.Rescaling(0.0), keras.layers.Flatten()]
    model = keras.Sequential([*flat, layer(30, -1.0, "dead"), layer(10, 1.0, "alive")])
    metrics = statistics(see(model))
    assert metrics["activation/dead/dead"] == 1.0
    assert metrics["activation/alive/dead"] == 0.0
    assert metrics["health/dead"] == 0.75
    assert "health/saturated" not in metrics
