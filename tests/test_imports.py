"""Frameworks load without a search for garbage, which goes on afterwards."""

from __future__ import annotations

import gc

import pytest

from tunekit.imports import nothing_collected


def test_garbage_is_searched_for_again_whatever_happens() -> None:
    assert gc.isenabled()
    with nothing_collected():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ImportError), nothing_collected():
        raise ImportError
    assert gc.isenabled()


def test_who_does_not_collect_is_left_so() -> None:
    gc.disable()
    try:
        with nothing_collected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
