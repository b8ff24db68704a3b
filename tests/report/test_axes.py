"""Where values lie on a parameter's axis."""

from __future__ import annotations

import pytest

from tunekit.report.axes import Axis, axis_of
from tunekit.space.parameters import Choice, Fixed, Range


def test_a_logarithmic_range_by_decades() -> None:
    axis = axis_of(Range("learning_rate", 1e-4, 1e-1, scale="log"))
    assert axis is not None
    assert axis.place(1e-4) == 0
    assert axis.place(1e-3) == pytest.approx(1 / 3)
    assert axis.place(0.1) == pytest.approx(1)
    assert [text for _, text in axis.ticks()] == ["0.0001", "0.001", "0.01", "0.1"]


def test_a_short_logarithmic_range_has_ticks_between_decades() -> None:
    axis = axis_of(Range("units", 20, 600, scale="log"))
    assert axis is not None
    assert [text for _, text in axis.ticks()] == ["20", "50", "100", "200", "500"]


def test_very_many_decades_are_thinned() -> None:
    axis = axis_of(Range("l2", 1e-12, 1e-1, scale="log"))
    assert axis is not None
    assert len(axis.ticks()) <= 5


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.0, 0.5, ["0", "0.2", "0.4"]),
        (0.5, 0.99, ["0.6", "0.8"]),
        (1, 4, ["1", "2", "3", "4"]),
        (-1.0, 1.0, ["-1", "-0.5", "0", "0.5", "1"]),
        (16, 512, ["200", "400"]),
    ],
)
def test_a_linear_range_has_round_ticks(low: float, high: float, texts: list[str]) -> None:
    axis = axis_of(Range("any", low, high))
    assert axis is not None
    assert [text for _, text in axis.ticks()] == texts
    assert all(-1e-9 <= place <= 1 + 1e-9 for place, _ in axis.ticks())


def test_categories_stand_side_by_side() -> None:
    axis = axis_of(Choice("batch_norm", (True, False)))
    assert axis is not None
    assert axis.ticks() == [(0.25, "true"), (0.75, "false")]


def test_a_fixed_parameter_has_no_axis() -> None:
    assert axis_of(Fixed("batch_size", 32)) is None


def test_ticks_never_leave_the_axis() -> None:
    for low, high in [(0.3, 0.31), (1e-9, 2e-9), (5, 6), (0.99, 1000.0)]:
        for log in (False, True):
            axis = Axis("any", (), low, high, log)
            assert all(-1e-6 <= place <= 1 + 1e-6 for place, _ in axis.ticks()), (low, high, log)
            assert len(axis.ticks()) <= 5
