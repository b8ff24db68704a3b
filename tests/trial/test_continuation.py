"""A trial continued in a new process ends with the same bits as one that was never interrupted.

Each case is trained three times in real worker processes: in one go, and as two trials of which the second is promoted
from the first. The halves run in other processes than the whole and after other trials, in another order, so that
anything one trial leaves behind in its worker would show too.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Tell
from tunekit.results import Outcome
from tunekit.space.vocabulary import OPTIMIZERS
from tunekit.trial.jobs import Done, EpochDone, Failed, Split, TrainJob
from tunekit.workers.local import LocalWorkers

from .helpers import TINY, differences, stored, train_job

EVERYTHING = TINY | {
    "dropout": 0.3,
    "conv_dropout": 0.2,
    "batch_norm": True,
    "flip": True,
    "shift": 1,
    "schedule": "cosine",
    "warmup": 0.1,
    "l2": 1e-4,
    "l2_dense": 1e-4,
    "clip_norm": 1.0,
    "label_smoothing": 0.1,
    "weight_decay": 1e-3,
}
REST = {"hidden_units": 5, "batch_size": 40, "learning_rate": 0.01, "dropout": 0.3, "shift": 1}

OWN = """
import keras

def sixteen_bits(values, data):
    keras.config.set_dtype_policy("mixed_float16")
    inputs = keras.Input(data.shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.RandomRotation(0.1)(keras.layers.GaussianNoise(0.1)(x))
    x = keras.layers.Dense(8, activation="relu")(keras.layers.Flatten()(x))
    x = keras.layers.Dense(data.classes, activation="softmax", dtype="float32")(keras.layers.Dropout(0.3)(x))
    return keras.Model(inputs, x)

def little(values, data):
    inputs = keras.Input(data.shape, dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Dropout(0.3)(keras.layers.BatchNormalization()(x))
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))
"""


@dataclass(frozen=True)
class Case:
    """A configuration, the epochs it is trained for, and after how many of them it is promoted."""

    name: str
    values: dict[str, Any]
    model: str = "lenet5"
    epochs: int = 4
    promoted: int = 2


def recurrent(cell: str, optimizer: str, **values: Any) -> Case:
    return Case(f"{cell}-{optimizer}", REST | {"cell": cell, "optimizer": optimizer} | values, "recurrent")


QUICK = [
    Case("everything", EVERYTHING | {"optimizer": "nadam"}),
    recurrent("gru", "adamw", layers=2, batch_norm=True, weight_decay=0.01),
    recurrent("lstm", "rmsprop"),
    # Keras puts an optimizer of its own around the one that is asked for.
    Case("sixteen-bits", {"optimizer": "adam", "batch_size": 40}, "own_continued:sixteen_bits"),
]
LONG = [
    *(
        Case(f"everything-{name}", EVERYTHING | {"optimizer": name}, epochs=9, promoted=3)
        for name in OPTIMIZERS
    ),
    *(
        recurrent(cell, name, layers=3, batch_norm=True, flip=True, schedule="cosine")
        for cell in ("rnn", "lstm", "gru")
        for name in OPTIMIZERS
    ),
]


def train_in_one_worker(jobs: Sequence[TrainJob], folder: Path, threads: int) -> dict[str, Outcome]:
    """Each job in turn, all in the same process, and each no more epochs than are its own."""
    workers = LocalWorkers(count=1, threads=threads, logs=folder)
    outcomes: dict[str, Outcome] = {}
    trained: dict[str, list[int]] = {job.id: [] for job in jobs}
    try:
        for job in jobs:
            workers.submit(job)
            while job.id not in outcomes:
                for message in workers.events(1.0):
                    if isinstance(message.event, Failed):
                        raise AssertionError(f"{job.id}: {message.event.failure}")
                    if isinstance(message.event, EpochDone):
                        trained[job.id].append(message.event.epoch.number)
                    if isinstance(message.event, Done):
                        outcomes[job.id] = message.event.result
    finally:
        workers.close()
    # A checkpoint that cannot be loaded would show here: its epochs are trained again, to the same bits.
    assert trained == {job.id: list(range(job.trial.initial_epoch + 1, job.trial.epochs + 1)) for job in jobs}
    return outcomes


def train_both_ways(cases: Sequence[Case], part: Split, folder: Path, threads: int = 1) -> list[str]:
    """Which cases came out different, and in what."""

    def job(
        case: Case, way: str, epochs: int, parent: Path | None = None, initial_epoch: int = 0
    ) -> TrainJob:
        own = {"id": case.name, "model": case.model, "values": case.values}
        at = folder / way / case.name
        return train_job(part, at, epochs, parent=parent, initial_epoch=initial_epoch, **own)

    def whole() -> dict[str, Outcome]:
        jobs = [job(case, "whole", case.epochs) for case in cases]
        return train_in_one_worker(jobs, folder / "logs-whole", threads)

    def halves() -> dict[str, Outcome]:
        first = [job(case, "first", case.promoted) for case in reversed(cases)]
        train_in_one_worker(first, folder / "logs-first", threads)
        second = [
            job(case, "second", case.epochs, folder / "first" / case.name, case.promoted)
            for case in (*cases[1:], *cases[:1])
        ]
        return train_in_one_worker(second, folder / "logs-second", threads)

    with ThreadPoolExecutor(2) as pool:
        outcomes, continued = (done.result() for done in [pool.submit(whole), pool.submit(halves)])
    found = []
    for case in cases:
        one, other = outcomes[case.name], continued[case.name]
        if (one.score, one.best_epoch) != (other.score, other.best_epoch):
            found.append(f"{case.name}: {one} and {other}")
        for file in ("last.npz", "best.npz"):
            different = differences(
                stored(folder / "whole" / case.name / file), stored(folder / "second" / case.name / file)
            )
            found += [f"{case.name}: {name} of {file}" for name in different]
    return found


@pytest.fixture(autouse=True)
def _own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_continued.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


def test_continued_trials_are_those_never_interrupted(part: Split, tmp_path: Path) -> None:
    assert train_both_ways(QUICK, part, tmp_path) == []
    # An epoch that changed nothing would be continued exactly too.
    curve = stored(tmp_path / "whole" / "everything" / "last.npz")["curve"]
    assert curve.shape == (4, 5)
    assert len(set(curve[:, 2])) > 1


def test_continued_trials_are_those_never_interrupted_on_jax(
    part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    values = {"optimizer": "adam", "flip": True, "shift": 1, "schedule": "cosine", "batch_size": 40}
    case = Case("little", values, "own_continued:little", epochs=3, promoted=1)

    assert train_both_ways([case], part, tmp_path) == []


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_every_optimizer_and_cell(
    part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, threads: int, tell: Tell
) -> None:
    pytest.importorskip(backend)
    monkeypatch.setenv("KERAS_BACKEND", backend)

    assert train_both_ways(LONG, part, tmp_path, threads) == []
    tell(f"{len(LONG)} models on {backend} with {threads} threads, continued as if never interrupted")
