"""Each layer walked backwards, worked by hand."""

from __future__ import annotations

import numpy as np

from tunekit.insight.explain.steps import AveragePooling, Convolution, MaxPooling, Rectification, Scaling
from tunekit.insight.explain.window import Window
from tunekit.insight.graph import Array


def one(rows: list[list[float]]) -> Array:
    """One image of one channel."""
    return np.array(rows, np.float32)[None, :, :, None]


def square(window: Window) -> tuple[Window, Window]:
    return window, window


def test_switches_and_unpooling() -> None:
    entered = one([[1, 2, 0, 0], [3, 0, 0, 5], [9, 9, 1, 1], [0, 0, 4, 1]])
    pooling = MaxPooling(square(Window(4, 2, 2)))

    rows, columns = pooling.switches(entered)
    np.testing.assert_array_equal(rows[0, ..., 0], [[1, 1], [2, 3]])
    np.testing.assert_array_equal(columns[0, ..., 0], [[0, 3], [0, 2]])  # of two equal ones the first
    below = pooling.down(one([[10, 20], [30, 40]]), entered)
    np.testing.assert_array_equal(
        below[0, ..., 0], [[0, 0, 0, 0], [10, 0, 0, 20], [30, 0, 0, 0], [0, 0, 40, 0]]
    )


def test_the_largest_of_overlapping_windows_gets_what_all_of_them_hand_down() -> None:
    entered = one([[0, 0, 0], [0, 7, 0], [0, 0, 1]])
    below = MaxPooling(square(Window(3, 2))).down(one([[1, 2], [4, 8]]), entered)
    np.testing.assert_array_equal(below[0, ..., 0], [[0, 0, 0], [0, 15, 0], [0, 0, 0]])


def test_padding_is_never_the_largest() -> None:
    entered = one([[-1, -2, -3], [-4, -5, -6], [-7, -8, -9]])
    pooling = MaxPooling(square(Window(3, 2, 2, same=True)))
    below = pooling.down(one([[1, 2], [3, 4]]), entered)
    np.testing.assert_array_equal(below[0, ..., 0], [[1, 0, 2], [0, 0, 0], [3, 0, 4]])


def test_each_image_and_channel_has_its_own_switches() -> None:
    entered = np.zeros((2, 1, 2, 2), np.float32)
    entered[0, 0, 1, 0] = entered[1, 0, 0, 0] = entered[0, 0, 0, 1] = entered[1, 0, 1, 1] = 1
    pooling = MaxPooling((Window(1, 1), Window(2, 2, 2)))
    signal = np.array([[3.0, 4.0], [5.0, 6.0]], np.float32).reshape(2, 1, 1, 2)
    below = pooling.down(signal, entered)
    np.testing.assert_array_equal(below[0, 0], [[0, 4], [3, 0]])
    np.testing.assert_array_equal(below[1, 0], [[5, 0], [0, 6]])


def test_a_mean_is_spread_evenly_and_not_over_padding() -> None:
    entered = np.zeros((1, 3, 3, 1))
    below = AveragePooling(square(Window(3, 2, 2, same=True))).down(one([[4, 6], [8, 3]]), entered)
    np.testing.assert_array_equal(below[0, ..., 0], [[1, 1, 3], [1, 1, 3], [4, 4, 3]])


def test_a_mean_of_overlapping_windows() -> None:
    pooling = AveragePooling((Window(1, 1), Window(3, 2)))
    below = pooling.down(one([[2, 4]]), np.zeros((1, 1, 3, 1)))
    np.testing.assert_array_equal(below[0, ..., 0], [[1, 3, 2]])


def test_transposed_filters_of_a_row() -> None:
    # Two filters over one channel: (1, 2, 3) and (10, 0, 0), at stride 2 of five places.
    kernel = np.array([[1, 10], [2, 0], [3, 0]], np.float32).reshape(1, 3, 1, 2)
    step = Convolution((Window(1, 1), Window(5, 3, 2)), kernel)
    signal = np.array([[1, 0], [1, 1]], np.float32).reshape(1, 1, 2, 2)
    below = step.down(signal, np.zeros((1, 1, 5, 1)))
    np.testing.assert_allclose(below[0, 0, :, 0], [1, 2, 3 + 1 + 10, 2, 3])


def test_what_a_filter_adds_to_the_padding_is_left_out() -> None:
    kernel = np.array([1, 2, 3], np.float32).reshape(1, 3, 1, 1)
    step = Convolution((Window(1, 1), Window(2, 3, same=True)), kernel)
    below = step.down(one([[1, 10]]), np.zeros((1, 1, 2, 1)))
    np.testing.assert_allclose(below[0, 0, :, 0], [2 + 10, 3 + 20])


def test_places_that_no_window_reads_get_nothing() -> None:
    step = Convolution((Window(1, 1), Window(4, 1, 2)), np.full((1, 1, 1, 1), 5, np.float32))
    below = step.down(one([[1, 1]]), np.zeros((1, 1, 4, 1)))
    np.testing.assert_allclose(below[0, 0, :, 0], [5, 0, 5, 0])


def test_rectification_and_scaling() -> None:
    signal = np.array([[[[-1.0, 2.0]]]], np.float32)
    np.testing.assert_array_equal(Rectification().down(signal, signal), [[[[0, 2]]]])
    np.testing.assert_array_equal(Scaling(np.array([3.0, -1.0])).down(signal, signal), [[[[-3, -2]]]])
    assert Rectification().field((1, 2, 3, 4)) == (1, 2, 3, 4)
