"""Faster builds: each begins with a search for garbage, which need not go through what is imported."""

from __future__ import annotations

import gc

import keras
import pytest

assert keras.__version__


@pytest.fixture(scope="package", autouse=True)
def _less_garbage_to_search() -> None:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
