"""SIGINT and SIGTERM: the first asks for a clean end, the second does what it did before."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from tunekit.errors import Interrupted


class Interruption:
    """Whether a signal has asked for the end."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.before: dict[int, Any] = {}
        """The handlers in whose place this one stands."""
        self._raises = False

    def __call__(self) -> bool:
        return self.signal is not None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """While something long runs that does not ask: a signal raises Interrupted in the midst of it."""
        if self():
            raise Interrupted("interrupted")
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    def answer(self, number: int, frame: FrameType | None) -> None:
        """The signals' handler."""
        if self.signal is not None:
            self._answer_again(number, frame)
            return
        self.signal = signal.Signals(number)
        if self._raises:
            raise Interrupted("interrupted")

    def _answer_again(self, number: int, frame: FrameType | None) -> None:
        """At once, as whoever runs this would have it: the command leaves, a notebook gets its KeyboardInterrupt."""
        if sys.stderr.isatty():
            # The cursor may be hidden by the progress display.
            os.write(2, b"\x1b[?25h\n")
        before = self.before.get(number)
        if not callable(before):
            os._exit(128 + number)
        before(number, frame)


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Catch both signals for the length of a search; workers end by themselves when this process does."""
    asked = Interruption()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            asked.before[number] = signal.signal(number, asked.answer)
    except ValueError:
        # Not the main thread, as in a notebook's executor: signals are its owner's.
        yield asked
        return
    try:
        yield asked
    finally:
        for caught, handler in asked.before.items():
            signal.signal(caught, handler)
