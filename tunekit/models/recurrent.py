"""A recurrent network that reads an image row by row."""

from __future__ import annotations

import keras
from keras import layers

from tunekit.models.layers import image_input, l2, need_images, standardise
from tunekit.models.shape import ImageShape
from tunekit.results import Values

CELLS = {"rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}


def recurrent(values: Values, data: ImageShape) -> keras.Model:
    """One to three recurrent layers over the rows, then the output on the last state."""
    need_images("recurrent", data)
    height, width, channels = data.shape
    inputs = image_input(data.shape)
    x = standardise(inputs, data.mean, data.std)
    x = layers.Reshape((height, width * channels), name="rows")(x)
    depth = int(values["layers"])
    cell = str(values["cell"])
    for number in range(1, depth + 1):
        layer = CELLS[cell](
            int(values["hidden_units"]),
            return_sequences=number < depth,
            kernel_regularizer=l2(values["l2"]),
            recurrent_regularizer=l2(values["l2"]),
            name=f"{cell}{number}",
        )
        _quicken(layer, height)
        x = layer(x)
    if values["batch_norm"]:
        x = layers.BatchNormalization(name="batch_norm")(x)
    if values["dropout"]:
        x = layers.Dropout(float(values["dropout"]), name="dropout")(x)
    outputs = layers.Dense(data.classes, activation="softmax", dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=cell)


def _quicken(layer: keras.Layer, steps: int) -> None:
    if keras.config.backend() == "tensorflow":
        # Not from above: it imports TensorFlow, which other backends need not have.
        from tunekit.models.unrolled import unroll

        unroll(layer, steps)
