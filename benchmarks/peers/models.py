"""The two models as a script of a user's own builds them: images between 0 and 1, plain Keras layers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

BATCH = 50
OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "nadam": keras.optimizers.Nadam,
    "adagrad": keras.optimizers.Adagrad,
}


def load(path: Path) -> tuple[Any, Any]:
    """Training and validation part: the last tenth validates."""
    with np.load(path) as stored:
        x, y = stored["x_train"].astype("float32") / 255, stored["y_train"]
    border = len(x) - len(x) // 10
    return (x[:border], y[:border]), (x[border:], y[border:])


def lenet5(
    optimizer: str,
    learning_rate: float,
    hidden_units: int,
    dropout: float,
    batch_norm: bool,
    l2: float,
    shape: tuple[int, ...],
) -> keras.Model:
    model = keras.Sequential([keras.Input(shape)])
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, 5, padding="same", kernel_regularizer=keras.regularizers.L2(l2)))
        if batch_norm:
            model.add(layers.BatchNormalization())
        model.add(layers.Activation("relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(hidden_units, activation="relu"))
    model.add(layers.Dropout(dropout))
    model.add(layers.Dense(10, activation="softmax"))
    return compiled(model, optimizer, learning_rate)


def gru(
    optimizer: str,
    learning_rate: float,
    hidden_units: int,
    dropout: float,
    batch_norm: bool,
    shape: tuple[int, ...],
) -> keras.Model:
    model = keras.Sequential([keras.Input(shape), layers.Reshape((shape[0], -1)), layers.GRU(hidden_units)])
    if batch_norm:
        model.add(layers.BatchNormalization())
    model.add(layers.Dropout(dropout))
    model.add(layers.Dense(10, activation="softmax"))
    return compiled(model, optimizer, learning_rate)


def compiled(model: keras.Model, optimizer: str, learning_rate: float) -> keras.Model:
    model.compile(
        OPTIMIZERS[optimizer](learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


class Watch(keras.callbacks.Callback):
    """Writes down when which validation score was reached, and when the first batch began."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def __deepcopy__(self, memo: dict[int, Any]) -> Watch:
        """Keras Tuner copies its callbacks for each trial."""
        return Watch(self.path)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self.path.exists():
            self._write(f"first {time.time()}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._write(f"epoch {time.time()} {logs['val_accuracy']}")

    def _write(self, line: str) -> None:
        with self.path.open("a") as file:
            file.write(line + "\n")
