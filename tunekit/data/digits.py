"""scikit-learn's 1797 handwritten digits of 8x8 pixels: there at once, without a network."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from tunekit.data.blocks import in_blocks
from tunekit.data.cached import Prepared
from tunekit.data.images import Part
from tunekit.data.split import Split, split
from tunekit.imports import nothing_collected

TEST_SHARE = 0.2
TEST_SEED = 20_000
"""Picks the test part where a data set has none of its own; changing it would unseal every such set."""


def with_test_part(y: NDArray[np.int64]) -> Split:
    """The training part and, as `validation`, the fixed stratified test part of a set that has none."""
    return split(y, TEST_SHARE, None, TEST_SEED)


class Digits:
    """The source `digits`."""

    name = "digits"

    def identity(self) -> tuple[str, ...]:
        return ("digits", version("scikit-learn"))

    def train(self) -> Part:
        return self._side(test=False)

    def test(self, prepared: Prepared) -> Part:
        return self._side(test=True)

    def _side(self, *, test: bool) -> Part:
        with nothing_collected():
            from sklearn.datasets import load_digits  # slow to import, and needed here only

        digits = load_digits()
        x = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
        y = digits.target.astype(np.int64)
        parts = with_test_part(y)
        rows = parts.validation if test else parts.train
        return Part(in_blocks(x).only(rows), y[rows], tuple(str(digit) for digit in range(10)))
