"""A training step of Keras' on TensorFlow that also tells which gradients its optimizer was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tunekit.insight.graph import Array
from tunekit.trial.optimizers import replaced, scales_loss

NOTHING = tf.raw_ops.OptionalNone
"""Makes the tensor that holds no gradients."""


class TellingStep:
    """The model's step, and what it tells: the gradients of the trainable variables."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._types: dict[int, Any] = {}
        """Of the gradients that are told, by the identity of their variable; known once the step is traced."""

    def __call__(self, batch: tuple[Any, ...], before: Any) -> Any:
        """One tensor that holds the gradients, none of which is copied; `before` where they are not known."""
        with _overheard(self._model.optimizer) as calls:
            self._model.train_step(batch)
        gradients = _known(calls, self._model.optimizer)
        self._types = {key: gradient.dtype for key, gradient in gradients.items()}
        # One tensor, for each that is handed on through the loop costs milliseconds when the loop is traced.
        return tf.raw_ops.OptionalFromValue(components=list(gradients.values())) if gradients else before

    def gradients(self, told: Any) -> list[Array] | None:
        """By the order of the variables, empty where one has none; None where the step did not tell."""
        if not self._types:
            return None
        found = tf.raw_ops.OptionalGetValue(
            optional=told,
            output_types=list(self._types.values()),
            output_shapes=[tf.TensorShape(None)] * len(self._types),
        )
        arrays = dict(zip(self._types, (each.numpy() for each in found), strict=True))
        return [arrays.get(id(each), np.empty(0, np.float32)) for each in self._model.trainable_variables]


@contextmanager
def _overheard(optimizer: Any) -> Iterator[list[Mapping[int, Any]]]:
    """What the optimizer is given at each call: gradients by the identity of their variable."""
    calls: list[Mapping[int, Any]] = []
    apply = optimizer.apply

    def overhearing(grads: Any, trainable_variables: Any = None) -> Any:
        grads = list(grads)
        variables = None if trainable_variables is None else list(trainable_variables)
        calls.append(dict(zip(map(id, variables or ()), grads, strict=False)))
        return apply(grads, variables)

    with replaced(optimizer, "apply", overhearing):
        yield calls


def _known(calls: list[Mapping[int, Any]], optimizer: Any) -> dict[int, Any]:
    """The gradients of a step, if they are told in a way that is understood.

    A step of a user's own may call its optimizer several times, in a graph within this one or with a loss made larger,
    lest gradients vanish in 16 bits; and of the many rows of an embedding only those that changed are given.
    """
    if len(calls) != 1 or scales_loss(optimizer):
        return {}
    here = tf.compat.v1.get_default_graph()
    gradients = {key: gradient for key, gradient in calls[0].items() if gradient is not None}
    plain = all(isinstance(each, tf.Tensor) and each.graph is here for each in gradients.values())
    return gradients if plain else {}
