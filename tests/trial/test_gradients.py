"""The gradients that a step tells, against those that a tape finds for the same batch."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest

from tests.trial.helpers import CLASSES, VECTORS, network
from tunekit.trial.feeding import as_they_are
from tunekit.trial.health import StepWatch
from tunekit.trial.loop import make_loop

if keras.config.backend() != "tensorflow":
    pytest.skip("is of TensorFlow alone", allow_module_level=True)

import tensorflow as tf

LAYERS = keras.layers
BATCH = 4
X, Y = VECTORS, CLASSES


def told(model: keras.Model, step: int, x: np.ndarray = X, y: np.ndarray = Y) -> StepWatch:
    watch = StepWatch()
    watch.step = step
    make_loop(model, BATCH).train(as_they_are(x, y), watch, lambda share: None)
    return watch


def expected(model: keras.Model, watch: StepWatch) -> list[np.ndarray]:
    """Those of the watched batch, with the weights that the step began with."""
    assert watch.step is not None
    some = slice(watch.step * BATCH, (watch.step + 1) * BATCH)
    for variable, before in zip(model.trainable_variables, watch.before, strict=True):
        variable.assign(before)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(X[some], Y[some], model(X[some], training=True))
    return [each.numpy() for each in tape.gradient(loss, [v.value for v in model.trainable_variables])]


class InTwoParts(keras.Model):
    """Gives its optimizer the gradients of one layer after those of another."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        gradients = tape.gradient(loss, [v.value for v in self.trainable_variables])
        pairs = list(zip(gradients, self.trainable_variables, strict=True))
        self.optimizer.apply_gradients(pairs[:2])
        self.optimizer.apply_gradients(pairs[2:])
        return {"loss": loss}


class WithinAGraph(keras.Model):
    @tf.function
    def train_step(self, data):
        return super().train_step(data)


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("optimizer", ["sgd", "nadam", "clipped"])
def test_they_are_those_of_the_watched_batch(step: int, optimizer: str) -> None:
    """Penalties are part of them, and clipping comes later."""
    model = network(keras.optimizers.Adam(global_clipnorm=0.01) if optimizer == "clipped" else optimizer)
    watch = told(model, step)
    assert watch.gradients is not None
    for found, wanted in zip(watch.gradients, expected(model, watch), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_a_weight_that_changes_nothing_has_none() -> None:
    entry = keras.Input((3,))
    unused = LAYERS.Dense(2)
    unused.build((None, 3))
    model = keras.Model(entry, LAYERS.Dense(2, activation="softmax")(entry))
    model.unused = unused
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    model.optimizer.build(model.trainable_variables)
    gradients = told(model, 0).gradients
    assert gradients is not None
    empty = [gradient.size == 0 for gradient in gradients]
    assert empty == [any(variable is own for own in unused.weights) for variable in model.trainable_variables]
    assert any(empty)


def embedding() -> keras.Model:
    entry = keras.Input((3,))
    model = keras.Sequential([entry, LAYERS.Embedding(9, 2), LAYERS.Flatten(), LAYERS.Dense(2)])
    model.compile(optimizer="sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: network(kind=InTwoParts),
        lambda: network(kind=WithinAGraph),
        lambda: network(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())),
        lambda: network(keras.optimizers.SGD(loss_scale_factor=8.0)),
        embedding,
    ],
    ids=["in two parts", "within a graph", "scaled as it goes", "scaled", "some rows"],
)
def test_what_is_not_understood_is_not_told(make: Callable[[], keras.Model]) -> None:
    model = make()
    model.optimizer.build(model.trainable_variables)
    watch = told(model, 0, np.abs(X).round())
    assert watch.gradients is None
    assert any((one != other).any() for one, other in zip(watch.before, watch.after, strict=True))


def test_the_optimizer_is_left_as_it_was() -> None:
    model = network()
    told(model, 0)
    assert "apply" not in vars(model.optimizer)
    calls = []
    own = model.optimizer.apply
    model.optimizer.apply = lambda *given: calls.append(given) or own(*given)
    mine = model.optimizer.apply
    assert told(model, 0).gradients is not None
    assert len(calls) == 1  # as the step is traced
    assert model.optimizer.apply is mine
