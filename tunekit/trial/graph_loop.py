"""Keras' steps on TensorFlow, many of them in one call.

Keras' own loop comes back to Python after each batch and fetches the next one through a pipeline, which takes longer
than a step of a small model, and its first call takes half a second more. The steps are Keras' own, so that the scores
are the same to the bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tunekit.trial.compiled import as_probabilities
from tunekit.trial.feeding import EVALUATED, Array, Examples, Rows, example_bytes, segments
from tunekit.trial.gradients import NOTHING, TellingStep
from tunekit.trial.health import StepWatch
from tunekit.trial.loop import Told

Step = Callable[[tuple[Any, ...], Any], Any]
"""Takes a batch and what the step before told; returns what it tells itself."""
BRIEF, LONG = 0.25, 1.0
"""Seconds of one call: more steps are taken at once below, fewer above."""


class GraphLoop:
    """A compiled model's steps; each kind is traced once."""

    def __init__(self, model: keras.Model, batch: int) -> None:
        self._model = model
        self._batch = batch
        self._step = TellingStep(model)
        self._train = _looped(self._step, batch)
        self._score = _looped(_silent(model.test_step), EVALUATED)
        self._answer: Callable[[Any], Any] | None = None
        self._portion = 1
        """Steps in one call."""

    def train(self, examples: Examples, watch: StepWatch, told: Told) -> dict[str, float]:
        self._model.reset_metrics()
        for part, segment in examples.segments(self._batch):
            first, last = part.start // self._batch, math.ceil(part.stop / self._batch)
            tensors = tuple(tf.constant(array) for array in segment)
            del segment
            done = first
            while done < last:
                until = min(last, self._until(done, watch.step))
                self._steps(tensors, done, until, first, watch)
                done = until
                told(min(1.0, done * self._batch / examples.count))
            del tensors  # before the next ones are gathered
        return self._measured()

    def _until(self, done: int, watched: int | None) -> int:
        """The step before which the next call ends: one that is watched has a call of its own."""
        if watched is None or watched < done:
            return done + self._portion
        return done + 1 if watched == done else min(watched, done + self._portion)

    def _steps(self, tensors: tuple[Any, ...], done: int, until: int, first: int, watch: StepWatch) -> None:
        """The epoch's steps from `done` up to `until`, out of a segment that begins with the step `first`."""
        if done == watch.step:
            watch.begins(self._model)
        began = time.monotonic()
        told = self._train(tensors, tf.constant(done - first), tf.constant(until - first))
        seconds = time.monotonic() - began
        if done == watch.step:
            watch.ends(self._model, lambda: self._step.gradients(told))
        if until - done == self._portion:
            self._portion = _next_portion(self._portion, seconds)

    def score(self, examples: Examples) -> dict[str, float]:
        self._model.reset_metrics()
        for part, segment in examples.segments(EVALUATED):
            steps = math.ceil((part.stop - part.start) / EVALUATED)
            self._score(tuple(tf.constant(array) for array in segment), tf.constant(0), tf.constant(steps))
        return self._measured()

    def answers(self, x: Array | Rows) -> Iterator[tuple[slice, Array]]:
        if self._answer is None:
            shape = tf.TensorSpec((None, *x.shape[1:]), x.dtype)
            self._answer = _answering(self._model, shape)
        for part in segments(len(x), EVALUATED, example_bytes(x)):
            some = x[part]
            batches = (some[start : start + EVALUATED] for start in range(0, len(some), EVALUATED))
            said = np.concatenate([self._answer(tf.constant(batch)).numpy() for batch in batches])
            yield part, as_probabilities(self._model, said)

    def _measured(self) -> dict[str, float]:
        # In Keras' own order, which is that of the alphabet.
        return {name: float(value) for name, value in sorted(self._model.get_metrics_result().items())}


def _answering(model: keras.Model, shape: Any) -> Callable[[Any], Any]:
    """Traced once for batches of any size: which of two traces is taken must not depend on what came before."""

    @tf.function(autograph=False, input_signature=[shape])  # type: ignore[untyped-decorator]
    def answer(x: Any) -> Any:
        return model.predict_step((x,))

    answering: Callable[[Any], Any] = answer
    return answering


def _next_portion(portion: int, seconds: float) -> int:
    if seconds < BRIEF:
        return 2 * portion
    return max(1, portion // 2) if seconds > LONG else portion


def _silent(step: Callable[[Any], Any]) -> Step:
    """A step that tells nothing."""

    def silent(batch: tuple[Any, ...], before: Any) -> Any:
        step(batch)
        return before

    return silent


def _looped(step: Step, batch: int) -> Callable[..., Any]:
    """Run the step on the batches from `first` up to, and without, `last`; returns what the last one told."""

    # Keras does not have steps rewritten by AutoGraph either. Shapes may change: a probe takes fewer images at first.
    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def run(tensors: tuple[Any, ...], first: Any, last: Any) -> Any:
        def body(number: Any, before: Any) -> tuple[Any, Any]:
            start = number * batch
            return number + 1, step(tuple(tensor[start : start + batch] for tensor in tensors), before)

        return tf.while_loop(
            lambda number, before: number < last, body, (first, NOTHING()), parallel_iterations=1
        )[1]

    looped: Callable[..., Any] = run
    return looped
