"""The digits of scikit-learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.sealed import open_test
from tunekit.space.space import DataSpec


def test_all_digits_are_divided_into_training_and_test(cache: Path) -> None:
    spec = DataSpec("digits")
    prepared = prepare(spec, cache)
    x, y = open_arrays(prepared)
    test = open_test(spec, prepared)
    assert len(x) + len(test.x) == 1797
    assert (prepared.name, prepared.shape) == ("digits", (8, 8, 1))
    assert prepared.class_names == tuple("0123456789")
    assert (x.min(), x.max()) == (0, 255)
    everything = np.bincount(y) + np.bincount(test.y)
    assert (np.abs(np.bincount(test.y) - 0.2 * everything) < 1).all()


def test_digests_are_pinned(cache: Path) -> None:
    """They must never change: a search could not be resumed, its test part would no longer be unseen."""
    spec = DataSpec("digits")
    prepared = prepare(spec, cache)
    assert prepared.sha256.startswith("b1d5b28540508b7f")
    assert open_test(spec, prepared).sha256.startswith("7cffc33fa38837cc")
