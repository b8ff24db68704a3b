"""The loop that asks the oracle, gives trials to workers, and writes down what comes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracles.driver import Run, make_space
from tests.oracles.driver import search as played
from tests.search.records import make_epoch, make_outcome
from tests.search.workers import KILLED, SPACE, FakeWorkers, completes, dies, make_job
from tunekit.errors import DataError, Interrupted, SearchError
from tunekit.oracles.tuners import Tuner, make_oracle
from tunekit.results import Failure, TimedEpoch, Trial, TrialRecord
from tunekit.search.coordinator import HOPELESS, MAX_DEATHS, Coordinator, Observer
from tunekit.search.state import State
from tunekit.space.space import Space
from tunekit.trial.jobs import Done, EpochDone, Event, Failed, Step
from tunekit.workers.workers import WorkerEvent

WHOLE = played(SPACE)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return make_state(tmp_path)


def make_state(folder: Path) -> State:
    state = State.create(folder / "state.db", {"seed": 0})
    # These tests kill no power: waiting for the disk at every step would take most of their time.
    state._db.execute("PRAGMA synchronous = OFF")
    return state


def coordinate(state: State, workers: Any, space: Space = SPACE, **changes: Any) -> Coordinator:
    checkpoints = changes.pop("checkpoints", state.path.parent / "checkpoints")
    oracle: Tuner = changes.pop("oracle", None) or make_oracle(space)
    return Coordinator(oracle, state, workers, make_job, checkpoints, space.objective, **changes)


def outcome(state: State) -> dict[str, tuple[Trial, float | None]]:
    return {record.trial.id: (record.trial, record.score) for record in state.records()}


def fails(cause: str, *trial_ids: str) -> Callable[[Trial, int], Event]:
    def ending(trial: Trial, attempt: int) -> Event:
        whose = not trial_ids or trial.id in trial_ids
        return Failed(Failure(cause, "it says why")) if whose else completes(trial, attempt)  # type: ignore[arg-type]

    return ending


# A whole search


@pytest.mark.parametrize("count", [1, 2, 8])
def test_a_search_runs_to_its_end(state: State, count: int) -> None:
    workers = FakeWorkers(count)

    assert coordinate(state, workers).run() is True
    assert outcome(state) == WHOLE.ordered
    assert {record.status for record in state.records()} == {"COMPLETED"}
    assert sorted(workers.submitted) == sorted(WHOLE.trials), "each was trained once"
    for record in state.records():
        numbers = [timed.epoch.number for timed in state.curve(record.trial.id)]
        assert numbers == list(range(1, record.trial.epochs + 1))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    count=st.integers(1, 5),
    order=st.randoms(use_true_random=False),
    dying=st.sets(st.sampled_from(sorted(WHOLE.trials)), max_size=8),
)
def test_neither_deaths_nor_the_order_change_the_outcome(
    tmp_path_factory: pytest.TempPathFactory, count: int, order: Random, dying: set[str]
) -> None:
    state = make_state(tmp_path_factory.mktemp("search"))
    workers = FakeWorkers(count, dies(*dying), order)

    assert coordinate(state, workers).run() is True
    assert outcome(state) == WHOLE.ordered
    assert {record.trial.id for record in state.records() if record.deaths} == dying
    state.close()


def test_no_event_of_a_job_that_is_over_is_taken(state: State) -> None:
    class Chatty(FakeWorkers):
        def events(self, timeout: float) -> list[WorkerEvent]:
            found = super().events(timeout)
            return [*found, *(WorkerEvent(0, "", Step(1, 0.5)) for _ in found), *found[-1:]]

    assert coordinate(state, Chatty(2)).run() is True
    assert outcome(state) == WHOLE.ordered


def test_other_brackets_keep_workers_busy_while_a_rung_waits_for_its_last_trial(state: State) -> None:
    class OneIsSlow(FakeWorkers):
        """The first trial of the first bracket ends when nothing else runs any more."""

        def events(self, timeout: float) -> list[WorkerEvent]:
            if len(self.jobs) > 1:
                self.jobs.sort(key=lambda job: job.id == "00")
            elif [job.id for job in self.jobs] == ["00"]:
                meanwhile.extend(self.submitted)
            return super().events(timeout)

    meanwhile: list[str] = []
    coordinate(state, OneIsSlow(3)).run()
    of_the_first = [trial for trial in WHOLE.trials.values() if trial.bracket == WHOLE.trials["00"].bracket]
    waiting = {trial.id for trial in of_the_first if trial.round}
    assert waiting
    assert set(meanwhile) == set(WHOLE.trials) - waiting
    assert outcome(state) == WHOLE.ordered


# Failures


@pytest.mark.parametrize("cause", ["killed", "oom"])
def test_a_trial_that_cost_a_worker_is_tried_again(state: State, cause: str) -> None:
    def ending(trial: Trial, attempt: int) -> Event:
        first = trial.id == "03" and attempt == 1
        return fails(cause)(trial, attempt) if first else completes(trial, attempt)

    workers = FakeWorkers(2, ending)
    coordinate(state, workers).run()

    assert workers.submitted.count("03") == 2
    assert outcome(state) == WHOLE.ordered
    record = state.find("03")
    assert record is not None
    assert record.deaths == 1


def test_a_trial_that_cost_two_workers_has_failed_for_good(state: State) -> None:
    workers = FakeWorkers(2, dies("03", times=99))
    coordinate(state, workers).run()

    record = state.find("03")
    assert record is not None
    assert (record.status, record.failure, record.deaths) == ("FAILED", KILLED, MAX_DEATHS)
    assert workers.submitted.count("03") == MAX_DEATHS
    assert state.find("03.1") is not None, "another configuration takes its place"


@pytest.mark.parametrize("cause", ["exception", "nan", "timeout"])
def test_what_would_happen_again_is_not_tried_again(state: State, cause: str) -> None:
    workers = FakeWorkers(2, fails(cause, "03"))
    coordinate(state, workers).run()

    record = state.find("03")
    assert record is not None
    assert record.failure == Failure(cause, "it says why")  # type: ignore[arg-type]
    assert workers.submitted.count("03") == 1


def test_deaths_that_come_together_wait_for_their_workers(state: State) -> None:
    """All workers' events come at once: those that complete take the workers of those that died."""

    class AllAtOnce(FakeWorkers):
        def events(self, timeout: float) -> list[WorkerEvent]:
            chosen, self.jobs = self.jobs, []
            completing = sorted(chosen, key=lambda job: job.id in dying)
            attempts = [(job, self.submitted.count(job.id)) for job in completing]
            return [
                WorkerEvent(0, job.id, event) for job, n in attempts for event in self._events(job.trial, n)
            ]

    dying = ("01", "03", "07")
    coordinate(state, AllAtOnce(4, dies(*dying))).run()
    assert outcome(state) == WHOLE.ordered


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_no_number_is_a_failure(state: State, score: float) -> None:
    def ending(trial: Trial, attempt: int) -> Event:
        return Done(make_outcome(score), 0) if trial.id == "03" else completes(trial, attempt)

    coordinate(state, FakeWorkers(2, ending)).run()

    record = state.find("03")
    assert record is not None
    assert record.failure == Failure("nan", f"its score is {score}")


