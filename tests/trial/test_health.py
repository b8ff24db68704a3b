"""Gradients and steps, against a network of one weight that is worked by hand."""

from __future__ import annotations

import time

import keras
import numpy as np
import pytest

from tunekit.trial.feeding import as_they_are
from tunekit.trial.health import StepWatch, gradient_norms, update_ratios
from tunekit.trial.loop import make_loop

LAYERS = keras.layers


def line(weight: float, rate: float = 0.1, l2: float = 0.0) -> keras.Model:
    """y = weight * x, with the squared error."""
    layer = LAYERS.Dense(1, use_bias=False, name="line", kernel_regularizer=keras.regularizers.L2(l2))
    model = keras.Sequential([LAYERS.Input((1,)), layer])
    layer.set_weights([np.array([[weight]])])
    model.compile(optimizer=keras.optimizers.SGD(rate), loss=keras.losses.MeanSquaredError())
    return model


X, Y = np.array([[1.0], [2.0]], "float32"), np.array([[0.0], [0.0]], "float32")


def of_images(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Where no step has told."""
    return gradient_norms(model, StepWatch(), images, labels)


def test_a_gradient_by_hand() -> None:
    # The mean of (w*1)^2 and (w*2)^2 is 2.5 w^2, its derivative 5 w.
    norms = of_images(line(3.0), X, Y)
    assert norms == pytest.approx({"health/gradient_norm": 15.0, "gradient/line/norm": 15.0})


def test_penalties_count() -> None:
    # And 0.5 w^2 more has the derivative w.
    assert of_images(line(3.0, l2=0.5), X, Y)["health/gradient_norm"] == pytest.approx(18.0)


def test_layers_add_up_and_unused_weights_have_none() -> None:
    entry = keras.Input((4,))
    hidden = LAYERS.Dense(3, activation="relu", name="hidden")(entry)
    output = LAYERS.Dense(2, activation="softmax", name="output")(hidden)
    model = keras.Model(entry, output)
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy())
    images = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    norms = of_images(model, images, np.array([0, 1, 0, 1, 1]))
    parts = [norms["gradient/hidden/norm"], norms["gradient/output/norm"]]
    assert norms["health/gradient_norm"] == pytest.approx(np.hypot(*parts))
    model.get_layer("output").set_weights([np.zeros((3, 2)), np.zeros(2)])
    assert of_images(model, images, np.zeros(5, int))["gradient/hidden/norm"] == 0


@pytest.mark.parametrize("cell", [LAYERS.GRU, LAYERS.LSTM, LAYERS.SimpleRNN])
def test_recurrent_layers_are_left_as_they_were(cell: type) -> None:
    layer = cell(3)
    model = keras.Sequential([LAYERS.Input((4, 2)), layer, LAYERS.Dense(1)])
    model.compile(loss=keras.losses.MeanSquaredError())
    norms = of_images(model, np.ones((2, 4, 2), "float32"), np.ones((2, 1), "float32"))
    assert norms["health/gradient_norm"] > 0
    assert layer.unroll is False


def test_a_step_by_hand() -> None:
    model = line(3.0)
    watch = StepWatch()
    watch.step = 1
    # The first step takes w from 3 to 1.5, the second from 1.5 to 0.75.
    make_loop(model, 2).train(as_they_are(np.tile(X, (3, 1)), np.tile(Y, (3, 1))), watch, lambda share: None)

    ratios = update_ratios(model, watch)

    assert ratios == pytest.approx({"health/update_ratio": 0.5, "update/line/ratio": 0.5})


def test_no_step_was_watched() -> None:
    model, watch = line(1.0), StepWatch()
    make_loop(model, 2).train(as_they_are(X, Y), watch, lambda share: None)
    assert update_ratios(model, watch) == {}


def test_weights_that_are_all_zero_have_no_ratio() -> None:
    model, watch = line(0.0), StepWatch()
    watch.step = 0
    make_loop(model, 2).train(as_they_are(X, Y + 1), watch, lambda share: None)
    assert np.isnan(update_ratios(model, watch)["health/update_ratio"])


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="is of TensorFlow alone")
def test_the_gradient_of_a_step_by_hand() -> None:
    model = line(3.0)
    watch = StepWatch()
    watch.step = 1
    # The second step begins with w = 1.5, and the derivative is 5 w.
    make_loop(model, 2).train(as_they_are(np.tile(X, (3, 1)), np.tile(Y, (3, 1))), watch, lambda share: None)

    norms = gradient_norms(model, watch, X, Y)

    assert norms == pytest.approx({"health/gradient_norm": 7.5, "gradient/line/norm": 7.5})


def test_what_was_told_counts_and_a_weight_without_a_gradient_counts_nothing() -> None:
    entry = keras.Input((1,))
    model = keras.Model(entry, LAYERS.Dense(2, name="two")(LAYERS.Dense(1, name="one")(entry)))
    watch = StepWatch()
    watch.gradients = [np.array([[3.0]]), np.array([4.0]), np.empty(0), np.array([0.0, 12.0])]
    assert gradient_norms(model, watch, X, Y) == pytest.approx(
        {"health/gradient_norm": 13.0, "gradient/one/norm": 5.0, "gradient/two/norm": 12.0}
    )


def test_watching_takes_time_that_is_known() -> None:
    model, watch = line(3.0), StepWatch()
    began = time.perf_counter()
    watch.begins(model)
    watch.ends(model, lambda: time.sleep(0.05))
    assert 0.05 <= watch.seconds <= time.perf_counter() - began


def test_a_model_without_a_graph_has_a_gradient() -> None:
    class Written(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.line = LAYERS.Dense(1, use_bias=False)

        def call(self, inputs):
            return self.line(inputs)

    model = Written()
    model(X)
    model.set_weights([np.array([[3.0]])])
    model.compile(loss=keras.losses.MeanSquaredError())
    assert of_images(model, X, Y)["health/gradient_norm"] == pytest.approx(15.0)
