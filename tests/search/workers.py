"""Workers that follow a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.oracles.driver import make_space, scored
from tests.search.records import make_epoch, make_outcome
from tunekit.results import Failure, Trial
from tunekit.trial.jobs import Done, EpochDone, Event, Failed
from tunekit.workers.workers import WorkerEvent

SPACE = make_space(max_epochs=9)
KILLED = Failure("killed", "its worker process ended with SIGKILL")


@dataclass(frozen=True)
class Job:
    """What the coordinator hands on without looking at it."""

    id: str
    trial: Trial


def make_job(trial: Trial) -> Any:
    return Job(trial.id, trial)


Ending = Callable[[Trial, int], Event]
"""How an attempt, counted from 1, at a trial ends."""


def completes(trial: Trial, attempt: int) -> Event:
    return Done(make_outcome(scored(trial)), 0)


def dies(*trial_ids: str, times: int = 1) -> Ending:
    """These trials kill their worker that many times."""

    def ending(trial: Trial, attempt: int) -> Event:
        return Failed(KILLED) if trial.id in trial_ids and attempt <= times else completes(trial, attempt)

    return ending


@dataclass
class FakeWorkers:
    """As `LocalWorkers` tells it: several events may come at once, and their workers are idle by then."""

    count: int = 1
    ending: Ending = completes
    order: Random | None = None
    """Draws whose turn it is, and how many at once; without it the oldest job ends alone."""
    checkpoints: Path | None = None
    """Where a job leaves a checkpoint, as a real one does."""
    jobs: list[Job] = field(default_factory=list)
    submitted: list[str] = field(default_factory=list)
    """Every job that was started, in order."""
    trained: dict[str, int] = field(default_factory=dict)
    """Epochs of each trial that are in its checkpoint."""

    @property
    def idle(self) -> int:
        return self.count - len(self.jobs)

    @property
    def busy(self) -> int:
        return len(self.jobs)

    def submit(self, job: Any) -> int:
        assert self.idle > 0, "submitted without an idle worker"
        assert job.id not in [other.id for other in self.jobs], "submitted twice"
        self.jobs.append(job)
        self.submitted.append(job.id)
        return len(self.jobs) - 1

    def cancel(self, job_id: str) -> None:
        self.jobs = [job for job in self.jobs if job.id != job_id]

    def events(self, timeout: float) -> list[WorkerEvent]:
        if not self.jobs:
            return []
        many = self.order.randint(1, len(self.jobs)) if self.order else 1
        chosen = self.order.sample(self.jobs, many) if self.order else self.jobs[:1]
        found = []
        for job in chosen:
            self.jobs.remove(job)
            attempt = self.submitted.count(job.id)
            found += [WorkerEvent(0, job.id, event) for event in self._events(job.trial, attempt)]
        return found

    def _events(self, trial: Trial, attempt: int) -> list[Event]:
        """A job that goes on tells of the epochs in its checkpoint first; one that ends badly got half way."""
        ending = self.ending(trial, attempt)
        whole = isinstance(ending, Done)
        last = trial.epochs if whole else (trial.initial_epoch + trial.epochs) // 2
        self.trained[trial.id] = max(self.trained.get(trial.id, 0), last)
        if self.checkpoints is not None:
            (self.checkpoints / trial.id).mkdir(parents=True, exist_ok=True)
        numbers = range(trial.initial_epoch + 1, last + 1)
        return [*(EpochDone(make_epoch(number)) for number in numbers), ending]
