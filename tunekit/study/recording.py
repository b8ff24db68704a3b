"""Passes each step of a search on to MLflow.

MLflow may be away for a while, as a shared server is that starts anew: the search goes on, and what is missing is
recorded from the state when the store answers again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunekit.errors import StoreError
from tunekit.record.images import WAITING
from tunekit.record.recorder import Recorder
from tunekit.results import TimedEpoch, TrialRecord
from tunekit.search.coordinator import Observer
from tunekit.search.state import State
from tunekit.search.winner import ranked
from tunekit.space.space import Space
from tunekit.space.writer import write_space
from tunekit.trial.jobs import IMAGES

RETRY_EVERY = 10.0
"""Seconds between two tries to reach a store that is away."""
PATIENCE = 120.0
"""Seconds that the end of a search waits for a store that is away."""
TOGETHER = 5.0
"""Seconds for which epochs are collected: a call costs the trainings beside it as much time for one as for many."""


class Recording(Observer):
    """An observer that keeps MLflow in step with the state."""

    def __init__(
        self,
        recorder: Recorder,
        state: State,
        space: Space,
        pictures: Path,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._recorder = recorder
        self._state = state
        self._space = space
        self._pictures = pictures
        self._tell = tell
        self._runs: dict[str, str] = {}
        self._epochs: dict[str, list[TimedEpoch]] = {}
        """By trial: those that MLflow has not been told yet."""
        self._told_at = time.monotonic()
        """When it was told the last ones."""
        self._leader: TrialRecord | None = None
        self._completed = 0
        self._next_try: float | None = None
        """When a store that is away is tried again; None while it answers."""
        self._quiet = False
        """Whether nothing has happened since the last tick."""
        self.seconds = 0.0
        """Spent on recording."""

    def trial_started(self, record: TrialRecord, worker: int) -> None:
        self._quiet = False
        with self._timed():
            self._start(record)

    def epoch_done(self, record: TrialRecord, epoch: TimedEpoch) -> None:
        self._quiet = False
        self._epochs.setdefault(record.trial.id, []).append(epoch)

    def trial_ended(self, record: TrialRecord) -> None:
        self._quiet = False
        with self._timed():
            if self._next_try is None:
                self._end(record)

    def tick(self) -> None:
        if self._next_try is not None and time.monotonic() >= self._next_try:
            with self._timed():
                self._catch_up()
        if time.monotonic() >= self._told_at + TOGETHER:
            with self._timed():
                self.tell_epochs()
        if self._quiet and self._next_try is None:
            with self._timed():
                self._draw_next()
        self._quiet = True

    def draw_the_rest(self, seconds: float | None) -> None:
        """The pictures that trials left for later, for as long as there is time."""
        deadline = None if seconds is None else time.monotonic() + seconds
        began = time.perf_counter()
        while (deadline is None or time.monotonic() < deadline) and self._draw_next():
            pass
        self.seconds += time.perf_counter() - began

    def catch_up(self) -> None:
        """After a resume, or after MLflow was away: record again whatever it may lack."""
        self._catch_up()

    def settle(self) -> None:
        """Before the end: wait for a store that is away, and raise its error where it stays so."""
        with self._timed():
            self.tell_epochs()
        deadline = time.monotonic() + PATIENCE
        while self._next_try is not None:
            try:
                self._catch_up()
            except StoreError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_EVERY)

    def tell_epochs(self) -> None:
        """Those that were collected, unless the store is away: then they come from the state."""
        self._told_at = time.monotonic()
        if self._next_try is None:
            for trial_id in [*self._epochs]:
                self._tell_epochs(trial_id)

    def running_runs(self) -> list[str]:
        """The runs of trials that have begun and not ended."""
        return [
            record.run_id for record in self._state.records() if record.status == "RUNNING" and record.run_id
        ]

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count the time, and put off what the store does not take."""
        began = time.perf_counter()
        try:
            yield
        except StoreError as error:
            if self._next_try is None:
                self._tell(f"{error} The search goes on and records later.")
            self._next_try = time.monotonic() + RETRY_EVERY
        finally:
            self.seconds += time.perf_counter() - began

    def _start(self, record: TrialRecord) -> None:
        trial = record.trial
        if self._next_try is None and trial.id not in self._runs:
            self._open_run(record)

    def _open_run(self, record: TrialRecord) -> str:
        trial = record.trial
        run_id = self._recorder.start_trial(record, self._state.inherited(trial.id))
        text = write_space(self._space.fixed(trial.values), f"Trial {trial.id} of {self._space.name}")
        self._recorder.log_text(run_id, text, "configuration.yaml")
        self._state.set_run(trial.id, run_id)
        self._runs[trial.id] = run_id
        return run_id

    def _tell_epochs(self, trial_id: str) -> None:
        if epochs := self._epochs.pop(trial_id, []):
            self._recorder.log_epochs(self._runs[trial_id], epochs)

    def _end(self, record: TrialRecord) -> None:
        self._tell_epochs(record.trial.id)
        run_id = self._runs[record.trial.id]
        self._recorder.end_trial(record, run_id, self._pictures / record.trial.id)
        self._count(record)
        if self._leader is not None and self._leader.score is not None and record.ended is not None:
            self._recorder.log_progress(self._completed, self._leader.score, record.ended)
        self._state.set_recorded(record.trial.id)

    def _draw_next(self) -> bool:
        """The pictures of one trial that had no time for them; False where there is none."""
        from tunekit.insight.album import draw_later

        path = min(self._pictures.glob(f"*{WAITING}"), default=None)
        if path is None:
            return False
        folder = path.with_name(path.name.removesuffix(WAITING))
        record = self._state.find(folder.name)
        if record is not None and record.run_id is not None and record.ended is not None:
            draw_later(path, folder, folder / IMAGES)
            self._recorder.log_pictures(record.run_id, folder, record.ended)
        path.unlink()
        return True

    def _catch_up(self) -> None:
        self._leader, self._completed = None, 0
        self._epochs.clear()
        for record in sorted(self._state.records(), key=lambda record: record.ended or float("inf")):
            if record.recorded:
                self._count(record)
                continue
            run_id = self._open_run(record)
            self._recorder.reopen(run_id)
            self._recorder.log_epochs(run_id, self._state.own_epochs(record.trial.id))
            if record.status != "RUNNING":
                self._end(record)
        self._next_try = None

    def _count(self, record: TrialRecord) -> None:
        """The best score so far, as the parent run's curve shows it."""
        if record.score is None or record.kind == "repeat":
            return
        if record.kind == "trial":
            self._completed += 1
        contenders = [record] if self._leader is None else [self._leader, record]
        self._leader = ranked(contenders, self._space.objective)[0]
