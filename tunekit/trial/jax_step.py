"""A training step of Keras' on JAX that also tells how large the gradients are that its optimizer was given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from tunekit.trial.optimizers import replaced, scales_loss

TOLD = "tunekit/squares"
"""Among what a step measures: the sum of squares of each gradient, by the order of the weights."""


def tell(model: keras.Model) -> None:
    """Have the model's step tell, from its next compilation on."""
    step = model.train_step

    def train_step(state: Any, data: Any) -> Any:
        with _overheard(model.optimizer) as calls:
            logs, state = step(state, data)
        if len(calls) == 1 and isinstance(logs, dict) and not scales_loss(model.optimizer):
            logs = logs | {TOLD: _squares(calls[0])}
        return logs, state

    # Not as an attribute: Keras would look into it for variables.
    vars(model)["train_step"] = train_step


def squares_in(model: keras.Model, logs: object) -> list[float] | None:
    """What a step has told, where it did and its optimizer moves each weight."""
    told = logs.get(TOLD) if isinstance(logs, dict) else None
    if told is None or np.size(told) != len(model.trainable_variables):
        return None
    return [float(square) for square in np.asarray(told)]


@contextmanager
def _overheard(optimizer: Any) -> Iterator[list[Any]]:
    """The gradients that the optimizer is given at each call."""
    calls: list[Any] = []
    apply = optimizer.stateless_apply

    def overhearing(optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
        calls.append(list(grads))
        return apply(optimizer_variables, grads, trainable_variables)

    with replaced(optimizer, "stateless_apply", overhearing):
        yield calls


def _squares(gradients: list[Any]) -> Any:
    sums = [keras.ops.sum(keras.ops.square(keras.ops.cast(each, "float32"))) for each in gradients]
    return keras.ops.stack(sums) if sums else keras.ops.zeros((0,))
