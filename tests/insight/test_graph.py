import keras
import numpy as np
import pytest

from tunekit.insight import graph


def test_what_was_read_of_a_variable_does_not_change_with_it() -> None:
    variable = keras.Variable(np.ones((3, 4), np.float32))
    read = graph.as_array(variable)

    variable.assign_add(np.ones((3, 4), np.float32))

    assert (read == 1).all()


def test_squares_of_millions_of_weights_are_added_up_in_float64() -> None:
    weights = np.full((2000, 1000), 0.1, np.float32)

    assert graph.sum_of_squares(weights) == pytest.approx(2_000_000 * float(np.float32(0.1)) ** 2, rel=1e-12)