def test_an_error_that_is_not_the_trials_ends_the_search_as_it_is(state: State) -> None:
    error = DataError("mnist.npz: expected the images that the search began with, got others")

    def ending(trial: Trial, attempt: int) -> Event:
        return Failed(Failure("exception", "x"), error) if trial.id == "03" else completes(trial, attempt)

    with pytest.raises(DataError) as caught:
        coordinate(state, FakeWorkers(2, ending)).run()
    assert caught.value is error
    record = state.find("03")
    assert record is not None
    assert record.status == "RUNNING", "a resume trains it"


def test_when_the_first_trials_all_fail_the_search_is_called_wrong(state: State) -> None:
    with pytest.raises(SearchError, match=f"first {HOPELESS} trials all failed, the last with exception"):
        coordinate(state, FakeWorkers(1, fails("exception"))).run()
    assert [record.status for record in state.records()].count("FAILED") == HOPELESS


def test_after_one_success_failures_do_not_end_a_search(state: State) -> None:
    def ending(trial: Trial, attempt: int) -> Event:
        return completes(trial, attempt) if trial.id == "00" else fails("exception")(trial, attempt)

    assert coordinate(state, FakeWorkers(1, ending)).run() is True
    assert len(state.records()) > HOPELESS


# Ending early and going on


