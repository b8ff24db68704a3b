"""Checkpoints kept within a limit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oracles.driver import search as played
from tests.search.test_coordinator import coordinate, make_state, outcome
from tests.search.workers import SPACE, FakeWorkers, completes, dies
from tunekit.errors import StoreError
from tunekit.results import Trial
from tunekit.search.room import Room, size
from tunekit.search.state import State
from tunekit.trial.jobs import Event

WHOLE = played(SPACE)
BEST, LAST = 1000, 3000
NEED = BEST + LAST + LAST
"""Of a trial while its last checkpoint is written beside the one before."""


class Writers(FakeWorkers):
    """Leave two files a trial, and see how much all take while they write."""

    most = 0

    def _events(self, trial: Trial, attempt: int) -> list[Event]:
        assert self.checkpoints is not None
        folder = self.checkpoints / trial.id
        folder.mkdir(parents=True, exist_ok=True)
        for name, length in (("best.npz", BEST), ("last.npz", LAST)):
            (folder / f".{name}.123").write_bytes(bytes(length))
            (folder / f".{name}.123").replace(folder / name)
            (folder / ".next").write_bytes(bytes(length))
            self.most = max(self.most, taken(self.checkpoints))
            (folder / ".next").unlink()
        return super()._events(trial, attempt)


def taken(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def state(tmp_path: Path) -> State:
    return make_state(tmp_path)


def run(state: State, most: int | None, count: int = 3, **changes: Any) -> Writers:
    folder = state.path.parent / "checkpoints"
    workers = Writers(count, checkpoints=folder, **changes)
    assert coordinate(state, workers, checkpoints=folder, disk_max=most).run() is True
    return workers


def test_without_a_limit_more_is_taken(state: State) -> None:
    assert run(state, None, 8).most > 30_000


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("most", [24_000, 30_000])
def test_the_limit_is_kept_and_the_outcome_the_same(state: State, count: int, most: int) -> None:
    workers = run(state, most, count)

    assert 0 < workers.most <= most
    assert outcome(state) == WHOLE.ordered
    assert sorted(workers.submitted) == sorted(WHOLE.trials), "each was trained once"


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    most=st.integers(45_000, 60_000),
    count=st.integers(1, 5),
    order=st.randoms(use_true_random=False),
    dying=st.sets(st.sampled_from(sorted(WHOLE.trials)), max_size=8),
)
def test_neither_deaths_nor_the_order_break_the_limit(
    tmp_path_factory: pytest.TempPathFactory, most: int, count: int, order: Random, dying: Sequence[str]
) -> None:
    state = make_state(tmp_path_factory.mktemp("search"))
    workers = run(state, most, count, ending=dies(*dying), order=order)

    assert workers.most <= most
    assert outcome(state) == WHOLE.ordered
    state.close()


@pytest.mark.parametrize("most", [1, NEED, 2 * NEED])
def test_a_limit_that_cannot_be_kept_ends_the_search_and_a_resume_goes_on(state: State, most: int) -> None:
    with pytest.raises(StoreError) as caught:
        run(state, most)
    said = str(caught.value)
    assert said.startswith(f"{state.path.parent / 'checkpoints'}: --disk-max {size(most)} is reached: trial ")
    assert "needs about 7KB beside the " in said
    wanted = said.split("Resume with --disk-max ")[1].split()[0]
    assert wanted.endswith("KB")
    assert float(wanted.removesuffix("KB")) * 1000 > most
    ended = {record.trial.id for record in state.records() if record.status != "RUNNING"}
    assert ended

    workers = run(state, None)
    assert ended.isdisjoint(workers.submitted)
    assert outcome(state) == WHOLE.ordered


def test_what_the_error_asks_for_is_enough_to_go_on(state: State) -> None:
    """Step by step, until the whole search has room."""
    most, asked = 1, []
    for _ in range(20):
        try:
            run(state, most)
        except StoreError as error:
            text = str(error).split("Resume with --disk-max ")[1].split()[0]
            asked.append(most := int(float(text.removesuffix("KB")) * 1000))
        else:
            break
    assert asked == sorted(set(asked)), "each step got further"
    assert asked[-1] <= 24_000
    assert outcome(state) == WHOLE.ordered


def test_until_a_checkpoint_has_been_seen_one_trial_runs_alone(state: State) -> None:
    running: list[int] = []

    def ending(trial: Trial, attempt: int) -> Event:
        running.append(workers.busy + 1)
        return completes(trial, attempt)

    folder = state.path.parent / "checkpoints"
    workers = Writers(4, ending, checkpoints=folder)
    coordinate(state, workers, checkpoints=folder, disk_max=100 * NEED).run()
    assert running[0] == 1
    assert max(running) == 4


def test_a_trial_that_finds_no_room_is_not_begun(state: State) -> None:
    with pytest.raises(StoreError):
        run(state, 1)
    assert [record.status for record in state.records()] == ["COMPLETED"]


def test_a_trial_under_way_counts_as_large_as_it_will_be(tmp_path: Path) -> None:
    (tmp_path / "00").mkdir()
    (tmp_path / "00/last.npz").write_bytes(bytes(60))
    (tmp_path / "00/best.npz").write_bytes(bytes(40))
    (tmp_path / "00/.last.npz.123").write_bytes(bytes(1000))
    room = Room(tmp_path, 420)

    assert room.holds("01", ())
    assert room.holds("01", {"00"})
    assert not room.holds("02", {"00", "01"})
    room.forget("00")
    assert room.holds("02", {"01"})


@pytest.mark.parametrize(
    ("number", "text", "up"),
    [
        (1, "1B", "1B"),
        (999, "999B", "999B"),
        (1000, "1KB", "1KB"),
        (1_234_567, "1.2MB", "1.3MB"),
        (2_000_000_001, "2GB", "2.1GB"),
    ],
)
def test_sizes_are_written_as_the_option_takes_them(number: int, text: str, up: str) -> None:
    assert size(number) == text
    assert size(number, up=True) == up


def test_a_history_counts_as_what_it_can_become(tmp_path: Path) -> None:
    """One snapshot of nine is there: eight more of its size may follow."""
    (tmp_path / "00").mkdir()
    np.savez(tmp_path / "00/features.npz", **{"1/conv/kernel": np.zeros(1000), "1/conv/bias": np.zeros(5)})
    taken = (tmp_path / "00/features.npz").stat().st_size
    need = taken + taken + 8 * taken

    assert Room(tmp_path, taken + need).holds("01", ())
    assert not Room(tmp_path, taken + need - 1).holds("01", ())


def test_a_damaged_history_counts_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "00").mkdir()
    (tmp_path / "00/features.npz").write_bytes(bytes(40))

    assert Room(tmp_path, 40 + 80).holds("01", ())
    assert not Room(tmp_path, 40 + 80 - 1).holds("01", ())


def test_executions_of_a_trial_take_room_each(tmp_path: Path) -> None:
    """From the first one's checkpoints it is known what all will take, of which one writes at a time."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "best.npz").write_bytes(bytes(BEST))
    (tmp_path / "1" / "last.npz").write_bytes(bytes(LAST))
    whole = 2 * (BEST + LAST) + LAST
    assert Room(tmp_path, whole, 2).holds("1", ())
    assert not Room(tmp_path, whole - 1, 2).holds("1", ())

    (tmp_path / "1" / "execution-2").mkdir()
    (tmp_path / "1" / "execution-2" / "last.npz").write_bytes(bytes(LAST))
    taken_now = BEST + LAST + LAST
    assert Room(tmp_path, taken_now + whole, 2).holds("2", ())
    assert not Room(tmp_path, taken_now + whole - 1, 2).holds("2", ())
