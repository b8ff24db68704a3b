"""LeNet5 as it is used today: two convolutions with pooling, one dense layer, the output."""

from __future__ import annotations

import keras
from keras import layers

from tunekit.models.layers import image_input, l2, need_images, standardise
from tunekit.models.shape import ImageShape
from tunekit.results import Values

SMALLEST = 4
"""Pixels along either side: with fewer, the second pooling has nothing left to pool."""


def lenet5(values: Values, data: ImageShape) -> keras.Model:
    """conv, pool, conv, pool, dense, output; batch normalisation stands between a convolution and its activation."""
    need_images("lenet5", data, SMALLEST)
    inputs = image_input(data.shape)
    x = standardise(inputs, data.mean, data.std)
    for number, filters in enumerate((int(values["filters"]), 2 * int(values["filters"])), start=1):
        x = _convolution(x, values, filters, number)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(
        int(values["hidden_units"]),
        kernel_initializer=str(values["initializer"]),
        bias_initializer=keras.initializers.Constant(float(values["bias"])),
        kernel_regularizer=l2(values["l2_dense"]),
        name="dense",
    )(x)
    x = layers.Activation(str(values["activation"]), name="dense_activation")(x)
    if values["dropout"]:
        x = layers.Dropout(float(values["dropout"]), name="dropout")(x)
    # The output is always computed in float32: probabilities lose too much in 16 bits.
    outputs = layers.Dense(
        data.classes,
        activation="softmax",
        kernel_initializer=str(values["initializer"]),
        dtype="float32",
        name="output",
    )(x)
    return keras.Model(inputs, outputs, name="lenet5")


def _convolution(x: keras.KerasTensor, values: Values, filters: int, number: int) -> keras.KerasTensor:
    x = layers.Conv2D(
        filters,
        int(values["kernel_size"]),
        padding="same",
        kernel_initializer=str(values["initializer"]),
        bias_initializer=keras.initializers.Constant(float(values["bias"])),
        kernel_regularizer=l2(values["l2"]),
        name=f"conv{number}",
    )(x)
    if values["batch_norm"]:
        normalise = layers.BatchNormalization(name=f"batch_norm{number}")
        _quicken(normalise)
        x = normalise(x)
    x = layers.Activation(str(values["activation"]), name=f"activation{number}")(x)
    x = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(x)
    if values["conv_dropout"]:
        x = layers.Dropout(float(values["conv_dropout"]), name=f"dropout{number}")(x)
    return x


def _quicken(layer: keras.Layer) -> None:
    if keras.config.backend() == "tensorflow":
        # Not from above: it imports TensorFlow, which other backends need not have.
        from tunekit.models.normalised import fuse

        fuse(layer)
