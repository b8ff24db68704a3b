"""How long the pictures of a trial may take: a small share of its time.

What a short trial has no time for is drawn by the coordinator, which waits for most of its time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.03
"""Of the time that a trial takes, what it took to look inside included.

Looking inside is to stay below 5%, and on a busy machine a picture takes up to twice as long as is known.
"""
UNKNOWN = 0.03
"""Seconds that a picture counts as before one of its kind has been drawn in this process."""

_seconds: dict[str, float] = {}
"""By kind of picture: the least that one took, lest a moment's load leave it out for good."""


class Allowance:
    """Draws what there is time for, and remembers what there was none for."""

    def __init__(self, began: float, everything: bool, spent: float = 0.0) -> None:
        """`began` is when the trial did, by `time.perf_counter()`; `everything` draws without a limit.

        `spent` are seconds that went into looking before.
        """
        self._began = began
        self._looked = time.perf_counter() - spent
        self._everything = everything
        self.left_out: list[str] = []

    def draw(self, kind: str, make: Callable[[], object]) -> None:
        began = time.perf_counter()
        if not self._everything and not self._allows(_seconds.get(kind, UNKNOWN), began):
            self.left_out.append(kind)
            return
        make()
        took = time.perf_counter() - began
        _seconds[kind] = min(took, _seconds.get(kind, took))

    def _allows(self, seconds: float, now: float) -> bool:
        return now - self._looked + seconds <= SHARE * (now - self._began + seconds)
