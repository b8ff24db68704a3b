"""What the trials' tests share: jobs with tiny models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from tunekit.results import Trial
from tunekit.space.space import Objective
from tunekit.trial import checkpoint
from tunekit.trial.jobs import EpochDone, Split, TrainJob
from tunekit.trial.train import train

TINY = {"filters": 2, "kernel_size": 3, "hidden_units": 8, "batch_size": 40, "learning_rate": 0.01}
"""A LeNet5 that learns something of the digits in an epoch or two."""

Arrays = dict[str, np.ndarray]


def train_job(
    part: Split,
    folder: Path,
    epochs: int,
    *,
    id: str = "0001",
    model: str = "lenet5",
    values: dict[str, Any] | None = None,
    seed: int = 5,
    parent: Path | None = None,
    initial_epoch: int = 0,
    pictures: Path | None = None,
    objective: Objective | None = None,
    max_epochs: int = 9,
) -> TrainJob:
    trial = Trial(id, TINY if values is None else values, seed, initial_epoch, epochs)
    return TrainJob(id, trial, model, part, max_epochs, objective or Objective(), folder, parent, pictures)


def run(job: TrainJob) -> tuple[Any, list[EpochDone]]:
    """The outcome, and the epochs told on the way."""
    told: list[Any] = []
    outcome = train(job, told.append)
    return outcome, [event for event in told if isinstance(event, EpochDone)]


def stored(path: Path) -> Arrays:
    """What a checkpoint holds, its progress without the times that epochs took."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "progress"}
    _, progress = checkpoint._read(path)
    metrics = [[epoch.number, *epoch.metrics.values()] for epoch in progress.curve]
    return arrays | {
        "curve": np.array(metrics),
        "best": np.array([progress.best_epoch, progress.best_score]),
    }


def differences(one: Arrays, other: Arrays) -> list[str]:
    """Names of the arrays that are not the same to the bit."""
    return [
        name
        for name in sorted({*one, *other})
        if name not in one
        or name not in other
        or one[name].dtype != other[name].dtype
        or one[name].tobytes() != other[name].tobytes()
    ]


VECTORS = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
CLASSES = np.arange(10) % 2


def network(optimizer: Any = "adam", kind: type[keras.Model] = keras.Model, **compiled: Any) -> keras.Model:
    """Two layers for these vectors, one of them with a penalty; the same weights each time."""
    keras.utils.set_random_seed(1)
    entry = keras.Input((3,))
    hidden = keras.layers.Dense(4, activation="tanh", kernel_regularizer="l2", name="hidden")(entry)
    model = kind(entry, keras.layers.Dense(2, activation="softmax", name="output")(hidden))
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", **compiled)
    model.optimizer.build(model.trainable_variables)
    return model
