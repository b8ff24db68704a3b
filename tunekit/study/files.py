"""Text files that are there whole or not at all, and what a disk's faults are called."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tunekit.errors import StoreError
from tunekit.failpoints import reach

DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)


@contextmanager
def disk_faults_explained(place: Path) -> Iterator[None]:
    """For files that only say what went on, such as logs; what matters more has errors of its own."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FAULTS:
            raise
        raise StoreError(
            f"{error.filename or place}: {error.strerror}. Free space there or make it writable, "
            "then start the command again."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write beside the file, then put it in its place."""
    beside = path.with_name(f".{path.name}")
    reach(f"file.{path.name}.before")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise StoreError(
            f"{path}: the file could not be written: {error.strerror or error}. "
            "Free space there or make it writable, then start the command again."
        ) from error
    reach(f"file.{path.name}.after")
