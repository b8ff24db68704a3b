"""Where checkpoints live between two attempts at a trial, as a node sees it: files are put there, and got from there.

What has been put is never written again, and counts only once the coordinator has taken note of it. So a worker that
was taken for dead and goes on writes what nobody looks at.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tunekit.errors import SearchError, TunekitError, UserError

SIGHT = 5.0
"""Seconds that a network's folder may take to show a file that is new."""
TRIES = 5
"""Of what a storage fails to do, each after twice the pause of the one before, before it is taken for away."""
LIMIT = 64 * 2**20
"""Bytes of the largest file that is sent through Ray: it passes through the coordinator's memory after each epoch."""

Kept = Path | str | bytes
"""How to find a file: a path that nodes share, a key below an address, or its very content."""
Receipt = Mapping[str, Kept]
"""By name, the files of a trial that have been put somewhere."""


class StorageAway(TunekitError):
    """A file could not be put or got: the place is at fault, and no trial."""


class Storage(Protocol):
    """One kind of place."""

    def trouble(self) -> str:
        """Why this node cannot use it; nothing where it can."""
        ...

    def put(self, source: Path) -> Kept: ...

    def get(self, kept: Kept, target: Path) -> None:
        """FileNotFoundError where it is no longer there."""
        ...

    def remove(self, kept: Sequence[Kept]) -> None:
        """What cannot be removed stays."""
        ...


@dataclass(frozen=True)
class SharedFolder:
    """A folder that the coordinator has made for this, and moves files away from as it takes note of them."""

    folder: Path

    def trouble(self) -> str:
        here = seen(self.folder) and os.access(self.folder, os.W_OK)
        return "" if here else f"it does not see {self.folder.parent}, or may not write there"

    def put(self, source: Path) -> Path:
        # The folder is not made here: when it is gone, so is the coordinator that would have looked into it.
        target = self.folder / f"{uuid.uuid4().hex}{source.suffix}"
        insist(lambda: _copy(source, target), f"{self.folder} on {os.uname().nodename}")
        return target

    def get(self, kept: Kept, target: Path) -> None:
        assert isinstance(kept, Path)
        seen(kept)
        insist(lambda: shutil.copyfile(kept, target), f"{kept} on {os.uname().nodename}", FileNotFoundError)

    def remove(self, kept: Sequence[Kept]) -> None:
        """Nothing: each file takes the place of the one before it."""


@dataclass(frozen=True)
class ThroughRay:
    """Ray's own store of objects: files travel as they are, and the coordinator writes them into its folder."""

    folder: Path
    """Of the search, which this node does not see."""

    def trouble(self) -> str:
        return ""

    def put(self, source: Path) -> bytes:
        self.check(source.stat().st_size)
        return source.read_bytes()

    def get(self, kept: Kept, target: Path) -> None:
        assert isinstance(kept, bytes)
        target.write_bytes(kept)

    def remove(self, kept: Sequence[Kept]) -> None:
        """Nothing: Ray forgets what nobody holds."""

    def check(self, size: int) -> None:
        if size > LIMIT:
            raise SearchError(
                f"--on ray: the node {os.uname().nodename} does not see {self.folder}, or may not write there, and a "
                f"checkpoint of {size / 2**20:.0f} MiB is more than the {LIMIT // 2**20} MiB that are sent through "
                "Ray. Give --home a folder that all nodes share, or --storage an address that all nodes reach."
            )


def insist(action: Callable[[], object], place: str, *at_once: type[Exception], tries: int = TRIES) -> None:
    """Try some times; StorageAway where it goes wrong each time, but errors of some types as they are, at once."""
    pause = 1.0
    for left in reversed(range(tries)):
        try:
            action()
            return
        except Exception as error:  # packages of fsspec's have errors of their own
            if isinstance(error, (UserError, *at_once)):
                raise
            if not left:
                raise StorageAway(f"{place}: {type(error).__name__}: {error}") from error
            time.sleep(pause)
            pause *= 2


def seen(path: Path) -> bool:
    """Whether it is there, or appears in time."""
    deadline = time.monotonic() + SIGHT
    while not path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as origin, target.open("wb") as copy:
        shutil.copyfileobj(origin, copy)
        copy.flush()
        os.fsync(copy.fileno())
