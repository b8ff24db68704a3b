"""Trials that only sleep, and workers for them: in this process, or many in one actor of Ray."""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tunekit.oracles.tuners import make_oracle
from tunekit.results import Epoch, Outcome, Trial
from tunekit.space.space import Objective, Space
from tunekit.trial.backend import versions
from tunekit.trial.execute import HANDLERS
from tunekit.trial.jobs import Done, Emit, EpochDone, Event, Split, TrainJob
from tunekit.workers.cluster.host import Hello, Told
from tunekit.workers.cluster.storage import Storage
from tunekit.workers.workers import WorkerEvent


@dataclass(frozen=True)
class SleepJob(TrainJob):
    """A trial that sleeps instead of training."""

    epoch_seconds: float = 1.0
    """Of a mean trial; a trial's own are half to one and a half times as long."""


def make_job(trial: Trial, split: Split, folder: Path, epoch_seconds: float) -> SleepJob:
    return SleepJob(
        trial.id, trial, "lenet5", split, 27, Objective(), folder / trial.id, None, None,
        epoch_seconds=epoch_seconds,
    )  # fmt: skip


def epoch_length(trial: Trial, mean: float) -> float:
    return Random(trial.seed).uniform(0.5, 1.5) * mean


def score_of(trial: Trial) -> float:
    return Random(trial.seed + trial.epochs).random()


def told(job: SleepJob) -> Iterator[tuple[float, Event]]:
    """What a trial tells, and how many seconds after its beginning."""
    trial, length, due = job.trial, epoch_length(job.trial, job.epoch_seconds), 0.0
    for number in range(trial.initial_epoch + 1, trial.epochs + 1):
        due += length
        metrics = dict.fromkeys(("accuracy", "loss", "val_accuracy", "val_loss"), 0.5)
        yield due, EpochDone(Epoch(number, metrics, length))
    yield due, Done(Outcome(score_of(trial), trial.epochs, 10_000, due), memory=1)


def sleep(job: SleepJob, emit: Emit) -> Outcome:
    """As a worker process runs it."""
    began = time.monotonic()
    for due, event in told(job):
        time.sleep(max(0.0, began + due - time.monotonic()))
        if isinstance(event, Done):
            assert isinstance(event.result, Outcome)
            return event.result
        assert isinstance(event, EpochDone)
        emit(event)
    raise AssertionError("a trial that never ends")


# A worker imports this module with its first job, by the job's class.
HANDLERS[SleepJob] = sleep


def ideal_seconds(space: Space, workers: int, epoch_seconds: float) -> float:
    """How long the search takes where asking, telling and writing take no time at all."""
    oracle, now = make_oracle(space), 0.0
    running: list[tuple[float, str, float]] = []
    while True:
        while len(running) < workers and (trial := oracle.ask()) is not None:
            epochs = trial.epochs - trial.initial_epoch
            ends = now + epochs * epoch_length(trial, epoch_seconds)
            heapq.heappush(running, (ends, trial.id, score_of(trial)))
        if not running:
            return now
        now, trial_id, score = heapq.heappop(running)
        oracle.finish(trial_id, score)


class SleepingWorkers:
    """Simulated workers in the coordinator's own process: nothing but a list of what is due."""

    threads = 1

    def __init__(self, count: int) -> None:
        self.count = count
        self._due: list[tuple[float, int, str, Event]] = []
        self._running: set[str] = set()
        self._submitted = 0

    @property
    def busy(self) -> int:
        return len(self._running)

    @property
    def idle(self) -> int:
        return self.count - self.busy

    def submit(self, job: Any) -> int:
        began = time.monotonic()
        for due, event in told(job):
            self._submitted += 1
            heapq.heappush(self._due, (began + due, self._submitted, job.id, event))
        self._running.add(job.id)
        return 0

    def events(self, timeout: float) -> list[WorkerEvent]:
        if self._due:
            time.sleep(min(timeout, max(0.0, self._due[0][0] - time.monotonic())))
        found, now = [], time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, job_id, event = heapq.heappop(self._due)
            found.append(WorkerEvent(0, job_id, event))
            if isinstance(event, Done):
                self._running.remove(job_id)
        return found

    def warm_up(self) -> None: ...
    def cancel(self, job_id: str) -> None: ...
    def close(self) -> None: ...


class Crowd:
    """An actor of Ray that plays many hosts at once, each in a thread that sleeps."""

    def __init__(self) -> None:
        self._jobs: dict[int, Iterator[tuple[float, Event]]] = {}

    def hello(self, seat: int, storages: Sequence[Storage]) -> Hello:
        import ray

        node = ray.get_runtime_context().get_node_id()
        storage = next(storage for storage in storages if not storage.trouble())
        return Hello(node, os.uname().nodename, versions(), storage, "")

    def begin(self, seat: int, job: SleepJob, given: object, parts: object = None) -> bool:
        began = time.monotonic()
        self._jobs[seat] = ((began + due, event) for due, event in told(job))
        return True

    def tell(self, seat: int, outdated: object) -> Told:
        due, event = next(self._jobs[seat])
        time.sleep(max(0.0, due - time.monotonic()))
        return Told([event], {}, {})

    def beat(self, seat: int, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Seat:
    """One worker of a crowd, called as an actor of its own is."""

    crowd: Any
    number: int

    def __getattr__(self, method: str) -> _Call:
        return _Call(getattr(self.crowd, method), self.number)


@dataclass(frozen=True)
class _Call:
    method: Any
    seat: int

    def options(self, concurrency_group: str) -> _Call:
        return self  # any thread will do

    def remote(self, *arguments: Any) -> Any:
        return self.method.remote(self.seat, *arguments)


class Crowds:
    """Makes the actors of a pool, `size` of them in a process."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._made: list[Any] = []

    def make_actor(self, ray: Any, on: object, terms: object, number: int) -> Seat:
        if number % self.size == 0:
            options = {"num_cpus": 0, "max_concurrency": 2 * self.size}
            self._made.append(ray.remote(Crowd).options(**options).remote())
        return Seat(self._made[number // self.size], number)
