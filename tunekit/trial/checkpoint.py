"""A trial's state on disk: every variable as a plain array, written beside and renamed.

Keras' own weight files leave out the random state of dropout and, unless asked in the right order, the optimizer's;
plain arrays hold all of it, need no pickle, and each carries a checksum.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tunekit.errors import StoreError
from tunekit.results import Epoch

LAST = "last.npz"
BEST = "best.npz"


class DamagedCheckpoint(Exception):
    """A checkpoint that is missing, cut short or changed; its epochs are trained again."""


@dataclass
class Progress:
    """What a trial has behind it: stored with the weights, so that both are always of the same epoch."""

    curve: list[Epoch] = field(default_factory=list)
    best_score: float | None = None
    best_epoch: int = 0

    @property
    def epoch(self) -> int:
        return len(self.curve)


def save(path: Path, variables: Sequence[keras.Variable], progress: Progress) -> None:
    """Write the variables and the progress so that a kill leaves either the old file or the new one."""
    arrays: dict[str, Any] = {
        f"v{number:05d}": keras.ops.convert_to_numpy(variable) for number, variable in enumerate(variables)
    }
    arrays["progress"] = np.frombuffer(json.dumps(asdict(progress)).encode(), dtype=np.uint8)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StoreError(f"{path}: the checkpoint could not be written: {error.strerror}.") from error


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(path: Path, variables: Iterable[keras.Variable]) -> Progress:
    """Set the variables to what the file holds; DamagedCheckpoint where it does not hold all of them."""
    variables = list(variables)
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = [stored[f"v{number:05d}"] for number in range(len(variables))]
            surplus = f"v{len(variables):05d}" in stored
            progress = _progress(json.loads(bytes(stored["progress"])))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, TypeError) as error:
        raise DamagedCheckpoint(f"{path}: {error}") from error
    if surplus or any(
        array.shape != tuple(variable.shape) for array, variable in zip(arrays, variables, strict=True)
    ):
        raise DamagedCheckpoint(f"{path}: it belongs to another model")
    for array, variable in zip(arrays, variables, strict=True):
        variable.assign(array)
    return progress


def intact(path: Path) -> bool:
    """Whether the file is there and each of its arrays still has its checksum."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError):
        return False


def _progress(stored: dict[str, Any]) -> Progress:
    curve = [Epoch(**epoch) for epoch in stored["curve"]]
    return Progress(curve, stored["best_score"], stored["best_epoch"])


def all_variables(model: keras.Model) -> list[keras.Variable]:
    """All that training changes: weights, statistics, random state, and the optimizer's own."""
    # The metrics' variables are set back at each epoch's start.
    metrics = {id(variable) for variable in model.metrics_variables}
    state = [variable for variable in model.variables if id(variable) not in metrics]
    return [*state, *model.optimizer.variables]


def model_variables(model: keras.Model) -> list[keras.Variable]:
    """What the model alone holds: enough to evaluate it."""
    metrics = {id(variable) for variable in model.metrics_variables}
    return [variable for variable in model.variables if id(variable) not in metrics]
