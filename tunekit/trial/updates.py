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
    # AdamW is an Adam whose weights decay apart from the update.
    if type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimizer.amsgrad:
        return _adam
    return _momentum if type(optimizer) is keras.optimizers.SGD and optimizer.momentum else None


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
