"""Brackets and rungs, from the trials alone."""

from __future__ import annotations

import math

from tests.report.materials import HALVED, SPACE, record
from tunekit.report.rungs import brackets
from tunekit.results import Failure

OBJECTIVE = SPACE.objective


def test_brackets_come_in_the_order_of_the_search_and_say_who_was_promoted() -> None:
    high, low = brackets(HALVED, OBJECTIVE)
    assert (high.number, low.number) == (1, 0)
    first, second = high.rungs
    assert [entry.id for entry in first.entries] == ["1", "2", "0"]
    assert [(entry.id, entry.child) for entry in first.promoted] == [("1", "3")]
    assert (first.epochs, first.best, first.median) == (1, 0.9, 0.7)
    assert (second.epochs, second.best, second.promoted) == (3, 0.95, [])
    assert [rung.number for rung in low.rungs] == [0]


def test_iterations_are_brackets_of_their_own() -> None:
    found = brackets([record("0", 0.5, bracket=1), record("1", 0.5, bracket=1, iteration=1)], OBJECTIVE)
    assert [(bracket.iteration, bracket.number) for bracket in found] == [(0, 1), (1, 1)]


def test_what_failed_runs_or_broke_comes_last_and_does_not_count() -> None:
    failed = record("0", failure=Failure("oom", "memory"))
    running = record("1", at=(0, None))
    repeat = record("2-repeat1", 0.99, kind="repeat")
    (bracket,) = brackets([failed, running, record("2", 0.4), record("3", math.nan), repeat], OBJECTIVE)
    (rung,) = bracket.rungs
    assert [entry.id for entry in rung.entries] == ["2", "0", "1", "3"]
    assert (rung.failed, rung.best, rung.median) == (1, 0.4, 0.4)


def test_a_rung_without_any_score() -> None:
    ((rung,),) = [bracket.rungs for bracket in brackets([record("0", at=(0, None))], OBJECTIVE)]
    assert (rung.best, rung.median) == (None, None)
