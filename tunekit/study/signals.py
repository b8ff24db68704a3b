"""SIGINT and SIGTERM: the first asks for a clean end, the second ends at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tunekit.errors import Interrupted


class Interruption:
    """Whether a signal has asked for the end."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
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
            # The cursor may be hidden by the progress display.
            os.write(sys.stderr.fileno(), b"\x1b[?25h\n" if sys.stderr.isatty() else b"")
            os._exit(128 + number)
        self.signal = signal.Signals(number)
        if self._raises:
            raise Interrupted("interrupted")


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Catch both signals for the length of a search; workers end by themselves when this process does."""
    asked = Interruption()

    try:
        before = {number: signal.signal(number, asked.answer) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        # Not the main thread, as in a notebook's executor: signals are its owner's.
        yield asked
        return
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
