"""Folders of this node and this user alone, for what is needed here and nowhere else."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tunekit.errors import StoreError

LOCK = ".lock"


def own_folder() -> Path:
    """Others may write into the folder around it."""
    folder = Path(tempfile.gettempdir()) / f"tunekit-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise StoreError(f"{folder} on {os.uname().nodename}: it belongs to somebody else. Remove it.")
    return folder


class Room:
    """A folder that lasts as long as this object and its process; what others have left is removed."""

    def __init__(self) -> None:
        rooms = own_folder() / "rooms"
        rooms.mkdir(exist_ok=True)
        with locked(rooms / LOCK):
            for left in rooms.iterdir():
                if left.is_dir() and (lock := _try_lock(left)):
                    shutil.rmtree(left, ignore_errors=True)
                    lock.close()
            self.path = Path(tempfile.mkdtemp(dir=rooms))
            # Given up when the process ends, however that comes.
            self._lock = _try_lock(self.path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _try_lock(folder: Path) -> IO[str] | None:
    lock = (folder / LOCK).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return None
    return lock
