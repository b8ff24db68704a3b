"""Whatever happens to a search, and whenever: it ends as if nothing had."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import Tell
from tests.oracles.driver import failing
from tests.oracles.driver import search as played
from tests.search.records import make_epoch, make_outcome
from tests.search.workers import KILLED, SPACE, Job, make_job
from tunekit.errors import Interrupted
from tunekit.oracles.tuners import make_oracle
from tunekit.results import Failure, Trial, TrialRecord
from tunekit.search.coordinator import Coordinator
from tunekit.search.state import State
from tunekit.trial.jobs import Done, EpochDone, Event, Failed
from tunekit.workers.workers import WorkerEvent

PLAN = make_oracle(SPACE).schedule.plans
BUDGET = sum(plan.epochs_trained for plan in PLAN)
SIZES = {(plan.number, number): rung.size for plan in PLAN for number, rung in enumerate(plan.rungs)}


@dataclass
class Worker:
    """One job under way."""

    job: Job
    told: int
    """The last epoch that it has told of."""


@dataclass
class ScriptedWorkers:
    """Does what the test says, when it says so."""

    count: int
    workers: dict[str, Worker] = field(default_factory=dict)
    next_events: list[WorkerEvent] = field(default_factory=list)

    @property
    def idle(self) -> int:
        return self.count - len(self.workers)

    def submit(self, job: Any) -> int:
        assert self.idle > 0
        assert job.id not in self.workers
        self.workers[job.id] = Worker(job, job.trial.initial_epoch)
        return 0

    def events(self, timeout: float) -> list[WorkerEvent]:
        events, self.next_events = self.next_events, []
        return events


class AnyHistory(RuleBasedStateMachine):
    """A real state and a real oracle; epochs, ends, deaths and kills come as Hypothesis draws them."""

    @initialize(count=st.integers(1, 4), percent=st.sampled_from([0, 20]), salt=st.integers(0, 50))
    def begin(self, count: int, percent: int, salt: int) -> None:
        self.score = failing(percent, salt)
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "state.db"
        State.create(self.path, {}).close()
        self.checkpoints: dict[str, int] = {}
        self.trained: list[tuple[str, int]] = []
        self.ended: dict[str, TrialRecord] = {}
        self.start(count)

    def start(self, count: int) -> None:
        self.state = State.open(self.path)
        self.state._db.execute("PRAGMA synchronous = OFF")
        self.workers = ScriptedWorkers(count)
        self.looks = 0
        self.coordinator = Coordinator(
            make_oracle(SPACE),
            self.state,
            self.workers,  # type: ignore[arg-type]
            make_job,
            Path(self.folder.name) / "checkpoints",
            SPACE.objective,
            interrupted=self.one_round,
        )
        self.complete = False
        self.go()

    def one_round(self) -> bool:
        """Interrupts the coordinator whenever it looks for the second time."""
        self.looks += 1
        return self.looks % 2 == 0

    def go(self, *events: WorkerEvent) -> None:
        """The coordinator takes these events, as they came at once."""
        self.looks = 0
        self.workers.next_events = list(events)
        try:
            self.complete = self.coordinator.run()
        except Interrupted:
            self.looks = 0

    # What can happen

    @precondition(lambda self: self.workers.workers)
    @rule(data=st.data())
    def events(self, data: st.DataObject) -> None:
        names = sorted(self.workers.workers)
        chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True), "jobs")
        self.go(
            *[event for name in chosen for event in self.work(name, data.draw(st.integers(1, 9), "epochs"))]
        )

    @precondition(lambda self: self.workers.workers)
    @rule(data=st.data())
    def death(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.workers.workers)), "job")
        record = self.state.find(name)
        assert record is not None
        if record.deaths == 0:
            self.train_in_silence(name, data.draw(st.integers(0, 1), "epochs that it could not tell"))
            del self.workers.workers[name]
            self.go(WorkerEvent(0, name, Failed(KILLED)))

    @rule(count=st.integers(1, 4), untold=st.integers(0, 2))
    def kill_and_restart(self, count: int, untold: int) -> None:
        for name in sorted(self.workers.workers):
            self.train_in_silence(name, untold)
        self.state.close()
        self.start(count)

    # What workers do

    def work(self, name: str, epochs: int) -> list[WorkerEvent]:
        """The events of so many epochs, and of the end where they reach it."""
        worker = self.workers.workers[name]
        trial = worker.job.trial
        events: list[Event] = []
        while epochs > 0 and worker.told < trial.epochs:
            worker.told, epochs = worker.told + 1, epochs - 1
            self.train(trial, worker.told)
            events.append(EpochDone(make_epoch(worker.told)))
        if epochs > 0:
            del self.workers.workers[name]
            events.append(self.ending(trial))
        return [WorkerEvent(0, name, event) for event in events]

    def train_in_silence(self, name: str, epochs: int) -> None:
        trial = self.workers.workers[name].job.trial
        last = max(self.checkpoints.get(name, 0), self.workers.workers[name].told)
        for number in range(last + 1, min(trial.epochs, last + epochs) + 1):
            self.train(trial, number)

    def train(self, trial: Trial, number: int) -> None:
        if number > self.checkpoints.get(trial.id, trial.initial_epoch):
            self.checkpoints[trial.id] = number
            self.trained.append((trial.id, number))

    def ending(self, trial: Trial) -> Event:
        score = self.score(trial)
        if score is None:
            return Failed(Failure("exception", "it says why"))
        return Done(make_outcome(score), 0)

    # What always holds

    @invariant()
    def no_epoch_is_trained_twice_nor_beyond_the_budget(self) -> None:
        assert len(set(self.trained)) == len(self.trained)
        failed = {record.trial.id for record in self.state.records() if record.status == "FAILED"}
        assert sum(name not in failed for name, _ in self.trained) <= BUDGET
        for record in self.state.records():
            numbers = [timed.epoch.number for timed in self.state.curve(record.trial.id)]
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) <= record.trial.epochs

    @invariant()
    def how_a_trial_ended_is_final(self) -> None:
        for record in self.state.records():
            if record.status != "RUNNING":
                assert self.ended.setdefault(record.trial.id, record) == record
        assert set(self.ended) <= {record.trial.id for record in self.state.records()}

    @invariant()
    def the_promoted_are_the_best_of_a_complete_rung(self) -> None:
        records = {record.trial.id: record for record in self.state.records()}
        for (bracket, number), size in SIZES.items():
            rung = [r for r in records.values() if (r.trial.bracket, r.trial.round) == (bracket, number)]
            assert len(rung) - sum("." in r.trial.id for r in rung) <= size
            promoted = [r for r in rung if r.trial.parent]
            if promoted:
                self.check_promotion(promoted, [r for r in records.values() if is_before(r, promoted[0])])

    def check_promotion(self, promoted: list[TrialRecord], before: list[TrialRecord]) -> None:
        assert all(record.status != "RUNNING" for record in before)
        scored = [record for record in before if record.score is not None]
        best = sorted(scored, key=lambda record: (-(record.score or 0), record.trial.id))
        parents = [record.trial.parent for record in promoted]
        assert parents == [record.trial.id for record in best[: len(parents)]]

    def teardown(self) -> None:
        if not hasattr(self, "coordinator"):
            return
        for _ in range(500):
            if self.complete:
                break
            self.go(*[event for name in sorted(self.workers.workers) for event in self.work(name, 99)])
            self.the_promoted_are_the_best_of_a_complete_rung()
        assert self.complete, "it waits for ever"
        found = {record.trial.id: (record.trial, record.score) for record in self.state.records()}
        assert found == played(SPACE, self.score).ordered
        self.no_epoch_is_trained_twice_nor_beyond_the_budget()
        self.how_a_trial_ended_is_final()
        self.state.close()
        self.folder.cleanup()


def is_before(record: TrialRecord, child: TrialRecord) -> bool:
    """Whether it is of the rung that the child was promoted from."""
    one, other = record.trial, child.trial
    return (one.bracket, one.round) == (other.bracket, other.round - 1)


COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def test_a_search_ends_as_if_nothing_had_happened() -> None:
    run_state_machine_as_test(
        AnyHistory, settings=settings(max_examples=12, stateful_step_count=25, **COMMON)
    )


@pytest.mark.long
def test_a_search_ends_as_if_nothing_had_happened_at_length(tell: Tell) -> None:
    run_state_machine_as_test(
        AnyHistory, settings=settings(max_examples=300, stateful_step_count=60, **COMMON)
    )
    tell("300 histories of up to 60 steps")
