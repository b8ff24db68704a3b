"""Frameworks write to standard error as they load; that goes to a file instead."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def frameworks_log_to(path: Path) -> Iterator[None]:
    """The process's own standard error, C++ libraries' lines included, goes to the file; Python's errors still raise.

    Messages of tunekit's own display are not lost: it writes to another stream, or after this is over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        _redirection.begin(log)
        try:
            yield
        finally:
            _redirection.end(log)


class _Redirection:
    """Of the one standard error that all threads of a process share: while several want it, the newest log gets it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logs: list[TextIO] = []
        self._process = -1
        """Where the process's own goes when all is over."""
        self._python: TextIO | None = None
        """Python's, where it is not the process's own: in a notebook it goes to the cell."""

    def begin(self, log: TextIO) -> None:
        with self._lock:
            if not self._logs:
                sys.stderr.flush()
                self._process = os.dup(2)
                self._python = None if _is_the_process(sys.stderr) else sys.stderr
            self._logs.append(log)
            self._point()

    def end(self, log: TextIO) -> None:
        with self._lock:
            self._logs.remove(log)
            if self._logs:
                self._point()
                return
            sys.stderr.flush()
            os.dup2(self._process, 2)
            os.close(self._process)
            if self._python is not None:
                sys.stderr = self._python
                self._python = None

    def _point(self) -> None:
        """Both at the newest log."""
        sys.stderr.flush()
        os.dup2(self._logs[-1].fileno(), 2)
        if self._python is not None:
            sys.stderr = self._logs[-1]


_redirection = _Redirection()


def _is_the_process(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 2
    except (OSError, AttributeError):  # a stream that is no file
        return False