def test_an_interruption_is_raised_between_events(state: State) -> None:
    asked = iter([False] * 5)

    with pytest.raises(Interrupted):
        coordinate(state, FakeWorkers(2), interrupted=lambda: next(asked, True)).run()
    assert [record.status for record in state.records()] == ["COMPLETED"] * 5 + ["RUNNING"] * 2


def test_when_the_time_is_over_nothing_runs_any_more(state: State) -> None:
    class Slow(FakeWorkers):
        def events(self, timeout: float) -> list[WorkerEvent]:
            time.sleep(0.05)
            return super().events(timeout)

    workers = Slow(2)
    began = time.time()
    assert coordinate(state, workers, deadline=began + 0.2).run() is False
    assert 0.2 <= time.time() - began < 2
    assert workers.busy == 0
    assert {record.status for record in state.records()} == {"COMPLETED", "RUNNING"}


def test_a_time_that_is_over_already_starts_nothing(state: State) -> None:
    assert coordinate(state, FakeWorkers(2), deadline=time.time() - 1).run() is False
    assert state.records() == []


@pytest.mark.parametrize("steps", [0, 1, 9, 13, 22])
def test_a_resume_trains_only_what_has_not_ended(state: State, steps: int) -> None:
    asked = iter([False] * steps)
    with pytest.raises(Interrupted):
        coordinate(state, FakeWorkers(3), interrupted=lambda: next(asked, True)).run()
    ended = {record.trial.id for record in state.records() if record.status == "COMPLETED"}
    workers = FakeWorkers(2)

    assert coordinate(state, workers).run() is True
    assert ended.isdisjoint(workers.submitted)
    assert outcome(state) == WHOLE.ordered


def test_a_search_that_is_complete_needs_no_worker(state: State) -> None:
    coordinate(state, FakeWorkers(2)).run()
    workers, observer = FakeWorkers(2), Witness(state)

    assert coordinate(state, workers, observers=[observer]).run() is True
    assert workers.submitted == []
    assert observer.told == []


def test_a_changed_space_is_refused(state: State) -> None:
    coordinate(state, FakeWorkers(2)).run()

    with pytest.raises(SearchError, match="Trial 00 of this search has other values"):
        coordinate(state, FakeWorkers(2), make_space(max_epochs=9, seed=1)).run()


def test_repeats_are_written_as_such(state: State) -> None:
    coordinate(state, FakeWorkers(2), kind="repeat").run()

    assert {record.kind for record in state.records()} == {"repeat"}


# Observers


