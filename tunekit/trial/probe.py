"""A first look at a configuration: does it build, does one batch train, how long does an epoch take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from tunekit.models.build import build
from tunekit.results import Values
from tunekit.space.vocabulary import complete
from tunekit.trial import checkpoint
from tunekit.trial.compiled import check_metric, make_ready
from tunekit.trial.feeding import as_they_are, ordered
from tunekit.trial.health import StepWatch
from tunekit.trial.jobs import Emit, Probe, ProbeJob
from tunekit.trial.loop import Loop, make_loop
from tunekit.trial.train import arrays, image_shape, loss_weights, validation_arrays
from tunekit.trial.training import augment

TIMED_SECONDS = 4.0
"""A longer epoch is timed on so much of it and the rest follows by its share."""
WARM_STEPS = 2
"""Steps before the clock starts: the first one traces the graph."""
VALIDATED = 1000
"""Validation images that the timing is done with."""


def probe(job: ProbeJob, emit: Emit) -> tuple[Probe, ...]:
    """Each configuration in turn; an exception in one is the job's."""
    return tuple(_probe_one(job, values) for values in job.configurations)


def _probe_one(job: ProbeJob, given: Values) -> Probe:
    values = complete(job.model, given)
    model = build(job.model, given, image_shape(job.split.prepared), seed=0)
    x, y, indices, _ = arrays(job.split)
    batch = int(values["batch_size"])
    steps = math.ceil(len(indices) / batch)
    make_ready(job.model, model, values, steps, max_epochs=1)

    loop = make_loop(model, batch)

    def train(count: int) -> dict[str, float]:
        chosen = indices[: count * batch]
        examples = ordered(
            x,
            y,
            chosen,
            lambda images, part: augment(images, values, 0, 1, part, len(chosen)),
            loss_weights(job.split),
        )
        return loop.train(examples, StepWatch(), lambda share: None)

    check_metric(job.model, train(1), job.objective)
    size = sum(int(math.prod(variable.shape)) * 4 for variable in checkpoint.all_variables(model))
    seconds = _epoch_seconds(train, steps) + _validation_seconds(loop, job) if job.timed else None
    return Probe(model.count_params(), seconds, size)


def _epoch_seconds(train: Callable[[int], object], steps: int) -> float:
    """Of all its training steps."""
    warm = min(steps, WARM_STEPS)
    train(warm)
    per_step = _seconds(lambda: train(warm)) / warm
    timed = max(warm, min(steps, int(TIMED_SECONDS / per_step)))
    return _seconds(lambda: train(timed)) * steps / timed


def _validation_seconds(loop: Loop, job: ProbeJob) -> float:
    images, labels = (np.asarray(array[:VALIDATED]) for array in validation_arrays(job.split))
    examples = as_they_are(images, labels)
    loop.score(examples)
    seconds = _seconds(lambda: loop.score(examples))
    return seconds * len(validation_arrays(job.split)[1]) / len(labels)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
