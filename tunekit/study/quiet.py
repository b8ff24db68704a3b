"""Frameworks write to standard error as they load; that goes to a file instead."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path


@contextmanager
def frameworks_log_to(path: Path) -> Iterator[None]:
    """The process's own standard error, C++ libraries' lines included, goes to the file; Python's errors still raise.

    Messages of tunekit's own display are not lost: it writes to another stream, or after this is over.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    saved = os.dup(2)
    try:
        with path.open("ab") as log:
            os.dup2(log.fileno(), 2)
        with _python_too(path):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


@contextmanager
def _python_too(path: Path) -> Iterator[None]:
    """In a notebook Python's standard error is not the process's own, and goes to the cell."""
    try:
        own = sys.stderr.fileno() == 2
    except (OSError, AttributeError):  # a stream that is no file
        own = False
    if own:
        yield
    else:
        with path.open("a", encoding="utf-8") as log, redirect_stderr(log):
            yield