class Witness(Observer):
    """Checks at every step that the state has it already."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.told: list[tuple[str, str]] = []
        self.ticks = 0

    def trial_started(self, record: TrialRecord, worker: int) -> None:
        found = self.state.find(record.trial.id)
        assert found == record
        assert record.status == "RUNNING"
        self.told.append(("started", record.trial.id))

    def epoch_done(self, record: TrialRecord, epoch: TimedEpoch) -> None:
        assert epoch in self.state.own_epochs(record.trial.id)
        self.told.append(("epoch", record.trial.id))

    def trial_ended(self, record: TrialRecord) -> None:
        assert self.state.find(record.trial.id) == record
        assert record.status != "RUNNING"
        self.told.append(("ended", record.trial.id))

    def progressed(self, trial_id: str, worker: int, step: Step) -> None:
        self.told.append(("progressed", trial_id))

    def tick(self) -> None:
        self.ticks += 1


def test_observers_are_told_what_the_state_has(state: State) -> None:
    witness = Witness(state)
    coordinate(state, FakeWorkers(3, dies("03"), Random(1)), observers=[witness]).run()

    assert witness.ticks > 0
    for name, trial in WHOLE.trials.items():
        told = [what for what, whose in witness.told if whose == name]
        epochs = ["epoch"] * (trial.epochs - trial.initial_epoch)
        assert told == ["started", *(["started"] if name == "03" else []), *epochs, "ended"]


def test_signs_of_life_are_passed_on(state: State) -> None:
    class Lively(FakeWorkers):
        def _events(self, trial: Trial, attempt: int) -> list[Event]:
            return [Step(1, 0.5), *super()._events(trial, attempt)]

    witness = Witness(state)
    coordinate(state, Lively(1), make_space(max_epochs=9, max_trials=2), observers=[witness]).run()
    assert witness.told.count(("progressed", "00")) == 1


def test_a_worker_gets_its_next_trial_before_the_last_one_is_drawn(state: State) -> None:
    witness = Witness(state)
    coordinate(state, FakeWorkers(1), observers=[witness]).run()

    assert witness.told.index(("started", "01")) < witness.told.index(("ended", "00"))


def test_an_epoch_that_is_told_twice_is_passed_on_once(state: State) -> None:
    class Stammering(FakeWorkers):
        def _events(self, trial: Trial, attempt: int) -> list[Event]:
            return [EpochDone(make_epoch(trial.initial_epoch + 1)), *super()._events(trial, attempt)]

    witness = Witness(state)
    coordinate(state, Stammering(1), observers=[witness]).run()
    assert witness.told.count(("epoch", "00")) == 1


# Checkpoints


class Keeper(Observer):
    """Compares the checkpoints that there are with those that are needed, whenever a trial has ended."""

    def __init__(self, state: State, workers: FakeWorkers, run: Run) -> None:
        self.state, self.workers, self.run = state, workers, run

    def trial_ended(self, record: TrialRecord) -> None:
        assert self.workers.checkpoints is not None
        running = {each.trial.id for each in self.state.records() if each.status == "RUNNING"}
        found = {folder.name for folder in self.workers.checkpoints.iterdir()}
        assert found - running == self.needed() - running

    def needed(self) -> set[str]:
        records = self.state.records()
        done = [record for record in records if record.status == "COMPLETED"]
        ended = {record.trial.id for record in records if record.status != "RUNNING"}
        best = max(done, key=lambda record: (record.trial.epochs, record.score, -int(record.trial.id)))
        needed = {best.trial.id}
        for bracket, rounds in ((2, 3), (1, 2), (0, 1)):
            for number in range(rounds - 1):
                rung = {trial.id for trial in self.run.rung(bracket, number)}
                children = self.run.rung(bracket, number + 1)
                if rung <= ended:
                    needed |= {str(child.parent) for child in children if child.id not in ended}
                else:
                    finished = [record for record in done if record.trial.id in rung]
                    finished.sort(key=lambda record: (-(record.score or 0), record.trial.id))
                    needed |= {record.trial.id for record in finished[: len(children)]}
        return needed


@pytest.mark.parametrize("count", [1, 3])
def test_exactly_the_checkpoints_that_may_be_needed_are_kept(
    state: State, tmp_path: Path, count: int
) -> None:
    folder = tmp_path / "checkpoints"
    workers = FakeWorkers(count, order=Random(2), checkpoints=folder)
    coordinate(state, workers, observers=[Keeper(state, workers, WHOLE)], checkpoints=folder).run()

    best = max(WHOLE.trials, key=lambda name: (WHOLE.trials[name].epochs, WHOLE.scores[name], -int(name)))
    assert [file.name for file in folder.iterdir()] == [best]


def test_checkpoints_that_a_kill_left_behind_are_deleted(state: State, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    workers = FakeWorkers(2, checkpoints=folder)
    coordinate(state, workers, checkpoints=folder).run()
    (best,) = folder.iterdir()
    (folder / "03").mkdir()

    coordinate(state, FakeWorkers(2), checkpoints=folder).run()
    assert list(folder.iterdir()) == [best]


def test_a_failed_trials_checkpoint_is_deleted(state: State, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    workers = FakeWorkers(1, fails("exception", "00"), checkpoints=folder)
    coordinate(state, workers, make_space(max_epochs=9, max_trials=3), checkpoints=folder).run()

    assert "00" in workers.submitted
    assert not (folder / "00").exists()
