"""Where the time went, worked out by hand."""

from __future__ import annotations

import pytest

from tests.report.materials import BEGAN, material, record, timed
from tunekit.report.spent import covered, side_by_side, spent
from tunekit.results import Failure


def test_intervals_that_overlap_are_counted_once() -> None:
    assert covered([(0, 10), (5, 12), (20, 21), (1, 2)]) == 13
    assert covered([]) == 0


def test_side_by_side_is_the_most_at_one_time() -> None:
    assert side_by_side([(0, 10), (5, 12), (6, 7), (20, 21)]) == 3
    assert side_by_side([(0, 10), (10, 20)]) == 1, "one ends as the other begins"
    assert side_by_side([]) == 0


def test_the_parts_add_up_to_the_workers_time() -> None:
    records = [
        record("0", 0.5, at=(2, 12), seconds=9.0, looking=1.0),
        record("1", 0.6, at=(2, 6), seconds=4.0, looking=0.5),
        record("2", at=(6, 9), failure=Failure("nan", "loss")),
        record("3", at=(20, None)),
    ]
    epochs = {
        "0": [timed(1, 3.0, 7), timed(2, 3.0, 11)],
        "1": [timed(1, 2.0, 5)],
        "2": [timed(1, 1.0, 8)],
        "3": [timed(1, 4.0, 25)],
    }
    found = spent(material(*records, epochs=epochs))
    assert found.workers == 2
    assert found.wall == 25
    assert found.idle == 2 + 8, "before the first trial, and from 12 to 20"
    assert found.training == 6 + 2 + 4
    assert found.looking == 1.5
    assert found.building == (9 - 6 - 1) + (4 - 2 - 0.5)
    assert found.failed == 3
    assert found.waiting == pytest.approx(2 * 15 - (12 + 1.5 + 3.5 + 3))
    assert found.total == pytest.approx(2 * 15)
    assert found.recording == 1.5


def test_a_search_without_trials_took_no_time() -> None:
    found = spent(material(created=BEGAN))
    assert (found.workers, found.wall, found.idle, found.total) == (0, 0, 0, 0)


def test_work_done_before_a_crash_does_not_count_as_building() -> None:
    """The outcome's seconds are those of the last attempt, the epochs also those of the one before."""
    found = spent(material(record("0", 0.5, at=(0, 30), seconds=5.0), epochs={"0": [timed(1, 8.0, 9)]}))
    assert found.building == 0
    assert found.waiting == 30 - 8 - 1
