"""Pictures take a small share of a trial's time, and what does not fit is named."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tunekit.trial import allowance
from tunekit.trial.allowance import SHARE, Allowance


@pytest.fixture(autouse=True)
def _nothing_drawn_yet() -> Iterator[None]:
    before = dict(allowance._seconds)
    allowance._seconds.clear()
    yield
    allowance._seconds.clear()
    allowance._seconds.update(before)


def drawn(allowance: Allowance, *kinds: str, seconds: float = 0.0) -> list[str]:
    found: list[str] = []

    def make(kind: str) -> None:
        time.sleep(seconds)
        found.append(kind)

    for kind in kinds:
        allowance.draw(kind, lambda kind=kind: make(kind))  # type: ignore[misc]
    return found


def test_a_long_trial_has_time_for_all() -> None:
    long = Allowance(time.perf_counter() - 60, everything=False)
    assert drawn(long, "curves", "filters") == ["curves", "filters"]
    assert long.left_out == []


def test_a_trial_that_has_just_begun_has_time_for_none() -> None:
    short = Allowance(time.perf_counter(), everything=False)
    assert drawn(short, "curves", "filters") == []
    assert short.left_out == ["curves", "filters"]


def test_what_was_spent_before_counts() -> None:
    began = time.perf_counter() - 60
    trial = Allowance(began, everything=False, spent=SHARE * 60)
    assert drawn(trial, "curves") == []


def test_all_are_drawn_where_all_are_wanted() -> None:
    assert drawn(Allowance(time.perf_counter(), everything=True), "curves", "filters") == [
        "curves",
        "filters",
    ]


def test_pictures_together_stay_within_the_share() -> None:
    began = time.perf_counter() - 4
    looked = time.perf_counter()
    trial = Allowance(began, everything=False)
    found = drawn(trial, *map(str, range(50)), seconds=0.02)
    # Each is its first of a kind, so that one may be drawn that takes longer than was thought.
    assert time.perf_counter() - looked <= SHARE * (time.perf_counter() - began) + 0.04
    assert 2 <= len(found) < 12
    assert len(found) + len(trial.left_out) == 50


def test_a_picture_that_is_known_to_take_long_is_left_out_and_a_quick_one_is_not() -> None:
    drawn(Allowance(0, everything=True), "activations", seconds=0.3)
    drawn(Allowance(0, everything=True), "curves", seconds=0.001)
    trial = Allowance(time.perf_counter() - 2, everything=False)
    assert drawn(trial, "activations", "curves") == ["curves"]
    assert trial.left_out == ["activations"]


def test_a_moment_of_load_leaves_no_picture_out_for_good() -> None:
    drawn(Allowance(0, everything=True), "curves", seconds=0.3)
    drawn(Allowance(0, everything=True), "curves", seconds=0.001)
    assert drawn(Allowance(time.perf_counter() - 2, everything=False), "curves") == ["curves"]
