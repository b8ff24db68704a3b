"""A search that is struck down at any of its writes ends as if nothing had happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Tell
from tests.failing import Counter, Struck
from tests.oracles.driver import make_space, scored
from tests.oracles.driver import search as played
from tests.search.records import make_outcome
from tests.search.workers import KILLED, FakeWorkers, make_job
from tunekit.failpoints import armed
from tunekit.oracles.tuners import make_oracle
from tunekit.results import Failure, Trial
from tunekit.search.coordinator import Coordinator
from tunekit.search.state import State
from tunekit.trial.jobs import Done, Event, Failed

SPACE = make_space(max_epochs=4, factor=2)


def score(trial: Trial) -> float | None:
    return None if trial.id == "01" else scored(trial)


def ending(trial: Trial, attempt: int) -> Event:
    """One trial fails, one costs its first worker."""
    value = score(trial)
    if value is None:
        return Failed(Failure("exception", "it says why"))
    return Failed(KILLED) if trial.id == "03" and attempt == 1 else Done(make_outcome(value), 0)


WHOLE = played(SPACE, score)


class History:
    """One search over several processes: each ends at a failpoint, the last at the search's end."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.path = folder / "state.db"
        self.checkpoints = folder / "checkpoints"
        self.checkpoints.mkdir(parents=True)
        self.workers = workers
        self.submitted: list[str] = []
        self.completed: set[str] = set()
        self.reached: list[str] = []

    def live(self, strike_at: int | None) -> bool:
        """One process; whether it came to the end."""
        counter = Counter(strike_at)
        state: State | None = None
        try:
            with armed(counter):
                state = State.open(self.path) if self.path.exists() else State.create(self.path, {"seed": 0})
                state._db.execute("PRAGMA synchronous = OFF")
                return self.coordinate(state)
        except Struck:
            return False
        finally:
            self.reached = counter.reached
            if state is not None:
                state.close()

    def coordinate(self, state: State) -> bool:
        self.completed = {record.trial.id for record in state.records() if record.status != "RUNNING"}
        before = len(self.submitted)
        # The same list for all processes: an attempt's number is that of the whole search.
        workers: Any = FakeWorkers(
            self.workers, ending, checkpoints=self.checkpoints, submitted=self.submitted
        )
        try:
            return Coordinator(
                make_oracle(SPACE), state, workers, make_job, self.checkpoints, SPACE.objective
            ).run()
        finally:
            assert self.completed.isdisjoint(self.submitted[before:]), "run again after it had ended"

    def assert_whole(self) -> None:
        state = State.open(self.path)
        found = {record.trial.id: (record.trial, record.score) for record in state.records()}
        assert found == WHOLE.ordered
        for record in state.records():
            numbers = [timed.epoch.number for timed in state.curve(record.trial.id)]
            whole = record.trial.epochs if record.status == "COMPLETED" else len(numbers)
            assert numbers == list(range(1, whole + 1))
        assert [path.name for path in self.checkpoints.iterdir()] == [best(WHOLE.ordered)]
        state.close()


def best(ordered: dict[str, tuple[Trial, float | None]]) -> str:
    return max(
        (name for name, (_, value) in ordered.items() if value is not None),
        key=lambda name: (ordered[name][0].epochs, ordered[name][1], -float(name)),
    )


def through(folder: Path, strikes: Sequence[int], workers: int = 2) -> History:
    """Struck at these hits, one a process, and then left in peace."""
    history = History(folder, workers)
    for strike_at in strikes:
        if history.live(strike_at):
            break
    else:
        assert history.live(None)
    history.assert_whole()
    return history


@pytest.fixture(scope="module")
def hits(tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many failpoints an uninterrupted search reaches."""
    reached = through(tmp_path_factory.mktemp("whole"), []).reached
    assert {name.split(".")[1] for name in reached} == {
        "create",
        "begin",
        "add_epoch",
        "count_death",
        "end",
        "prune",
        "together",
    }
    return len(reached)


@pytest.mark.parametrize("workers", [1, 3])
def test_struck_at_every_single_write(
    tmp_path_factory: pytest.TempPathFactory, hits: int, workers: int
) -> None:
    for strike_at in range(1, hits + 1):
        through(tmp_path_factory.mktemp("struck"), [strike_at], workers)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    first=st.integers(1, 400),
    second=st.integers(1, 400),
    more=st.lists(st.integers(1, 60), max_size=4),
    workers=st.integers(1, 4),
)
def test_struck_again_while_it_recovers(
    tmp_path_factory: pytest.TempPathFactory, first: int, second: int, more: list[int], workers: int
) -> None:
    through(tmp_path_factory.mktemp("struck"), [first, second, *more], workers)


@pytest.mark.long
def test_struck_at_every_write_and_at_every_one_of_the_recovery(
    tmp_path_factory: pytest.TempPathFactory, hits: int, tell: Tell
) -> None:
    pairs = [(first, second) for first in range(1, hits + 1, 3) for second in range(1, hits + 1, 5)]
    for first, second in pairs:
        through(tmp_path_factory.mktemp("struck"), [first, second])
    tell(f"{len(pairs)} pairs of writes struck")
