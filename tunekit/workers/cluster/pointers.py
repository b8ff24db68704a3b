"""Checkpoints at an address: in the search's folder only a note beside each trial says which files there are its own.

What no note names is rubbish: an earlier epoch, a trial that no rung can need any more, a late writer's.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tunekit.address import shown
from tunekit.errors import StoreError
from tunekit.trial.jobs import TrainJob
from tunekit.workers.cluster.at_address import AtAddress
from tunekit.workers.cluster.checkpoints import write_whole
from tunekit.workers.cluster.desk import OWN, PARENT, checkpoints, in_order
from tunekit.workers.cluster.request import STORAGE, STORED
from tunekit.workers.cluster.storage import Kept, Receipt, Storage, StorageAway

SWEEP = 10.0
"""Seconds between two looks for trials whose checkpoints have been given up."""

Keys = Mapping[str, str]


class Elsewhere:
    """The search's files at one address."""

    def __init__(self, search: Path, address: str) -> None:
        self._search = search
        self._trials = search / "checkpoints"
        self._storage = AtAddress(address, _folder_of(search))
        self._notes: dict[Path, Keys] = {}
        """What is noted, by trial's folder."""
        self._swept = time.monotonic()

    def open(self) -> Sequence[Storage]:
        self._storage.open()
        about = {"address": shown(self._storage.address), "folder": self._storage.folder}
        write_whole(self._search / STORAGE, json.dumps(about).encode())
        self._notes = {path.parent: _read(path) for path in self._trials.glob(f"*/{STORED}")}
        return (self._storage,)

    def given(self, job: TrainJob, storage: Storage) -> Receipt:
        folders = {OWN: job.folder} | ({PARENT: job.parent_folder} if job.parent_folder else {})
        return {
            f"{whose}/{name}": key
            for whose, folder in folders.items()
            for name, key in self._at(folder).items()
        }

    def accept(self, job: TrainJob, receipt: Receipt) -> Sequence[Kept]:
        before = self._notes.get(job.folder, {})
        self._note(job.folder, {**before, **{name: str(key) for name, key in receipt.items()}})
        return [*(before[name] for name in receipt if name in before), *self._given_up()]

    def bring(self, folder: Path) -> None:
        trial = self._trials / folder.relative_to(self._trials).parts[0]
        note = trial / STORED
        if not note.exists():
            return
        keys = _read(note)
        try:
            for name in in_order(keys):
                beside = trial / f".{Path(name).name}.coming"
                self._storage.get(keys[name], beside)
                (trial / name).parent.mkdir(exist_ok=True)
                beside.replace(trial / name)
        except (OSError, StorageAway) as error:
            raise StoreError(
                f"{trial}: the checkpoints could not be fetched: {error}\nThe search can be resumed."
            ) from error
        note.unlink()
        self._notes.pop(trial, None)

    def close(self) -> None:
        """Leave there what is noted, for a resume, and nothing else."""
        noted = [_read(path) for path in self._trials.glob(f"*/{STORED}")]
        self._storage.remove_all_but({key for keys in noted for key in keys.values()})

    def _at(self, folder: Path) -> Keys:
        """Where the files of a trial are; those that this machine has written itself go there now."""
        if folder not in self._notes and (own := checkpoints(folder)):
            keys = {path.relative_to(folder).as_posix(): self._storage.put(path) for path in own}
            self._note(folder, keys)
            for path in own:
                path.unlink()
        return self._notes.get(folder, {})

    def _note(self, folder: Path, keys: Keys) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / STORED, json.dumps(keys).encode())
        except OSError as error:
            raise StoreError(
                f"{folder / STORED}: it could not be written: {error.strerror or error}. "
                "Free space there or make it writable, then start the command again."
            ) from error
        self._notes[folder] = keys

    def _given_up(self) -> list[str]:
        if time.monotonic() < self._swept + SWEEP:
            return []
        self._swept = time.monotonic()
        gone = [folder for folder in self._notes if not folder.exists()]
        return [key for folder in gone for key in self._notes.pop(folder).values()]


def _folder_of(search: Path) -> str:
    """A name of the search's own, and the same after a resume."""
    with suppress(OSError, ValueError, KeyError):
        return str(json.loads((search / STORAGE).read_text(encoding="utf-8"))["folder"])
    return f"{search.name}-{uuid.uuid4().hex[:12]}"


def _read(note: Path) -> Keys:
    """Nothing where it is damaged: the trial is trained again."""
    try:
        return {str(name): str(key) for name, key in json.loads(note.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}
