"""Which checkpoint of a trial counts: the coordinator's side of a storage.

Only here is it decided, one attempt at a trial after the other, by what the attempt that runs has told.
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tunekit.errors import StoreError
from tunekit.trial.jobs import TrainJob
from tunekit.workers.cluster.desk import OWN, PARENT, checkpoints, in_order
from tunekit.workers.cluster.storage import (
    Kept,
    Receipt,
    SharedFolder,
    Storage,
    StorageAway,
    ThroughRay,
    seen,
)

SHARED = ".shared-"
"""Begins the name of a folder that nodes leave files in."""


class Checkpoints(Protocol):
    """Of one search."""

    def open(self) -> Sequence[Storage]:
        """Make it ready; the storages that a node may use, the best first."""
        ...

    def given(self, job: TrainJob, storage: Storage) -> Receipt:
        """What the next attempt at the trial goes on from."""
        ...

    def accept(self, job: TrainJob, receipt: Receipt) -> Sequence[Kept]:
        """From here on these count; returns what need not be kept any longer."""
        ...

    def bring(self, folder: Path) -> None:
        """See that the checkpoints below a trial's folder are there."""
        ...

    def close(self) -> None: ...


class InFolder:
    """In the search's own folder, as on one machine: nodes that see it leave files there, others send them."""

    def __init__(self, search: Path) -> None:
        self._search = search
        self._shared = search / f"{SHARED}{uuid.uuid4().hex}"

    def open(self) -> Sequence[Storage]:
        self._sweep()
        self._shared.mkdir()
        return SharedFolder(self._shared), ThroughRay(self._search)

    def given(self, job: TrainJob, storage: Storage) -> Receipt:
        paths = files_of(job)
        if not isinstance(storage, ThroughRay):
            return paths
        for path in paths.values():
            storage.check(path.stat().st_size)
        return {name: path.read_bytes() for name, path in paths.items()}

    def accept(self, job: TrainJob, receipt: Receipt) -> Sequence[Kept]:
        for name in in_order(receipt):
            _install(receipt[name], job.folder / name)
        return ()

    def bring(self, folder: Path) -> None:
        """They are there."""

    def close(self) -> None:
        self._sweep()

    def _sweep(self) -> None:
        for left in self._search.glob(f"{SHARED}*"):
            shutil.rmtree(left, ignore_errors=True)


def files_of(job: TrainJob) -> Mapping[str, Path]:
    """The checkpoints in the folders of the trial and of its parent."""
    folders = {OWN: job.folder} | ({PARENT: job.parent_folder} if job.parent_folder else {})
    return {
        f"{whose}/{path.relative_to(folder).as_posix()}": path
        for whose, folder in folders.items()
        for path in checkpoints(folder)
    }


def write_whole(path: Path, content: bytes) -> None:
    """The old file or the new one, whatever comes between."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _install(kept: Kept, path: Path) -> None:
    assert not isinstance(kept, str)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(kept, bytes):
            write_whole(path, kept)
        elif seen(kept):
            kept.replace(path)
        else:
            raise StorageAway(f"{kept}: a node has left it there, and it does not appear here")
    except OSError as error:
        raise StoreError(
            f"{path}: the checkpoint could not be written: {error.strerror or error}. "
            "Free space there or make it writable, then start the command again."
        ) from error
