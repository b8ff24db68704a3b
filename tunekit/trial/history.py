"""How a trial's convolutions became what they are: their weights before training, at epochs 1, 2, 4, ... and the last.

One plain file beside the checkpoints. It serves pictures only, so that whatever happens to it costs no trial.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tunekit.failpoints import reach
from tunekit.insight import graph
from tunekit.insight.convolutions import CONVOLUTIONS
from tunekit.insight.graph import Array
from tunekit.trial.jobs import FEATURES

MOST = 250_000
"""Numbers in one snapshot; of a larger model the first layers are kept, as far as they fit."""

Snapshot = dict[str, Array]
"""Arrays by their variable's path."""


def keep(folder: Path, model: keras.Model, epoch: int) -> None:
    """Add the weights after this epoch, 0 being before the first; of earlier ones 0 and the powers of two stay."""
    variables = _features(model)
    if not variables:
        return
    history = {number: kept for number, kept in load(folder).items() if _stays(number) and number < epoch}
    history[epoch] = {key: graph.as_floats(variable) for key, variable in variables.items()}
    _write(folder / FEATURES, history)


def adopt(parent_folder: Path, folder: Path, until: int) -> None:
    """Begin a promoted trial's history with its parent's, up to this epoch."""
    history = {epoch: kept for epoch, kept in load(parent_folder).items() if epoch <= until}
    if history:
        _write(folder / FEATURES, history)


def load(folder: Path, wanted: Callable[[int, str], bool] = lambda epoch, path: True) -> dict[int, Snapshot]:
    """The snapshots by epoch, first to last, with what is wanted of them; none where the file is missing or damaged."""
    history: dict[int, Snapshot] = {}
    try:
        with np.load(folder / FEATURES, allow_pickle=False) as stored:
            for name in stored.files:
                number, _, key = name.partition("/")
                if wanted(int(number), key):
                    history.setdefault(int(number), {})[key] = stored[name]
    except MemoryError:
        raise
    except Exception:
        # A changed byte can make the reader raise anything.
        return {}
    return dict(sorted(history.items()))


def apply(model: keras.Model, variables: Mapping[str, Array]) -> None:
    """Give the model's layers these weights; those behind the last convolution stay as they are.

    ValueError where the weights are another model's; nothing is changed then.
    """
    own = _features(model)
    if not _fits(own, variables):
        raise ValueError("these weights belong to another model")
    for key, variable in own.items():
        variable.assign(variables[key])


def of_variables(
    folder: Path, model: keras.Model, variables: Iterable[Any], epochs: Collection[int]
) -> dict[int, dict[int, Array]]:
    """What these variables of the model were after these epochs, as far as that is kept, by their identity."""
    wanted = set(map(id, variables))
    own = {key: variable for key, variable in _features(model).items() if id(variable) in wanted}
    kept = load(folder, lambda epoch, key: epoch in epochs and key in own)
    return {epoch: _by_variable(own, snapshot) for epoch, snapshot in kept.items()}


def _by_variable(own: Mapping[str, Any], snapshot: Snapshot) -> dict[int, Array]:
    """Without those of another shape: they are another model's."""
    fitting = {key: array for key, array in snapshot.items() if array.shape == tuple(own[key].shape)}
    return {id(own[key]): array for key, array in fitting.items()}


def _fits(own: Mapping[str, Any], variables: Mapping[str, Array]) -> bool:
    shapes = {key: tuple(variable.shape) for key, variable in own.items()}
    return shapes == {key: array.shape for key, array in variables.items()}


def _stays(epoch: int) -> bool:
    return epoch & (epoch - 1) == 0


def _features(model: keras.Model) -> dict[str, Any]:
    """The variables of all layers up to the last convolution and what normalises it, as far as they are few enough."""
    found: dict[str, Any] = {}
    up_to_here: dict[str, Any] = {}
    for layer, _ in graph.named(model):
        follows = bool(found) and len(found) == len(up_to_here)
        for variable in layer.weights:  # without random state, which `variables` has as well
            up_to_here[_unique(str(variable.path), up_to_here)] = variable
        if sum(prod(variable.shape) for variable in up_to_here.values()) > MOST:
            break
        if isinstance(layer, CONVOLUTIONS) or (follows and isinstance(layer, graph.NORMALIZATIONS)):
            found = dict(up_to_here)
    return found


def _unique(key: str, taken: Mapping[str, Any]) -> str:
    """Layers of two nested models may have one path."""
    unique, count = key, 1
    while unique in taken:
        count += 1
        unique = f"{key}_{count}"
    return unique


def _write(path: Path, history: Mapping[int, Snapshot]) -> None:
    """Beside and renamed, so that a kill leaves a whole file; it need not survive a loss of power."""
    arrays: dict[str, Any] = {
        f"{number}/{name}": array for number, kept in history.items() for name, array in kept.items()
    }
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        reach("history.write.before")
        with beside.open("wb") as file:
            np.savez(file, **arrays)
        reach("history.write.written")
        beside.replace(path)
        reach("history.write.after")
    except OSError:
        # A disk that is full is told by the checkpoint that follows.
        with suppress(OSError):
            beside.unlink(missing_ok=True)
