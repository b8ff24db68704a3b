"""Mistakes and pairs of classes, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tunekit.insight.explain.mistakes import Mistake, mistakes

SAID = np.array(
    [
        [0.9, 0.1, 0.0],  # right
        [0.2, 0.7, 0.1],  # 0 as 1
        [0.1, 0.6, 0.3],  # right
        [0.8, 0.1, 0.1],  # 1 as 0
        [0.5, 0.4, 0.1],  # 1 as 0
        [0.1, 0.9, 0.0],  # 2 as 1
        [0.0, 0.1, 0.9],  # right
    ]
)
LABELS = np.array([0, 0, 1, 1, 1, 2, 2])


def test_the_surest_mistakes_come_first() -> None:
    found = mistakes(SAID, LABELS)
    assert (found.images, found.wrong) == (7, 4)
    assert [one.image for one in found.worst] == [5, 3, 1, 4]
    assert found.worst[1] == Mistake(3, 1, 0, pytest.approx(0.8), pytest.approx(0.1))


def test_pairs_count_both_directions() -> None:
    first, second = mistakes(SAID, LABELS).pairs
    assert (first.one, first.other, first.one_as_other, first.other_as_one, first.count) == (0, 1, 1, 2, 3)
    assert first.share == pytest.approx(3 / 5)
    assert (second.one, second.other, second.one_as_other, second.other_as_one) == (1, 2, 0, 1)
    assert second.share == pytest.approx(1 / 5)


def test_no_mistake() -> None:
    found = mistakes(np.eye(3), np.arange(3))
    assert (found.wrong, found.worst, found.pairs) == (0, (), ())
