"""How large the gradients are that a step on JAX tells, against those that JAX finds for the same batch."""

from __future__ import annotations

import os
import subprocess
import sys

import keras
import pytest

from tests.trial.helpers import CLASSES, VECTORS, network
from tunekit.trial.feeding import as_they_are
from tunekit.trial.health import StepWatch, gradient_norms
from tunekit.trial.jax_step import TOLD
from tunekit.trial.loop import FitLoop

on_jax = pytest.mark.skipif(keras.config.backend() != "jax", reason="is of JAX alone")
BATCH = 4
X, Y = VECTORS, CLASSES


@pytest.mark.skipif(keras.config.backend() == "jax", reason="is what starts the others")
def test_the_tests_of_this_file_on_jax() -> None:
    """In a process of their own, since Keras cannot change what it computes with."""
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-p", "no:xdist", __file__]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " 1 skipped" in done.stdout, done.stdout[-3000:]


def trained(model: keras.Model, step: int) -> tuple[StepWatch, dict[str, float]]:
    watch = StepWatch()
    watch.step = step
    return watch, FitLoop(model, BATCH).train(as_they_are(X, Y), watch, lambda share: None)


@on_jax
@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("optimizer", ["sgd", "nadam", "clipped"])
def test_they_are_those_of_the_watched_batch(step: int, optimizer: str) -> None:
    """Penalties are part of them, and clipping comes later."""
    model = network(keras.optimizers.Adam(global_clipnorm=0.01) if optimizer == "clipped" else optimizer)
    watch, _ = trained(model, step)
    assert watch.squares is not None
    told = gradient_norms(model, watch, X, Y)
    for variable, before in zip(model.trainable_variables, watch.before, strict=True):
        variable.assign(before)
    some = slice(step * BATCH, (step + 1) * BATCH)
    assert told == pytest.approx(gradient_norms(model, StepWatch(), X[some], Y[some]), rel=1e-4)
    assert set(told) == {"health/gradient_norm", "gradient/hidden/norm", "gradient/output/norm"}


@on_jax
def test_what_is_measured_has_no_more_in_it() -> None:
    _, measured = trained(network(metrics=["accuracy"]), 0)
    assert set(measured) == {"loss", "accuracy"}
    plain = network(metrics=["accuracy"]).fit(X, Y, batch_size=BATCH, shuffle=False, verbose=0).history
    assert TOLD not in measured
    assert measured == pytest.approx({name: values[-1] for name, values in plain.items()}, rel=1e-5)


@on_jax
def test_a_scaled_loss_is_not_told() -> None:
    model = network(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()))
    watch, _ = trained(model, 0)
    assert watch.squares is None
    assert gradient_norms(model, watch, X, Y)["health/gradient_norm"] > 0


@on_jax
def test_the_optimizer_is_left_as_it_was() -> None:
    model = network()
    trained(model, 0)
    assert "stateless_apply" not in vars(model.optimizer)
    mine = vars(model.optimizer)["stateless_apply"] = model.optimizer.stateless_apply
    trained(model, 0)
    assert vars(model.optimizer)["stateless_apply"] is mine
