"""Keeps a search's checkpoints within a limit: says whether one more trial has room."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from tunekit.errors import StoreError
from tunekit.trial.executions import folders
from tunekit.trial.jobs import FEATURES

SNAPSHOTS = 9
"""Of a trial's history after 81 epochs: before the first, for each power of two, and for the last."""


class Room:
    """What the checkpoints take, and what one more trial would.

    A trial needs as much as the largest seen so far, so until a first one is seen a single one runs. A checkpoint
    is written beside the one that it replaces, for which the largest file counts twice, by one execution at a time.
    The history of weights grows with the epochs, and counts as what it can become.
    """

    def __init__(self, folder: Path, most: int, executions: int = 1) -> None:
        self._folder = folder
        self._most = most
        self._executions = executions
        self._taken: dict[str, int] = {}
        self._largest = 0
        self.measure([path.name for path in folder.glob("*") if path.is_dir()])

    def measure(self, trial_ids: Collection[str]) -> None:
        """See how large these have become."""
        for trial_id in trial_ids:
            self._taken[trial_id] = 0
            for folder in folders(self._folder / trial_id):
                sizes = _file_sizes(folder)
                self._taken[trial_id] += sum(sizes)
                whole = self._executions * (sum(sizes) + _growth(folder / FEATURES))
                self._largest = max(self._largest, whole + max(sizes, default=0))

    def forget(self, trial_id: str) -> None:
        """Its checkpoints are deleted."""
        self._taken.pop(trial_id, None)

    def holds(self, trial_id: str, running: Collection[str]) -> bool:
        """Whether the trial can start beside those that run."""
        if not self._largest:
            return not running
        return self._wanted(trial_id, running) <= self._most

    def refusal(self, trial_id: str) -> StoreError:
        """Why a search in which nothing runs cannot go on."""
        wanted = self._wanted(trial_id, ())
        return StoreError(
            f"{self._folder}: --disk-max {size(self._most)} is reached: trial {trial_id} needs about "
            f"{size(self._largest)} beside the {size(wanted - self._largest)} of checkpoints that later rungs or the "
            f"winner need. Resume with --disk-max {size(wanted, up=True)} or more; nothing that is finished is lost."
        )

    def _wanted(self, trial_id: str, running: Collection[str]) -> int:
        growing = {*running, trial_id}
        rest = sum(taken for name, taken in self._taken.items() if name not in growing)
        return rest + len(growing) * self._largest


def _file_sizes(folder: Path) -> list[int]:
    """Of the whole checkpoints in it, and not of those being written."""
    sizes = []
    for path in folder.glob("[!.]*.npz"):
        with suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return sizes


def _growth(history: Path) -> int:
    """What a trial's history of weights lacks of all the snapshots that it will hold."""
    try:
        with ZipFile(history) as file:
            epochs = {name.partition("/")[0] for name in file.namelist()}
    except (OSError, BadZipFile):
        return 0
    lacking = SNAPSHOTS - len(epochs)
    return max(0, history.stat().st_size * lacking // max(1, len(epochs)))


def size(number: int, up: bool = False) -> str:
    """A number of bytes as --disk-max takes it."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if number >= unit:
            tenths = -(-10 * number // unit) if up else round(10 * number / unit)
            return f"{tenths / 10:g}{name}"
    return f"{number}B"
