"""Updates in one operation, against Keras' own."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

if keras.config.backend() != "tensorflow":
    pytest.skip("is of TensorFlow alone", allow_module_level=True)

import tensorflow as tf

from tunekit.space.vocabulary import OPTIMIZERS, complete
from tunekit.trial.training import make_optimizer
from tunekit.trial.updates import fuse

FUSED = ("adam", "adamw", "nadam", "momentum", "nesterov", "adagrad")


def pair(name: str, clip_norm: float = 2.0) -> tuple[Any, Any]:
    """An optimizer as Keras computes it and one that is fused, with all that may stand around an update."""
    around = {"weight_decay": 0.1, "clip_norm": clip_norm, "schedule": "cosine"}
    values = complete("lenet5", {"optimizer": name, "learning_rate": 0.05, **around})
    optimizers = [make_optimizer(values, total_steps=20) for _ in range(2)]
    fuse(optimizers[1])
    return optimizers[0], optimizers[1]


def after_steps(optimizer: Any, gradients: list[Any]) -> list[np.ndarray]:
    """The weights and the optimizer's own variables once all gradients were applied, in a graph."""
    weights = keras.Variable(np.random.default_rng(0).normal(size=(4, 3)).astype("float32"))
    optimizer.build([weights])
    for gradient in gradients:
        tf.function(lambda gradient=gradient: optimizer.apply([gradient]))()
    return [np.asarray(each.value) for each in [weights, *optimizer.variables]]


def test_which_are_fused() -> None:
    assert [name for name in OPTIMIZERS if "update_step" in vars(pair(name)[1])] == [
        name for name in OPTIMIZERS if name in FUSED
    ]


@pytest.mark.parametrize("name", FUSED)
def test_weights_and_state_are_those_of_keras(name: str) -> None:
    random = np.random.default_rng(1)
    gradients = [tf.constant(random.normal(size=(4, 3)), tf.float32) for _ in range(5)]

    expected, found = (after_steps(optimizer, gradients) for optimizer in pair(name))

    assert len(found) > 2
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FUSED)
def test_the_gradient_of_an_embedding_goes_keras_way(name: str) -> None:
    rows = tf.IndexedSlices(tf.ones((2, 3)), tf.constant([0, 2]), tf.constant([4, 3]))

    # Clipping would make a whole gradient of it.
    expected, found = (after_steps(optimizer, [rows] * 3) for optimizer in pair(name, clip_norm=0.0))

    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_is_fused_that_computes_something_else() -> None:
    for other in (
        keras.optimizers.Adam(amsgrad=True),
        keras.optimizers.Adagrad(initial_accumulator_value=0.0),
    ):
        fuse(other)
        assert "update_step" not in vars(other)
