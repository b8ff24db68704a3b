"""Everything of a search but its training: real state, oracle, MLflow and registry; workers that follow a script."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracles.driver import make_space
from tests.search.workers import FakeWorkers
from tunekit.data.prepared import Prepared
from tunekit.insight.album import Album
from tunekit.insight.look import Look
from tunekit.results import ClassScores, Evaluation, Trial
from tunekit.search.state import State
from tunekit.study.home import Home
from tunekit.study.resources import Resources
from tunekit.study.search import _search_and_finish
from tunekit.study.session import Reporter, Session, create_state
from tunekit.trial.jobs import LATER, MODEL, Done, EvaluateJob, Event
from tunekit.workers.workers import WorkerEvent

SPACE = make_space(max_epochs=2, factor=2, max_trials=4)
PREPARED = Prepared(Path("data"), "digits", 100, (4, 4, 1), ("a", "b"), "5ea1" * 16, (0.5,), (0.5,))
EVALUATION = Evaluation(
    loss=0.5,
    accuracy=0.75,
    classes=(ClassScores("a", 0.5, 0.5, 0.5, 4), ClassScores("b", 1.0, 1.0, 1.0, 4)),
    confusion=((2, 2), (0, 4)),
    sha256="7e57" * 16,
)


def make_model(path: Path) -> Path:
    """A model as small as they come."""
    import keras

    inputs = keras.Input((4, 4, 1), dtype="uint8")
    outputs = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs)))
    keras.Model(inputs, outputs).save(path)
    return path


def leave_for_later(folder: Path) -> None:
    """A picture that a trial had no time for, which the coordinator draws."""
    folder.mkdir(parents=True, exist_ok=True)
    look = Look(np.zeros((1, 4, 4, 1), np.uint8), np.zeros(1, int), ("a", "b"))
    Album(look, (), (), "a trial", {}).save(folder / LATER, ["curves"])


@dataclass
class Workers(FakeWorkers):
    """Also leave a picture of each trial and one to be drawn, and evaluate the winner."""

    pictures: Path = Path()
    model: Path = Path()
    evaluated: list[str] = field(default_factory=list)

    def _events(self, trial: Trial, attempt: int) -> list[Event]:
        folder = self.pictures / trial.id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "activations.png").write_bytes(b"a picture")
        leave_for_later(folder)
        return super()._events(trial, attempt)

    def events(self, timeout: float) -> list[WorkerEvent]:
        for job in self.jobs:
            if isinstance(job, EvaluateJob):
                self.jobs.remove(job)
                self.evaluated.append(job.trial.id)
                job.output.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.model, job.output / MODEL)
                return [WorkerEvent(0, job.id, Done(EVALUATION, 0))]
        return super().events(timeout)

    def close(self) -> None:
        self.jobs.clear()


def live(home: Path, workers: Workers, reporter: Reporter | None = None, **changes: Any) -> None:
    """What one process of a search does, from its state to the registered winner."""
    folder = Home(home).folder("small")
    folder.path.mkdir(parents=True, exist_ok=True)
    workers.pictures = folder.pictures
    workers.checkpoints = folder.checkpoints
    if folder.state.exists():
        state = State.open(folder.state)
    else:
        state = create_state(folder, SPACE, PREPARED, Resources(1, 1), False)
    state._db.execute("PRAGMA synchronous = OFF")
    try:
        if state.fact("status") != "FINISHED":
            _search_and_finish(
                Session(
                    folder,
                    Home(home),
                    SPACE,
                    state,
                    workers,  # type: ignore[arg-type]
                    PREPARED,
                    reporter or Reporter(),
                    changes.pop("interrupted", lambda: False),
                    **changes,
                )
            )
    finally:
        state.close()
