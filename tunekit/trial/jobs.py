"""What a worker can be asked to do: plain records that travel to it, and what it tells while it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunekit.data.prepared import Prepared
from tunekit.errors import TunekitError
from tunekit.insight.explain.picture import Picture
from tunekit.results import Epoch, Evaluation, Failure, Outcome, Trial, Values
from tunekit.space.space import ClassWeights, DataSpec, Objective

MODEL = "model.keras"
"""Name of the file that an evaluation leaves the model in."""
LAST = "last.npz"
"""Name of the checkpoint of a trial's last epoch."""
FEATURES = "features.npz"
"""Name of a trial's history of weights, beside its checkpoints."""
IMAGES = "images"
"""Folder below a trial's pictures of those that show one epoch: NAME.EPOCH.png."""
LATER = "later.pickle"
"""Beside a trial's pictures: those that there was no time for, to be drawn by the coordinator."""


@dataclass(frozen=True)
class Split:
    """Which of the training examples a search trains on and which it validates on, and what each class counts."""

    prepared: Prepared
    validation: float
    limit: int | None
    seed: int
    weights: ClassWeights | None = None
    """Of the classes in the training loss."""


@dataclass(frozen=True)
class ProbeJob:
    """Build each configuration once and train it on one batch."""

    id: str
    model: str
    configurations: tuple[Values, ...]
    split: Split
    timed: bool = False
    """Whether to take some seconds more to see how long an epoch takes."""
    objective: Objective = field(default_factory=Objective)
    """Whose metric the models must measure."""

    @property
    def place(self) -> Path:
        """The folder that the job reads or writes."""
        return self.split.prepared.folder


@dataclass(frozen=True)
class Probe:
    """What one probed configuration needs."""

    parameters: int
    epoch_seconds: float | None
    """Training and validation together; None where it was not timed."""
    checkpoint_bytes: int


@dataclass(frozen=True)
class TrainJob:
    """Train one trial from where it stands to the end of its rung."""

    id: str
    trial: Trial
    model: str
    split: Split
    max_epochs: int
    objective: Objective
    folder: Path
    """Where this trial's checkpoints are."""
    parent_folder: Path | None
    pictures: Path | None
    """Where to leave the pictures, the summary and the curve; None draws none."""
    borders: tuple[int, ...] = ()
    """Last epochs of the rungs before, which the curve shows as lines."""
    executions: int = 1
    """Trainings with seeds of their own, whose mean is the trial's score."""
    draw_all: bool = True
    """Whether all pictures are drawn at once, however short the trial; else what takes too long is left for later."""

    @property
    def place(self) -> Path:
        return self.folder


@dataclass(frozen=True)
class EvaluateJob:
    """Score a trial's best epoch on the sealed test set."""

    id: str
    spec: DataSpec
    trial: Trial
    model: str
    split: Split
    folder: Path
    output: Path
    """Where to leave the model and the confusion matrix."""
    objective: Objective = field(default_factory=Objective)

    @property
    def place(self) -> Path:
        return self.output


@dataclass(frozen=True)
class ExplainJob:
    """Explain what a trial's best epoch has learnt, with pictures."""

    id: str
    trial: Trial
    model: str
    split: Split
    folder: Path
    """Where the trial's checkpoints are."""
    output: Path
    """Where to leave the pictures."""

    @property
    def place(self) -> Path:
        return self.output


class WeightsLost(TunekitError):
    """A trial's checkpoint is gone or damaged; training it again brings its weights back."""


@dataclass(frozen=True)
class Explanation:
    """The pictures that explain a trial, and the numbers in them."""

    pictures: tuple[Picture, ...]
    notes: tuple[str, ...]
    """What could not be shown, and why."""
    figures: Mapping[str, Any]
    """By picture, ready to be written as JSON."""


Job = ProbeJob | TrainJob | EvaluateJob | ExplainJob
Result = tuple[Probe, ...] | Outcome | Evaluation | Explanation


@dataclass(frozen=True)
class Step:
    """A sign of life within an epoch."""

    epoch: int
    share: float
    """How much of the epoch is done, from 0 to 1."""


@dataclass(frozen=True)
class EpochDone:
    """An epoch is over and its checkpoint is on disk."""

    epoch: Epoch


@dataclass(frozen=True)
class Done:
    """The job is finished."""

    result: Result
    memory: int
    """Resident bytes of the worker."""


@dataclass(frozen=True)
class Failed:
    """The job failed; the worker lives."""

    failure: Failure
    error: Exception | None = None
    """Set where it is not the trial's fault: an error of tunekit's own kind, to be raised as it is."""
    memory: int = 0


Event = Step | EpochDone | Done | Failed
Emit = Callable[[Step | EpochDone], None]
