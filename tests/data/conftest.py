"""Small data sets, written as a user's own would be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunekit.space.space import DataSpec

Pair = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def make_images() -> Callable[..., Pair]:
    """Makes random images and labels in which every class has its share."""

    def make(count: int = 60, *, size: int = 6, channels: int = 3, classes: int = 3, seed: int = 0) -> Pair:
        random = np.random.default_rng(seed)
        x = random.integers(0, 256, (count, size, size, channels), np.uint8)
        return x, np.arange(count, dtype=np.int64) % classes

    return make


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def npz(tmp_path: Path, make_images: Callable[..., Pair]) -> Callable[..., DataSpec]:
    """Writes arrays into an .npz file and says where; some stand in for those not given."""

    def write(*, whole: bool = False, drop: str = "", **arrays: Any) -> DataSpec:
        x, y = make_images()
        x_test, y_test = make_images(12, seed=1)
        parts = (
            {"x": x, "y": y} if whole else {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}
        )
        parts |= arrays
        path = tmp_path / "set.npz"
        np.savez(path, **{name: array for name, array in parts.items() if name != drop})
        return DataSpec("npz", str(path))

    return write
