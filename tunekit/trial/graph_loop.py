"""Keras' steps on TensorFlow, many of them in one call.

Keras' own loop comes back to Python after each batch and fetches the next one through a pipeline, which takes longer
than a step of a small model, and its first call takes half a second more. The steps are Keras' own, so that the scores
are the same to the bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tunekit.trial.health import StepWatch
from tunekit.trial.loop import SCORED, Told

BRIEF, LONG = 0.25, 1.0
"""Seconds of one call: more steps are taken at once below, fewer above."""


class GraphLoop:
    """A compiled model's steps; each kind is traced once."""

    def __init__(self, model: keras.Model, batch: int) -> None:
        self._model = model
        self._batch = batch
        self._train = _looped(model.train_step, batch)
        self._score = _looped(model.test_step, SCORED)
        self._portion = 1
        """Steps in one call."""

    def train(self, images: np.ndarray, labels: np.ndarray, watch: StepWatch, told: Told) -> dict[str, float]:
        steps = math.ceil(len(images) / self._batch)
        tensors = tf.constant(images), tf.constant(labels)
        self._model.reset_metrics()
        done = 0
        while done < steps:
            last = min(steps, done + self._portion)
            if watch.step is not None and done < watch.step:
                last = min(last, watch.step)
            if done == watch.step:
                watch.begins(self._model)
                last = done + 1
            began = time.monotonic()
            self._train(*tensors, tf.constant(done), tf.constant(last))
            seconds = time.monotonic() - began
            if done == watch.step:
                watch.ends(self._model)
            if last - done == self._portion:
                self._portion = _next_portion(self._portion, seconds)
            done = last
            told(done / steps)
        return self._measured()

    def score(self, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        self._model.reset_metrics()
        steps = math.ceil(len(images) / SCORED)
        self._score(tf.constant(images), tf.constant(labels), tf.constant(0), tf.constant(steps))
        return self._measured()

    def _measured(self) -> dict[str, float]:
        # In Keras' own order, which is that of the alphabet.
        return {name: float(value) for name, value in sorted(self._model.get_metrics_result().items())}


def _next_portion(portion: int, seconds: float) -> int:
    if seconds < BRIEF:
        return 2 * portion
    return max(1, portion // 2) if seconds > LONG else portion


def _looped(step: Callable[[Any], Any], batch: int) -> Callable[..., None]:
    """Run the step on the batches from `first` up to, and without, `last`."""

    # Keras does not have steps rewritten by AutoGraph either. Shapes may change: a probe takes fewer images at first.
    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def run(images: Any, labels: Any, first: Any, last: Any) -> None:
        def body(number: Any) -> Any:
            start = number * batch
            step((images[start : start + batch], labels[start : start + batch]))
            return number + 1

        tf.while_loop(lambda number: number < last, body, (first,), parallel_iterations=1)

    looped: Callable[..., None] = run
    return looped
