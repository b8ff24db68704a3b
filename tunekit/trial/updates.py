"""Optimizers on TensorFlow that move a weight in one operation.

Keras writes an update as some ten operations, each of which goes through all weights. The optimizer stays Keras' own in
all but this: its variables, its configuration, weight decay, clipping.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

import keras
import tensorflow as tf

LOST = 1e5
"""So many times as large a number swallows another one in float32, but for its last digit or two."""

Step = Callable[[Any, Any, Any, Any], None]


def fuse(optimizer: Any) -> None:
    """Have the optimizer update by an operation of TensorFlow's where there is one that does the same."""
    step = _step_of(optimizer)
    if step is None:
        return

    def update_step(optimizer: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        # The gradient of an embedding names the rows that it changes, and a weight may be of another precision.
        if isinstance(gradient, tf.IndexedSlices) or variable.dtype != tf.float32:
            type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
        else:
            gradient, rate = (tf.cast(each, tf.float32) for each in (gradient, learning_rate))
            step(optimizer, gradient, variable, rate)

    # Not as an attribute: Keras would look into it for variables.
    vars(optimizer)["update_step"] = MethodType(update_step, optimizer)


def _step_of(optimizer: Any) -> Step | None:
    kind = type(optimizer)
    # AdamW is an Adam whose weights decay apart from the update.
    if kind in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimizer.amsgrad:
        return _adam
    if kind is keras.optimizers.Nadam:
        return _nadam
    if kind is keras.optimizers.SGD and optimizer.momentum:
        return _momentum
    # The operation has no epsilon, which is lost in what the sums begin with.
    if kind is keras.optimizers.Adagrad and optimizer.initial_accumulator_value >= LOST * optimizer.epsilon:
        return _adagrad
    return None


def _adam(optimizer: Any, gradient: Any, variable: Any, rate: Any) -> None:
    place = optimizer._get_variable_index(variable)
    count = tf.cast(optimizer.iterations + 1, tf.float32)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[place].value.handle,
        v=optimizer._velocities[place].value.handle,
        beta1_power=tf.pow(tf.constant(optimizer.beta_1, tf.float32), count),
        beta2_power=tf.pow(tf.constant(optimizer.beta_2, tf.float32), count),
        lr=rate,
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        grad=gradient,
    )


def _nadam(optimizer: Any, gradient: Any, variable: Any, rate: Any) -> None:
    """The moments are Adam's, and are moved by its operation with a rate of 0; what is done with them has none."""
    _adam(optimizer, gradient, variable, tf.zeros_like(rate))
    place = optimizer._get_variable_index(variable)
    count = tf.cast(optimizer.iterations + 1, tf.float32)
    now, then = (optimizer.beta_1 * (1 - 0.5 * tf.pow(0.96, number)) for number in (count, count + 1))
    product = tf.cast(optimizer._u_product, tf.float32)
    # All that is the same for each weight is multiplied first.
    unbiased = tf.sqrt(1 - tf.pow(tf.constant(optimizer.beta_2, tf.float32), count))
    of_moment = rate * unbiased * then / (1 - product * then)
    of_gradient = rate * unbiased * (1 - now) / (1 - product)
    moved = of_moment * optimizer._momentums[place].value + of_gradient * gradient
    variable.assign_sub(moved / (tf.sqrt(optimizer._velocities[place].value) + optimizer.epsilon * unbiased))


def _momentum(optimizer: Any, gradient: Any, variable: Any, rate: Any) -> None:
    place = optimizer._get_variable_index(variable)
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=variable.handle,
        accum=optimizer.momentums[place].value.handle,
        lr=rate,
        grad=gradient,
        momentum=optimizer.momentum,
        use_nesterov=optimizer.nesterov,
    )


def _adagrad(optimizer: Any, gradient: Any, variable: Any, rate: Any) -> None:
    place = optimizer._get_variable_index(variable)
    sums = optimizer._accumulators[place].value.handle
    tf.raw_ops.ResourceApplyAdagrad(var=variable.handle, accum=sums, lr=rate, grad=gradient)
