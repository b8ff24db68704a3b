"""Passes over images: training on them batch by batch, and scoring them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import keras
import numpy as np

from tunekit.trial.health import StepWatch

SCORED = 256
"""Images that are scored at once."""

Told = Callable[[float], None]
"""Hears, now and then, what share of a pass is done."""


class Loop(Protocol):
    """One compiled model's passes."""

    def train(self, images: np.ndarray, labels: np.ndarray, watch: StepWatch, told: Told) -> dict[str, float]:
        """One epoch in the given order; what it measured, by Keras' names."""

    def score(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Measure without training."""


def make_loop(model: keras.Model, batch: int) -> Loop:
    """The quickest loop there is for what Keras computes with; all come to the same scores."""
    if keras.config.backend() == "tensorflow":
        # Not from above: it imports TensorFlow, which other backends need not have.
        from tunekit.trial.graph_loop import GraphLoop

        return GraphLoop(model, batch)
    return FitLoop(model, batch)


class FitLoop:
    """Keras' own."""

    def __init__(self, model: keras.Model, batch: int) -> None:
        self._model = model
        self._batch = batch

    def train(self, images: np.ndarray, labels: np.ndarray, watch: StepWatch, told: Told) -> dict[str, float]:
        told_of = _Callback(watch, told, math.ceil(len(images) / self._batch))
        trained = self._model.fit(
            images, labels, batch_size=self._batch, epochs=1, shuffle=False, verbose=0, callbacks=[told_of]
        )
        return {name: float(series[-1]) for name, series in trained.history.items()}

    def score(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        found = self._model.evaluate(images, labels, batch_size=SCORED, verbose=0, return_dict=True)
        return {name: float(value) for name, value in found.items()}


class _Callback(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, watch: StepWatch, told: Told, steps: int) -> None:
        super().__init__()
        self._watch = watch
        self._told = told
        self._steps = steps

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        if batch == self._watch.step:
            self._watch.begins(self.model)

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        if batch == self._watch.step:
            self._watch.ends(self.model)
        self._told((batch + 1) / self._steps)
