"""Where one attempt at a trial works: a folder on its node, from which the checkpoints are put into a storage.

A worker writes as it does on a single machine, into a folder that nobody else knows. Nothing that it writes counts
before it has been put, and the coordinator has taken note of it.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tunekit.trial.jobs import LAST, TrainJob
from tunekit.workers.cluster.storage import Receipt, Storage

OWN = "own"
PARENT = "parent"
PICTURES = "pictures"
LEAVING = "leaving"

Signature = tuple[int, int, int]


class Desk:
    """Laid out with what the attempt goes on from."""

    def __init__(self, room: Path, job: TrainJob, given: Receipt, storage: Storage) -> None:
        """`given` names files `own/...` of the trial and `parent/...` of its parent."""
        self._storage = storage
        self._folder = Path(tempfile.mkdtemp(dir=room))
        (self._folder / LEAVING).mkdir()
        for name, kept in given.items():
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            # Without it the trial goes on from its parent, or from the start: to the same weights.
            with suppress(FileNotFoundError):
                storage.get(kept, target)
        own = self._folder / OWN
        self._put = {path: _signature(path) for path in checkpoints(own)}
        self.job = dataclasses.replace(
            job,
            folder=own,
            parent_folder=job.parent_folder and self._folder / PARENT,
            pictures=job.pictures and self._folder / PICTURES,
        )

    def put(self) -> Receipt:
        """Put what has changed since; the worker may go on writing meanwhile."""
        own, leaving = self._folder / OWN, self._folder / LEAVING
        changed: dict[Path, Path] = {}
        # The worker writes the last epoch after the best: taken first, it never names a best that is not there.
        for number, path in enumerate(sorted(checkpoints(own), key=is_not_last)):
            if self._put.get(path) != _signature(path):
                changed[path] = leaving / f"{number}{path.suffix}"
                os.link(path, changed[path])
        receipt = {}
        for path, link in changed.items():
            signature = _signature(link)
            receipt[path.relative_to(own).as_posix()] = self._storage.put(link)
            link.unlink()
            self._put[path] = signature
        return receipt

    def pictures(self) -> dict[str, bytes]:
        """All that the attempt has drawn, which is little."""
        folder = self._folder / PICTURES
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def checkpoints(folder: Path) -> list[Path]:
    """The whole files below a trial's folder, those of further executions as well."""
    return sorted(folder.rglob("[!.]*.npz"))


def is_not_last(path: Path) -> bool:
    return path.name != LAST


def in_order(names: Iterable[str]) -> list[str]:
    """As a worker writes them: the last epoch's after all else."""
    return sorted(names, key=lambda name: not is_not_last(Path(name)))


def _signature(path: Path) -> Signature:
    state = path.stat()
    return state.st_ino, state.st_mtime_ns, state.st_size
