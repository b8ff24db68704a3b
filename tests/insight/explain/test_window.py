"""Where windows read, against cases worked by hand and against the backend's own layers."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tunekit.insight.explain.window import Window


def test_without_padding() -> None:
    window = Window(size=6, extent=3, stride=2)
    assert window.count == 2  # the last place is read by none
    np.testing.assert_array_equal(window.places, [[0, 1, 2], [2, 3, 4]])
    assert window.inside.all()


def test_padding_of_an_odd_number_is_larger_at_the_end() -> None:
    window = Window(size=5, extent=2, stride=2, same=True)
    np.testing.assert_array_equal(window.places, [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(window.inside, [[True, True], [True, True], [True, False]])


def test_padding_on_both_sides() -> None:
    np.testing.assert_array_equal(Window(3, 3, same=True).places, [[-1, 0, 1], [0, 1, 2], [1, 2, 3]])


def test_dilation() -> None:
    window = Window(size=7, extent=3, dilation=2)
    assert (window.reach, window.count) == (5, 3)
    np.testing.assert_array_equal(window.places[1], [1, 3, 5])


def test_what_neighbouring_positions_read_together() -> None:
    assert Window(10, 3, stride=2).seen(1, 3) == (2, 8)
    assert Window(10, 3, same=True).seen(0, 0) == (-1, 1)


@pytest.mark.parametrize("size", [5, 6, 7])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("same", [True, False])
def test_a_backend_reads_the_same_places(size: int, stride: int, same: bool) -> None:
    window = Window(size, 3, stride, same=same)
    # The largest of rising numbers is the last place of a window that is inside.
    rising = np.arange(size, dtype=np.float32).reshape(1, size, 1)
    padding = "same" if same else "valid"
    pooled = np.asarray(keras.layers.MaxPooling1D(3, stride, padding)(rising)).reshape(-1)
    np.testing.assert_array_equal(pooled, np.where(window.inside, window.places, -1).max(axis=1))
