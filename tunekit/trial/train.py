"""One trial: from its checkpoint, or its parent's, to the last epoch of its rung."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import Any

import keras
import numpy as np

from tunekit.data.prepared import Prepared, open_arrays
from tunekit.data.split import split
from tunekit.models.build import build, settle
from tunekit.models.shape import ImageShape
from tunekit.results import Epoch, Outcome, Scalar
from tunekit.space.space import Objective
from tunekit.space.vocabulary import complete
from tunekit.trial import checkpoint, history, warm
from tunekit.trial.checkpoint import DamagedCheckpoint, Progress
from tunekit.trial.compiled import make_ready
from tunekit.trial.executions import execution, mean_curve, muffled
from tunekit.trial.feeding import Array, Rows, as_they_are, evenly, ordered, rows_of
from tunekit.trial.health import StepWatch
from tunekit.trial.inside import look_inside
from tunekit.trial.jobs import Emit, EpochDone, Split, Step, TrainJob
from tunekit.trial.loop import Loop, Told, make_loop
from tunekit.trial.objectives import Measurement, check_labels
from tunekit.trial.training import augment, class_weights, epoch_order
from tunekit.trial.warm import Compiled

SIGN_OF_LIFE = 1.0
"""Seconds between two signs of life within an epoch."""


class NotFinite(Exception):
    """The loss is no longer a number."""


@lru_cache(maxsize=2)
def arrays(part: Split) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All training examples (mapped), their labels, and the indices to train and to validate on."""
    x, y = open_arrays(part.prepared)
    chosen = split(y, part.validation, part.limit, part.seed, part.prepared.class_names)
    return x, np.asarray(y), chosen.train, chosen.validation


@lru_cache(maxsize=2)
def validation_arrays(part: Split, most: int | None = None) -> tuple[Any, np.ndarray]:
    """The validation examples, copied as they are asked for where they are many, and their labels; or some of them."""
    x, y, _, indices = arrays(part)
    if most is not None:
        indices = indices[evenly(len(indices), most)]
    return rows_of(x, indices), y[indices]


@lru_cache(maxsize=2)
def loss_weights(part: Split) -> np.ndarray | None:
    """The weight of each class in the training loss; none where all count alike."""
    if part.weights is None:
        return None
    _, y, training, _ = arrays(part)
    return class_weights(part.weights, y[training], part.prepared.class_names)


def image_shape(prepared: Prepared) -> ImageShape:
    return ImageShape(prepared.shape, len(prepared.class_names), prepared.mean, prepared.std)


@dataclass
class Run:
    """One execution that has ended."""

    job: TrainJob
    compiled: Compiled
    progress: Progress
    watch: StepWatch

    @property
    def score(self) -> float:
        assert self.progress.best_score is not None
        return self.progress.best_score


def train(job: TrainJob, emit: Emit) -> Outcome:
    """Train, telling each epoch as it is on disk, and look inside at the end, of several executions inside the best."""
    began = time.perf_counter()
    held_out = validation_arrays(job.split)
    check_labels(job.objective, held_out[1])
    values = complete(job.model, job.trial.values)
    key = warm.key(job.model, values, job.split, job.max_epochs)
    best, scores, watching = _run_all(job, values, key, emit)
    several = len(scores) > 1
    looked = time.perf_counter()
    model = best.compiled.model
    insight: dict[str, float] = {}
    if job.pictures:
        insight = look_inside(best.job, model, best.progress, best.watch, *held_out, began, watching)
    warm.keep(key, best.compiled)
    return Outcome(
        score=fmean(scores) if several else best.score,
        best_epoch=best.progress.best_epoch,
        parameters=model.count_params(),
        seconds=time.perf_counter() - began,
        insight=insight,
        looking_seconds=watching + time.perf_counter() - looked,
        scores=tuple(scores) if several else (),
        execution=scores.index(best.score),
    )


def _run_all(
    job: TrainJob, values: dict[str, Scalar], key: warm.Key | None, emit: Emit
) -> tuple[Run, list[float], float]:
    """The best execution, with the model as it left it, the scores of all, and the seconds that went into watching."""
    compiled, best, watching = warm.take(key), None, 0.0
    curves, scores = [], []
    for number in range(job.executions):
        run = _run(execution(job, number), values, compiled, muffled(emit, job, number))
        if key is not None:
            # The next one takes its model over, as trials of one kind do.
            compiled = run.compiled
            compiled.used = True
        if best is None or job.objective.better(run.score, best.score):
            best = run
        curves.append(run.progress.curve)
        scores.append(run.score)
        watching += run.watch.seconds
    assert best is not None
    if job.executions > 1:
        for epoch in mean_curve(curves)[job.trial.initial_epoch :]:
            emit(EpochDone(epoch))
        checkpoint.load(best.job.folder / checkpoint.LAST, checkpoint.all_variables(best.compiled.model))
    return best, scores, watching


