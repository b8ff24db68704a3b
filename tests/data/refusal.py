"""How every source refuses what it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunekit.data.prepared import prepare
from tunekit.errors import DataError
from tunekit.space.space import DataSpec


def fails(spec: DataSpec, cache: Path, *words: str) -> str:
    """The message: it names the file, says what was expected and what came, and holds the words."""
    with pytest.raises(DataError) as caught:
        prepare(spec, cache)
    for word in (spec.location, "expected", "got", *words):
        assert word in str(caught.value)
    assert not list(cache.glob("*"))
    return str(caught.value)
