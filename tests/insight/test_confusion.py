"""The confusion matrix with few classes and with many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tunekit.insight.confusion import Mistake, draw_confusion, from_afar, most_frequent, shares_of


def test_the_most_frequent_mistakes_by_hand() -> None:
    confusion = np.array([[8, 2, 0], [4, 5, 1], [2, 0, 2]])
    assert most_frequent(confusion, 3) == [
        Mistake(1, 0, 4, 0.4),
        Mistake(2, 0, 2, 0.5),
        Mistake(0, 1, 2, 0.2),
    ]
    assert most_frequent(np.eye(3, dtype=int), 3) == []


def test_shares_of_a_class_without_examples() -> None:
    assert shares_of(np.array([[0, 0], [1, 3]])).tolist() == [[0, 0], [0.25, 0.75]]


def test_a_matrix_from_afar_keeps_the_largest_of_each_block() -> None:
    shares = np.zeros((5, 5))
    shares[0, 1], shares[3, 3], shares[4, 0] = 0.5, 1.0, 0.25
    blocks, side = from_afar(shares, 3)
    assert side == 2
    assert blocks.tolist() == [[0.5, 0, 0], [0, 1, 0], [0.25, 0, 0]]


@pytest.mark.parametrize("classes", [2, 10, 40, 41, 1000])
@pytest.mark.parametrize("right", [True, False])
def test_any_number_of_classes_is_drawn_within_bounds(classes: int, right: bool, tmp_path: Path) -> None:
    confusion = 9 * np.eye(classes, dtype=int)
    if not right:
        confusion[0, -1] = 7
    names = [f"a class with a rather long name, number {number}" for number in range(classes)]
    path = draw_confusion(confusion.tolist(), names, "test set", tmp_path / "confusion.png")
    with Image.open(path) as image:
        assert max(image.size) <= 1300
    assert path.stat().st_size < 300_000
