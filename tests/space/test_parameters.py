from __future__ import annotations

import math
from typing import Any

import pytest

from tunekit.space.parameters import Choice, Fixed, Range


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((0, math.nan), "finite numbers"),
        ((-math.inf, 0), "finite numbers"),
        ((1, 0), "min below max"),
        ((1, 1), "min below max"),
        ((0.0, 1.0, None, "log"), "min above 0 on a log scale"),
        ((0.0, 1.0, 0.0), "a step above 0"),
        ((0.0, 1.0, math.nan), "finite numbers"),
        ((1, 8, 1, "log"), "a step above 1 on a log scale"),
        ((0, 8, 9), "a step no larger than max - min"),
    ],
)
def test_a_range_checks_itself(arguments: tuple[Any, ...], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Range("x", *arguments)


@pytest.mark.parametrize(
    ("values", "expected"),
    [((), "at least one"), ((1, 1), "differ"), ((True, 1), "differ"), ((1, "a"), "one type")],
)
def test_a_choice_checks_itself(values: tuple[Any, ...], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Choice("x", values)


def test_whole_ranges() -> None:
    assert Range("x", 1, 5, 2).whole
    assert not Range("x", 1.0, 5.0).whole
    assert not Range("x", 1, 5, 0.5).whole


def test_smallest_and_largest() -> None:
    assert (Fixed("x", 3).smallest, Fixed("x", 3).largest) == (3, 3)
    assert (Choice("x", (3, 1, 2)).smallest, Choice("x", (3, 1, 2)).largest) == (1, 3)
    assert (Choice("x", ("b", "a")).smallest, Choice("x", ("b", "a")).largest) == ("b", "a")
    assert (Range("x", 0.5, 1.0).smallest, Range("x", 0.5, 1.0).largest) == (0.5, 1.0)
