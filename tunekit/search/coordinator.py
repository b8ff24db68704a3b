"""The loop that asks the oracle, gives trials to workers, and writes down what comes back.

Only this loop decides and writes. Steps are in the state before an observer hears of them, those that came at once in
one transaction, so that a kill at any instant loses at most the epoch in hand of each running trial: a checkpoint is on
disk before its epoch is told, and a trial that goes on tells again of what the state has not heard.
"""

from __future__ import annotations

import math
import shutil
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from tunekit.errors import Interrupted, SearchError, StoreError
from tunekit.failpoints import reach
from tunekit.results import Failure, Kind, Outcome, TimedEpoch, Trial, TrialRecord
from tunekit.search.room import Room
from tunekit.search.state import State
from tunekit.search.winner import ranked
from tunekit.space.space import Objective
from tunekit.trial.jobs import Done, EpochDone, Failed, Step, TrainJob
from tunekit.workers.workers import WorkerEvent, Workers

MAX_DEATHS = 2
"""Workers that one configuration may cost before it has failed for good."""
HOPELESS = 10
"""Trials that fail one after the other from the very first before the search itself is called wrong."""
TICK = 0.25
"""Seconds to wait for workers before looking at the clock and at signals again."""


class Asks(Protocol):
    """What the coordinator needs of an oracle."""

    @property
    def complete(self) -> bool: ...
    def ask(self) -> Trial | None: ...
    def finish(self, trial_id: str, score: float) -> None: ...
    def fail(self, trial_id: str) -> None: ...
    def may_continue(self, trial_id: str) -> bool: ...
    def released(self) -> list[str]: ...


class Observer:
    """Told of every step after it is in the state."""

    def trial_started(self, record: TrialRecord, worker: int) -> None: ...
    def progressed(self, trial_id: str, worker: int, step: Step) -> None: ...
    def epoch_done(self, record: TrialRecord, epoch: TimedEpoch) -> None: ...
    def trial_ended(self, record: TrialRecord) -> None: ...
    def tick(self) -> None: ...


