"""One coordinator a search: a lock that the operating system lets go when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from tunekit.errors import SearchError, StoreError

PATIENCE = 0.3
"""Seconds before a lock that another process holds is refused."""


class SearchLock:
    """Held while a search is written; refused at once to a second process."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "lock"
        self._descriptor: int | None = None

    def __enter__(self) -> SearchLock:
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreError(
                f"{self.path}: the search could not be locked: {error.strerror}. Make its folder writable."
            ) from error
        if not _taken(descriptor):
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise SearchError(
                f"The search {self.path.parent.name} is running already, in process {holder}. "
                "Wait for it, or stop that process and resume the search."
            )
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.close(descriptor)
            raise StoreError(
                f"{self.path}: the search could not be locked: {error.strerror}. Free space there."
            ) from error
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


def _taken(descriptor: int) -> bool:
    """Whether the lock is ours now; asked again for a moment, since `is_running` holds it for one."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)


def is_running(folder: Path) -> bool:
    """Whether a live process holds the search's lock."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
