"""A small part of the digits, and less garbage to search at each build."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import keras
import pytest

from tunekit.data.prepared import Prepared, prepare
from tunekit.space.space import DataSpec
from tunekit.trial.jobs import Split

assert keras.__version__  # imported here, so that it is there when garbage is frozen


@pytest.fixture(scope="package", autouse=True)
def _less_garbage_to_search() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="package")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(DataSpec("digits"), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="package")
def part(prepared: Prepared) -> Split:
    """200 images: 160 to train on and 40 to validate on."""
    return Split(prepared, validation=0.2, limit=200, seed=0)
