"""Passes each step of a search on to MLflow."""

from __future__ import annotations

import time
from pathlib import Path

from tunekit.record.recorder import Recorder
from tunekit.results import TimedEpoch, TrialRecord
from tunekit.search.coordinator import Observer
from tunekit.search.state import State
from tunekit.search.winner import ranked
from tunekit.space.space import Space
from tunekit.space.writer import write_space


class Recording(Observer):
    """An observer that keeps MLflow in step with the state."""

    def __init__(self, recorder: Recorder, state: State, space: Space, pictures: Path) -> None:
        self._recorder = recorder
        self._state = state
        self._space = space
        self._pictures = pictures
        self._runs: dict[str, str] = {}
        self._leader: TrialRecord | None = None
        self._completed = 0
        self.seconds = 0.0
        """Spent on recording."""

    def trial_started(self, record: TrialRecord, worker: int) -> None:
        began = time.perf_counter()
        trial = record.trial
        ancestors = self._state.curve(trial.parent) if trial.parent else []
        known = record.run_id or self._runs.get(trial.id)
        run_id = self._recorder.start_trial(record, [] if known else ancestors)
        if not known:
            self._state.set_run(trial.id, run_id)
            text = write_space(self._space.fixed(trial.values), f"Trial {trial.id} of {self._space.name}")
            self._recorder.log_text(run_id, text, "configuration.yaml")
        self._runs[trial.id] = run_id
        self.seconds += time.perf_counter() - began

    def epoch_done(self, record: TrialRecord, epoch: TimedEpoch) -> None:
        began = time.perf_counter()
        self._recorder.log_epochs(self._runs[record.trial.id], [epoch])
        self.seconds += time.perf_counter() - began

    def trial_ended(self, record: TrialRecord) -> None:
        began = time.perf_counter()
        self._recorder.end_trial(record, self._pictures / record.trial.id)
        self._state.set_recorded(record.trial.id)
        if record.score is not None and record.kind == "trial":
            self._completed += 1
            contenders = [record] if self._leader is None else [self._leader, record]
            self._leader = ranked(contenders, self._space.objective)[0]
            if self._leader.score is not None and record.ended is not None:
                self._recorder.log_progress(self._completed, self._leader.score, record.ended)
        self.seconds += time.perf_counter() - began

    def catch_up(self) -> None:
        """After a resume: record again whatever a kill may have kept from MLflow."""
        for record in self._state.records():
            if record.recorded:
                self._count(record)
                continue
            trial = record.trial
            ancestors = self._state.curve(trial.parent) if trial.parent else []
            run_id = self._recorder.start_trial(record, ancestors)
            self._recorder.reopen(run_id)
            self._state.set_run(trial.id, run_id)
            self._runs[trial.id] = run_id
            self._recorder.log_epochs(run_id, self._state.own_epochs(trial.id))
            ended = self._state.find(trial.id)
            if ended is not None and ended.status != "RUNNING":
                self.trial_ended(ended)

    def running_runs(self) -> list[str]:
        """The runs of trials that have begun and not ended."""
        return [
            record.run_id for record in self._state.records() if record.status == "RUNNING" and record.run_id
        ]

    def _count(self, record: TrialRecord) -> None:
        if record.score is not None and record.kind == "trial":
            self._completed += 1
            contenders = [record] if self._leader is None else [self._leader, record]
            self._leader = ranked(contenders, self._space.objective)[0]