def _run(job: TrainJob, values: dict[str, Scalar], compiled: Compiled | None, emit: Emit) -> Run:
    """One execution, from where it stands to its last epoch."""
    settle(values, job.trial.seed)
    compiled = compiled or _compile(job, values)
    model = compiled.model
    checkpoint.sweep(job.folder)
    progress = _restore(job, model)
    if not progress.epoch:
        compiled.renew(lambda: _model(job, values))
        history.keep(job.folder, model, 0)
    for epoch in progress.curve[job.trial.initial_epoch :]:
        emit(EpochDone(epoch))
    watch = StepWatch()
    while progress.epoch < job.trial.epochs:
        epoch = _train_epoch(job, model, compiled.loop, values, progress.epoch + 1, emit, watch)
        _keep(job, model, progress, epoch)
        emit(EpochDone(epoch))
    return Run(job, compiled, progress, watch)


def _compile(job: TrainJob, values: dict[str, Scalar]) -> Compiled:
    model = _model(job, values)
    return Compiled(model, make_loop(model, int(values["batch_size"])))


def _model(job: TrainJob, values: dict[str, Scalar]) -> keras.Model:
    model = build(job.model, job.trial.values, image_shape(job.split.prepared), job.trial.seed)
    indices = arrays(job.split)[2]
    steps = math.ceil(len(indices) / int(values["batch_size"]))
    make_ready(job.model, model, values, steps, job.max_epochs)
    return model


def _restore(job: TrainJob, model: keras.Model) -> Progress:
    """From the trial's own last epoch, else its parent's, else from the start: all three lead to the same weights."""
    if job.trial.initial_epoch == job.trial.epochs:
        return _take_over(job, model)
    for folder in (job.folder, job.parent_folder):
        if folder is None or not checkpoint.intact(folder / checkpoint.BEST):
            continue
        try:
            progress = checkpoint.load(folder / checkpoint.LAST, checkpoint.all_variables(model))
        except DamagedCheckpoint:
            continue
        if folder == job.parent_folder:
            # The parent's best epoch is the child's until it does better.
            checkpoint.adopt(folder / checkpoint.BEST, job.folder / checkpoint.BEST)
            history.adopt(folder, job.folder, progress.epoch)
        return progress
    return Progress()


def _take_over(job: TrainJob, model: keras.Model) -> Progress:
    """Of a snapshot, which trains nothing: its parent as its best epoch left it."""
    assert job.parent_folder is not None
    best = job.folder / checkpoint.BEST
    checkpoint.adopt(job.parent_folder / checkpoint.BEST, best)
    progress = checkpoint.load(best, checkpoint.model_variables(model))
    history.adopt(job.parent_folder, job.folder, progress.epoch)
    history.keep(job.folder, model, progress.epoch)
    return progress


def _train_epoch(
    job: TrainJob,
    model: keras.Model,
    loop: Loop,
    values: dict[str, Scalar],
    number: int,
    emit: Emit,
    watch: StepWatch,
) -> Epoch:
    began = time.perf_counter()
    x, y, indices, _ = arrays(job.split)
    order = epoch_order(indices, job.trial.seed, number)
    batch = int(values["batch_size"])
    if number == job.trial.epochs and job.pictures:
        watch.step = max(0, len(order) // batch - 1)  # the last one of a whole batch
    examples = ordered(
        x,
        y,
        order,
        lambda images, part: augment(images, values, job.trial.seed, number, part, len(order)),
        loss_weights(job.split),
    )
    metrics = loop.train(examples, watch, _signs_of_life(emit, number))
    held_out = score(loop, *validation_arrays(job.split), job.objective)
    metrics |= {f"val_{name}": value for name, value in held_out.items()}
    _check_finite(model, metrics, number)
    return Epoch(number, metrics, time.perf_counter() - began)


def score(loop: Loop, x: Array | Rows, y: Array, objective: Objective) -> dict[str, float]:
    """What Keras measures on the examples, and the objective's metric."""
    found = loop.score(as_they_are(x, y))
    measurement = Measurement(objective, y)
    if measurement.wanted:
        for part, said in loop.answers(x):
            measurement.add(part, said)
    return found | measurement.result()


def _check_finite(model: keras.Model, metrics: Mapping[str, float], number: int) -> None:
    """A ReLU makes 0 of NaN, so that the loss of a network whose weights are all NaN can look like any other."""
    if not all(math.isfinite(value) for value in metrics.values()):
        raise NotFinite(f"after epoch {number}: " + ", ".join(f"{k} {v:g}" for k, v in metrics.items()))
    for variable in model.trainable_variables:
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            raise NotFinite(f"after epoch {number}: weights of {variable.path}")


def _signs_of_life(emit: Emit, epoch: int) -> Told:
    """Tells how far an epoch is, at most once a second."""
    due = time.monotonic() + SIGN_OF_LIFE

    def told(share: float) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + SIGN_OF_LIFE
            emit(Step(epoch, share))

    return told


def _keep(job: TrainJob, model: keras.Model, progress: Progress, epoch: Epoch) -> None:
    """Checkpoint the epoch; the best epoch's weights first, so that the last never names a best that is not there."""
    score = epoch.metrics[job.objective.name]
    progress.curve.append(epoch)
    if progress.best_score is None or job.objective.better(score, progress.best_score):
        progress.best_score, progress.best_epoch = score, epoch.number
        checkpoint.save(job.folder / checkpoint.BEST, checkpoint.model_variables(model), progress)
    history.keep(job.folder, model, epoch.number)
    checkpoint.save(job.folder / checkpoint.LAST, checkpoint.all_variables(model), progress)
