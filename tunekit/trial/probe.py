"""A first look at a configuration: does it build, does one batch train, how long does a step take."""

from __future__ import annotations

import math
import time

from tunekit.models.build import build
from tunekit.results import Values
from tunekit.space.vocabulary import complete
from tunekit.trial import checkpoint
from tunekit.trial.jobs import Emit, Probe, ProbeJob, Split
from tunekit.trial.train import arrays, image_shape
from tunekit.trial.training import augment, compile_model

TIMED_STEPS = 5


def probe(job: ProbeJob, emit: Emit) -> tuple[Probe, ...]:
    """Each configuration in turn; an exception in one is the job's."""
    return tuple(_probe_one(job.model, values, job.split) for values in job.configurations)


def _probe_one(model_name: str, given: Values, part: Split) -> Probe:
    values = complete(model_name, given)
    model = build(model_name, given, image_shape(part.prepared), seed=0)
    x, y, indices, _ = arrays(part)
    batch = int(values["batch_size"])
    steps = math.ceil(len(indices) / batch)
    compile_model(model, values, steps, max_epochs=1)
    first = indices[:batch]
    images = augment(x[first], values, seed=0, epoch=1)
    model.train_on_batch(images, y[first])
    began = time.perf_counter()
    for _ in range(TIMED_STEPS):
        model.train_on_batch(images, y[first])
    seconds = (time.perf_counter() - began) / TIMED_STEPS
    size = sum(int(math.prod(variable.shape)) * 4 for variable in checkpoint.all_variables(model))
    return Probe(model.count_params(), seconds, steps, size)
