"""Passes over examples: training on them batch by batch, and scoring them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Protocol

import keras

from tunekit.trial.compiled import as_probabilities
from tunekit.trial.feeding import EVALUATED, Array, Examples, Rows, averaged, predictions
from tunekit.trial.health import StepWatch
from tunekit.trial.jax_step import TOLD, squares_in, tell

Told = Callable[[float], None]
"""Hears, now and then, what share of a pass is done."""


class Loop(Protocol):
    """One compiled model's passes."""

    def train(self, examples: Examples, watch: StepWatch, told: Told) -> dict[str, float]:
        """One epoch; what it measured, by Keras' names."""

    def score(self, examples: Examples) -> dict[str, float]:
        """Measure without training."""

    def answers(self, x: Array | Rows) -> Iterator[tuple[slice, Array]]:
        """How probable the model finds each class, a segment of examples at a time."""


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
        if keras.config.backend() == "jax":
            tell(model)

    def train(self, examples: Examples, watch: StepWatch, told: Told) -> dict[str, float]:
        callback = _Callback(watch, told, math.ceil(examples.count / self._batch))
        found, parts = [], []
        for part, (x, y, *weights) in examples.segments(self._batch):
            callback.first = part.start // self._batch
            trained = self._model.fit(
                x,
                y,
                sample_weight=weights[0] if weights else None,
                batch_size=self._batch,
                epochs=1,
                shuffle=False,
                verbose=0,
                callbacks=[callback],
            )
            found.append({name: series[-1] for name, series in trained.history.items() if name != TOLD})
            parts.append(part)
            del x, y, weights  # before the next ones are gathered
        return averaged(found, parts)

    def score(self, examples: Examples) -> dict[str, float]:
        found, parts = [], []
        for part, (x, y, *_) in examples.segments(EVALUATED):
            found.append(self._model.evaluate(x, y, batch_size=EVALUATED, verbose=0, return_dict=True))
            parts.append(part)
        return averaged(found, parts)

    def answers(self, x: Array | Rows) -> Iterator[tuple[slice, Array]]:
        for part, said in predictions(self._model, x):
            yield part, as_probabilities(self._model, said)


class _Callback(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, watch: StepWatch, told: Told, steps: int) -> None:
        super().__init__()
        self.first = 0
        """Batches of the epoch before this segment."""
        self._watch = watch
        self._told = told
        self._steps = steps

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        if self.first + batch == self._watch.step:
            self._watch.begins(self.model)

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        if self.first + batch == self._watch.step:
            self._watch.ends(self.model, squares=squares_in(self.model, logs))
        self._told((self.first + batch + 1) / self._steps)
