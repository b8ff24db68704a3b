"""What ends a process at a chosen failpoint, as a kill would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tunekit.failpoints import armed


class Struck(BaseException):
    """Stands for a kill: nothing in tunekit may catch it for good."""


class Counter:
    """Counts the failpoints that are reached, and strikes at one of them."""

    def __init__(self, strike_at: int | None = None) -> None:
        self.strike_at = strike_at
        self.reached: list[str] = []
        self.dead = False

    def __call__(self, name: str) -> None:
        # A process that was killed writes nothing more, whatever its handlers try on the way out.
        if self.dead:
            raise Struck(name)
        self.reached.append(name)
        if len(self.reached) == self.strike_at:
            self.dead = True
            raise Struck(name)


@contextmanager
def struck_at(hit: int | None) -> Iterator[Counter]:
    """The body ends at that hit, and nothing is raised here."""
    counter = Counter(hit)
    try:
        with armed(counter):
            yield counter
    except Struck:
        pass
