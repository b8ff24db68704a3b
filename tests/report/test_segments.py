"""Learning curves in pieces."""

from __future__ import annotations

import math

from tests.report.materials import HALVED, material, timed
from tunekit.report.limits import Limits
from tunekit.report.segments import segments

EPOCHS = {
    "0": [timed(1, 1.0, 1, val_accuracy=0.5)],
    "1": [timed(1, 1.0, 1, val_accuracy=0.9)],
    "3": [timed(2, 1.0, 2, val_accuracy=math.nan), timed(3, 1.0, 3, val_accuracy=0.95)],
}


def test_a_promoted_trial_begins_where_its_parent_ended() -> None:
    found = {piece.trial: piece for piece in segments(material(*HALVED, epochs=EPOCHS), ["0", "1", "3"])}
    assert (found["1"].numbers, found["1"].values, found["1"].rung) == ((1,), (0.9,), 0)
    assert (found["3"].numbers, found["3"].values, found["3"].rung) == ((1, 3), (0.9, 0.95), 1)
    assert {name for name, piece in found.items() if piece.of_best} == {"1", "3"}


def test_the_best_trial_is_there_unasked_and_an_empty_curve_is_not() -> None:
    assert [piece.trial for piece in segments(material(*HALVED, epochs=EPOCHS), ["2"])] == ["3", "1"]


def test_limits_leave_a_margin_and_become_logarithmic_for_a_burst() -> None:
    assert Limits.of([0.0, 1.0, math.nan]) == Limits(-0.06, 1.06, False)
    burst = Limits.of([0.1, 100.0])
    assert burst.log
    assert burst.low < 0.1 < 100 < burst.high
    for values in ([], [0.5], [0.0], [math.inf]):
        limits = Limits.of(values)
        assert limits.low < limits.high
