"""SIGINT and SIGTERM: the first asks for a clean end, the second ends at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interruption:
    """Whether a signal has asked for the end."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __call__(self) -> bool:
        return self.signal is not None


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Catch both signals for the length of a search; workers end by themselves when this process does."""
    asked = Interruption()

    def answer(number: int, frame: FrameType | None) -> None:
        if asked.signal is not None:
            # The cursor may be hidden by the progress display.
            os.write(sys.stderr.fileno(), b"\x1b[?25h\n" if sys.stderr.isatty() else b"")
            os._exit(128 + number)
        asked.signal = signal.Signals(number)

    try:
        before = {number: signal.signal(number, answer) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        # Not the main thread, as in a notebook's executor: signals are its owner's.
        yield asked
        return
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
