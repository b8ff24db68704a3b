"""What a space file may name, told from the types that say so."""

from __future__ import annotations

from typing import get_args, get_type_hints

from tunekit.space.space import DataSpec


def data_kinds() -> tuple[str, ...]:
    """The kinds of data."""
    kinds: tuple[str, ...] = get_args(get_type_hints(DataSpec)["source"])
    return kinds
