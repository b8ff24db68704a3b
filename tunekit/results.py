"""Plain records that pass between rooms: what was asked, what was measured, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import stdev
from typing import Literal

Scalar = bool | int | float | str
"""A hyperparameter's value."""

Values = Mapping[str, Scalar]
"""The hyperparameters of one configuration, by name; inactive conditional ones are absent."""

Metrics = Mapping[str, float]
"""What one epoch measured, by Keras' name: loss, accuracy, val_loss, val_accuracy, ..."""

Status = Literal["RUNNING", "COMPLETED", "FAILED"]
Kind = Literal["trial", "repeat", "snapshot"]
"""A repeat is a finalist trained again from scratch with another seed, a snapshot a trial that a time budget broke off,
as its best epoch left it."""
Cause = Literal["nan", "oom", "exception", "killed", "timeout"]


@dataclass(frozen=True)
class Trial:
    """One trial as the oracle asks for it: a configuration, and the epochs to train it for."""

    id: str
    values: Values
    seed: int
    """Of weights, dropout and the order of examples; a promoted trial keeps its parent's."""
    initial_epoch: int
    """Epochs that its parent has trained already."""
    epochs: int
    """Epochs in all once it is finished, its ancestors' included; a snapshot's are its parent's alone."""
    bracket: int = 0
    round: int = 0
    iteration: int = 0
    parent: str | None = None
    start: int | None = None
    """Which of the space's known configurations it is, counted from 1; None for one that was drawn."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch measured."""

    number: int
    """Counted from 1 over the whole curve, ancestors' epochs included."""
    metrics: Metrics
    seconds: float


@dataclass(frozen=True)
class Failure:
    """Why a trial failed, as a result and not as an error."""

    cause: Cause
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended well."""

    score: float
    """The objective's best value over the whole curve; of several executions the mean of theirs."""
    best_epoch: int
    """Of the best execution."""
    parameters: int
    """Number of the model's weights."""
    seconds: float
    """Wall time of this trial alone, building and looking inside included."""
    insight: Metrics = field(default_factory=dict)
    """Statistics of activations and weights after the last epoch."""
    looking_seconds: float = 0.0
    """Of `seconds`, how many went into looking inside."""
    scores: tuple[float, ...] = ()
    """Of each execution, where there are several."""
    execution: int = 0
    """The best of them, counted from 0: its model is the trial's."""

    @property
    def own_score(self) -> float:
        """Of the model that is kept."""
        return self.scores[self.execution] if self.scores else self.score

    @property
    def deviation(self) -> float | None:
        """Of the executions' scores, as an estimate for all seeds."""
        return stdev(self.scores) if self.scores else None


@dataclass(frozen=True)
class ClassScores:
    """How well one class was recognised."""

    name: str
    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True)
class Evaluation:
    """What a model scored on the test set."""

    loss: float
    accuracy: float
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are true classes, columns predicted ones."""
    sha256: str
    """Digest of the test images and labels."""
    others: Metrics = field(default_factory=dict)
    """The objective's metric by its name, where it is neither loss nor accuracy."""

    @property
    def metrics(self) -> dict[str, float]:
        """All scores by name."""
        return {"accuracy": self.accuracy, "loss": self.loss, **self.others}


@dataclass(frozen=True)
class TrialRecord:
    """A trial and all that is known of how it went."""

    trial: Trial
    status: Status
    started: float
    """Seconds since the epoch."""
    ended: float | None = None
    outcome: Outcome | None = None
    failure: Failure | None = None
    deaths: int = 0
    """Workers that died of it."""
    run_id: str | None = None
    """Of its run in MLflow."""
    recorded: bool = False
    """Whether MLflow has all of it."""
    kind: Kind = "trial"

    @property
    def score(self) -> float | None:
        return self.outcome.score if self.outcome else None


@dataclass(frozen=True)
class TimedEpoch:
    """An epoch and when it ended, in seconds since the epoch."""

    epoch: Epoch
    ended: float
