"""Batch normalisation of images on TensorFlow, in one operation for each way.

Keras computes it by some ten operations, in float32 whatever the model's precision, which takes much of a LeNet5's
step. The layer stays Keras' own in all but this: its weights, its configuration, the file it is saved in, and what it
answers once training is over.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import tensorflow as tf


def fuse(layer: Any) -> None:
    """Have the layer, which normalises channels that come last, do it by TensorFlow's kernel in training."""
    # On a GPU it was not tried.
    if not tf.config.list_physical_devices("GPU"):
        # Not as an attribute: Keras would look into it for variables.
        vars(layer)["call"] = MethodType(_call, layer)


def _call(layer: Any, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
    """In the place of Keras' method of this name."""
    if not (training and layer.trainable):
        return type(layer).call(layer, inputs, training=training, mask=mask)
    normalised, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=tf.convert_to_tensor(layer.gamma),
        offset=tf.convert_to_tensor(layer.beta),
        mean=(),
        variance=(),
        epsilon=layer.epsilon,
        is_training=True,
    )
    # The kernel divides by one less than the number of values, Keras by their number.
    count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
    _move(layer.moving_mean, mean, layer.momentum)
    _move(layer.moving_variance, variance * ((count - 1) / count), layer.momentum)
    return normalised


def _move(moving: Any, value: Any, momentum: float) -> None:
    moving.assign(moving * momentum + value * (1.0 - momentum))