class Coordinator:
    """Runs trials until the oracle has no more."""

    def __init__(
        self,
        oracle: Asks,
        state: State,
        workers: Workers,
        make_job: Callable[[Trial], TrainJob],
        checkpoints: Path,
        objective: Objective,
        observers: Sequence[Observer] = (),
        interrupted: Callable[[], bool] = lambda: False,
        deadline: float | None = None,
        kind: Kind = "trial",
        disk_max: int | None = None,
        executions: int = 1,
    ) -> None:
        self._oracle = oracle
        self._state = state
        self._workers = workers
        self._make_job = make_job
        self._checkpoints = checkpoints
        self._objective = objective
        self._observers = observers
        self._interrupted = interrupted
        self._deadline = deadline
        self._kind = kind
        self._running: dict[str, TrialRecord] = {}
        self._waiting: deque[Trial] = deque()
        """Trials to start before any other: their worker died, or there was no room for their checkpoints."""
        self._room = None if disk_max is None else Room(checkpoints, disk_max, executions)
        self._ended = 0
        self._doubtful: set[str] = set()
        """Ended trials whose checkpoint has to be looked at."""
        self._leader: TrialRecord | None = None
        self._news: list[Callable[[Observer], None]] = []
        """What observers hear of when it is on disk."""

    def run(self) -> bool:
        """True when the search is complete, False when its time is over."""
        while True:
            if self._interrupted():
                raise Interrupted("interrupted")
            if self._deadline is not None and time.time() >= self._deadline:
                self._abandon()
                return False
            self._take([self._fill])
            if not self._running:
                return True
            events = self._workers.events(TICK)
            self._take([partial(self._handle, event) for event in events])
            for observer in self._observers:
                observer.tick()

    def _take(self, steps: Sequence[Callable[[], None]]) -> None:
        """Write the steps down together, and tell of them."""
        failed: Exception | None = None
        with self._state.together():
            for step in steps:
                try:
                    step()
                except Exception as error:
                    failed = error  # the steps before it are none the worse
                    break
        news, self._news = self._news, []
        if not isinstance(failed, StoreError):
            self._prune()
            for tell in news:
                for observer in self._observers:
                    tell(observer)
        if failed is not None:
            raise failed

    def _abandon(self) -> None:
        """Stop what runs, so that the workers are free; its finished epochs are kept for a resume."""
        for trial_id in self._running:
            self._workers.cancel(trial_id)
        while self._workers.busy:
            self._workers.events(TICK)
        self._running.clear()

    def _fill(self) -> None:
        """Give every idle worker a trial, as far as there is room for its checkpoints."""
        while self._workers.idle and (trial := self._next()) is not None:
            if not self._has_room(trial.id):
                self._waiting.appendleft(trial)
                return
            self._start(trial)

    def _next(self) -> Trial | None:
        """The next trial to start; trials that ended before a resume are told to the oracle at once."""
        if self._waiting:
            return self._waiting.popleft()
        while (trial := self._oracle.ask()) is not None:
            known = self._state.find(trial.id)
            if known is not None and known.trial != trial:
                raise SearchError(
                    f"Trial {trial.id} of this search has other values than its space and seed now give. "
                    "The space, the seed or Keras Tuner changed since it began: start a new search."
                )
            if known is None or known.status == "RUNNING":
                return trial
            self._tell_oracle(known)
        return None

    def _has_room(self, trial_id: str) -> bool:
        """Starting later changes nothing but the time it takes."""
        if self._room is None:
            return True
        self._prune()
        self._room.measure(self._running)
        if self._room.holds(trial_id, self._running):
            return True
        if not self._running:
            raise self._room.refusal(trial_id)
        return False

    def _start(self, trial: Trial) -> None:
        record = self._state.begin(trial, self._kind)
        self._running[trial.id] = record
        worker = self._workers.submit(self._make_job(trial))
        self._news.append(lambda observer: observer.trial_started(record, worker))

    def _handle(self, message: WorkerEvent) -> None:
        record = self._running.get(message.job_id)
        if record is None:
            return
        match message.event:
            case Step() as step:
                self._news.append(lambda observer: observer.progressed(message.job_id, message.worker, step))
            case EpochDone(epoch):
                timed = self._state.add_epoch(message.job_id, epoch)
                if timed is not None:
                    self._news.append(lambda observer: observer.epoch_done(record, timed))
            case Done(result):
                assert isinstance(result, Outcome)
                if math.isfinite(result.score):
                    self._end(record, lambda: self._state.complete(record.trial.id, result))
                else:
                    self._failed(record, Failure("nan", f"its score is {result.score}"))
            case Failed(failure, error):
                if error is not None:
                    raise error
                self._failed(record, failure)

    def _failed(self, record: TrialRecord, failure: Failure) -> None:
        may_pass = failure.cause in ("killed", "oom")
        if may_pass and self._state.count_death(record.trial.id) < MAX_DEATHS:
            # From its last checkpoint, in a fresh worker if the old one died. Of several events that came at once
            # an earlier one may have taken the idle worker: then it is the next one's.
            self._leave(record.trial.id)
            self._waiting.append(record.trial)
            self._fill()
            return
        self._end(record, lambda: self._state.fail(record.trial.id, failure))
        self._stop_if_hopeless(failure)

    def _end(self, record: TrialRecord, write: Callable[[], None]) -> None:
        write()
        self._leave(record.trial.id)
        ended = self._state.find(record.trial.id)
        assert ended is not None
        self._tell_oracle(ended)
        # The worker gets its next trial before anything is drawn or logged.
        self._fill()
        self._news.append(lambda observer: observer.trial_ended(ended))

    def _leave(self, trial_id: str) -> None:
        """The trial runs no more; its checkpoints grow no more."""
        del self._running[trial_id]
        if self._room is not None:
            self._room.measure([trial_id])

    def _tell_oracle(self, record: TrialRecord) -> None:
        self._doubtful.add(record.trial.id)
        self._ended += 1
        if record.score is None:
            self._oracle.fail(record.trial.id)
            return
        self._oracle.finish(record.trial.id, record.score)
        contenders = [record] if self._leader is None else [self._leader, record]
        self._doubtful.update(each.trial.id for each in contenders)
        self._leader = ranked(contenders, self._objective)[0]

    def _stop_if_hopeless(self, failure: Failure) -> None:
        if self._ended >= HOPELESS and self._leader is None:
            raise SearchError(
                f"The first {self._ended} trials all failed, the last with {failure.cause}: {failure.message}\n"
                "Mend the space or the model; `tunekit check` builds it with its smallest and largest values."
            )

    def _prune(self) -> None:
        """Delete the checkpoints that no rung and no winner can need any more.

        Only of trials for which that may just have changed: a rung may hold thousands.
        """
        self._doubtful.update(self._oracle.released())
        for trial_id in sorted(self._doubtful):
            is_leader = self._leader is not None and trial_id == self._leader.trial.id
            if not is_leader and not self._oracle.may_continue(trial_id):
                reach("coordinator.prune.before")
                shutil.rmtree(self._checkpoints / trial_id, ignore_errors=True)
                reach("coordinator.prune.after")
                if self._room is not None:
                    self._room.forget(trial_id)
        self._doubtful.clear()
