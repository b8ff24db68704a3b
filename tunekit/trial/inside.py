"""What is recorded of every trial besides its scores: pictures of its insides, their statistics, its health."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import keras
import numpy as np

from tunekit.insight import graph
from tunekit.insight.album import Album
from tunekit.insight.convolutions import CONVOLUTIONS, Filters, kernel_of, kernels_of
from tunekit.insight.look import Look, look
from tunekit.insight.metrics import statistics
from tunekit.insight.summary import summary
from tunekit.trial import history
from tunekit.trial.allowance import Allowance
from tunekit.trial.checkpoint import Progress
from tunekit.trial.feeding import evenly
from tunekit.trial.health import StepWatch, gradient_norms, update_ratios
from tunekit.trial.jobs import IMAGES, LATER, TrainJob

Stages = dict[int, tuple[Filters, ...]]
"""The convolutions' kernels by epoch."""
LOOKED_AT = 16
"""Validation images that every trial's activations are shown for."""
READ = 128
"""Validation images that a recurrent model's accuracy by step is measured on."""


def look_inside(
    job: TrainJob,
    model: keras.Model,
    progress: Progress,
    watched: StepWatch,
    x: np.ndarray,
    y: np.ndarray,
    began: float,
    spent: float,
) -> dict[str, float]:
    """Statistics, then pictures; a fault in them is kept beside them and does not cost the trial its score.

    x and y are the validation images; `began` is when the trial did, `spent` are seconds that went into looking before.
    """
    assert job.pictures is not None
    folder = job.pictures
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LATER).unlink(missing_ok=True)  # of an attempt that was killed
    allowance = Allowance(began, job.draw_all, spent)
    metrics: dict[str, float] = {}
    faults: list[str] = []
    pictured: list[Look] = []

    def attempt(see: Callable[[], Mapping[str, float] | None]) -> None:
        try:
            # A diverged model overflows; its pictures say so, and numpy need not warn of it.
            with np.errstate(all="ignore"):
                metrics.update(see() or {})
        except Exception:
            faults.append(traceback.format_exc())

    images, labels = examples(x, y)
    some = evenly(len(y), READ)  # of all of them, for they may be in the order of their classes

    def seen_inside() -> dict[str, float]:
        seen = look(model, images, labels, job.split.prepared.class_names, (x[some], y[some]))
        pictured.append(seen)
        return statistics(seen)

    attempt(lambda: _write(folder / "summary.txt", summary(model)))
    attempt(seen_inside)
    attempt(lambda: gradient_norms(model, watched, images, labels))
    attempt(lambda: update_ratios(model, watched))
    for seen in pictured:  # at last, for they take the time that is left
        attempt(partial(_draw, job, model, progress, seen, allowance))
    if faults:
        (folder / "fault.txt").write_text("\n".join(faults), encoding="utf-8")
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _draw(job: TrainJob, model: keras.Model, progress: Progress, seen: Look, allowance: Allowance) -> None:
    assert job.pictures is not None
    stages = _stages(job.folder, model, seen.filters, progress.epoch) if seen.filters else {}
    album = Album(seen, tuple(progress.curve), job.borders, f"trial {job.trial.id}", stages)
    for drawing in album.drawings(job.pictures, job.pictures / IMAGES):
        allowance.draw(drawing.name, drawing.draw)
    if allowance.left_out:
        album.save(job.pictures / LATER, allowance.left_out)


def examples(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same validation images for every trial: one of each class first, then the next ones."""
    firsts = np.unique(y, return_index=True)[1]
    rest = np.setdiff1d(np.arange(min(len(y), 4 * LOOKED_AT)), firsts)
    chosen = np.concatenate([np.sort(firsts), rest])[:LOOKED_AT]
    return x[chosen], y[chosen]


def _stages(folder: Path, model: keras.Model, now: tuple[Filters, ...], last: int) -> Stages:
    """The convolutions' kernels before training, after the first epoch and after the last, as far as they are kept."""
    found = graph.named(model)
    kernels = [kernel_of(layer) for layer, _ in found if isinstance(layer, CONVOLUTIONS) and layer.built]
    kept = history.of_variables(folder, model, kernels, [epoch for epoch in (0, 1) if epoch < last])

    def then(arrays: Mapping[int, np.ndarray]) -> tuple[Filters, ...]:
        return kernels_of(found, lambda variable: arrays.get(id(variable)))

    stages = {epoch: filters for epoch, arrays in kept.items() if (filters := then(arrays))}
    # Of a large model the first layers are kept alone.
    return {**stages, last: now[: min(map(len, stages.values()), default=len(now))]}
