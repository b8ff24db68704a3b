"""A trial's state on disk: every variable as a plain array, written beside and renamed.

Keras' own weight files leave out the random state of dropout and, unless asked in the right order, the optimizer's;
plain arrays hold all of it, need no pickle, and each carries a checksum.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import keras
import numpy as np

from tunekit.errors import StoreError
from tunekit.failpoints import reach
from tunekit.results import Epoch
from tunekit.trial.jobs import LAST as LAST

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
    """Write the variables and the progress as one file."""
    arrays: dict[str, Any] = {
        f"v{number:05d}": keras.ops.convert_to_numpy(variable) for number, variable in enumerate(variables)
    }
    arrays["progress"] = np.frombuffer(json.dumps(asdict(progress)).encode(), dtype=np.uint8)
    _write(path, "save", lambda file: np.savez(file, **arrays))


def adopt(source: Path, path: Path) -> None:
    """Copy a checkpoint as safely as one is saved."""
    content = source.read_bytes()
    _write(path, "adopt", lambda file: file.write(content))


def sweep(folder: Path) -> None:
    """Remove what a process that was killed while it wrote has left in the folder."""
    for left in folder.glob(".*.npz.*"):
        left.unlink(missing_ok=True)


def _write(path: Path, way: str, write: Callable[[BinaryIO], object]) -> None:
    """A kill leaves either the old file or the new one, and so does a loss of power."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        reach(f"checkpoint.{way}.before")
        with beside.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        reach(f"checkpoint.{way}.written")
        beside.replace(path)
        sync_folder(path.parent)
        reach(f"checkpoint.{way}.after")
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise StoreError(
            f"{path}: the checkpoint could not be written: {error.strerror or error}. "
            "Free space there or make it writable, then start the command again."
        ) from error


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
    arrays, progress = _read(path)
    if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
        raise DamagedCheckpoint(f"{path}: it belongs to another model")
    for array, variable in zip(arrays, variables, strict=True):
        # NumPy stores types that it does not know itself, such as bfloat16, as bare bytes.
        variable.assign(array.view(np.dtype(variable.dtype)) if array.dtype.kind == "V" else array)
    return progress


def _read(path: Path) -> tuple[list[np.ndarray], Progress]:
    # The checksums first: what numpy makes of a damaged header could be an array of any size.
    if not intact(path):
        raise DamagedCheckpoint(f"{path}: it is missing or damaged")
    try:
        with np.load(path, allow_pickle=False) as stored:
            names = sorted(name for name in stored if name != "progress")
            progress = _progress(json.loads(bytes(stored["progress"])))
            return [stored[name] for name in names], progress
    except MemoryError:
        raise
    except Exception as error:
        raise DamagedCheckpoint(f"{path}: {error}") from error


def intact(path: Path) -> bool:
    """Whether the file is there and each of its arrays still has its checksum."""
    try:
        with zipfile.ZipFile(path) as file:
            return file.testzip() is None
    except MemoryError:
        raise
    except Exception:
        # A changed byte can make it ask for a password, an unknown compression, an impossible date: any error.
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
