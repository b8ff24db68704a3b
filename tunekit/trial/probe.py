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
from tunekit.trial.feeding import ordered
from tunekit.trial.health import StepWatch
from tunekit.trial.jobs import Emit, Probe, ProbeJob
from tunekit.trial.loop import Loop, make_loop
from tunekit.trial.objectives import Measurement, check_labels
from tunekit.trial.train import arrays, image_shape, loss_weights, score, validation_arrays
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
    labels = validation_arrays(job.split)[1]
    check_labels(job.objective, labels)
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

    found = train(1)
    if Measurement(job.objective, labels).wanted:
        # A model whose answers the objective cannot be measured on is found here.
        score(loop, *_some_held_out(job), job.objective)
    else:
        check_metric(job.model, found, job.objective)
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
    images, labels = _some_held_out(job)
    score(loop, images, labels, job.objective)
    seconds = _seconds(lambda: score(loop, images, labels, job.objective))
    return seconds * len(validation_arrays(job.split)[1]) / len(labels)


def _some_held_out(job: ProbeJob) -> tuple[np.ndarray, np.ndarray]:
    images, labels = validation_arrays(job.split)
    return np.asarray(images[:VALIDATED]), labels[:VALIDATED]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
