"""Prepared examples on a node that does not see the folder they are in: copied there once, found by their digest."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunekit.data.cached import FILES, Prepared
from tunekit.errors import StoreError
from tunekit.workers.cluster.node import locked, own_folder

CHUNK = 16 * 2**20
"""Bytes that travel at once."""

Parts = Mapping[str, Sequence[Any]]
"""For each file, Ray's references to its content in order."""


class Shipments:
    """What has been given to Ray, which brings it to whoever asks: each set of examples once."""

    def __init__(self) -> None:
        self._given: dict[str, Parts] = {}

    def parts(self, prepared: Prepared) -> Parts:
        if prepared.sha256 not in self._given:
            self._given[prepared.sha256] = _give(prepared)
        return self._given[prepared.sha256]


def _give(prepared: Prepared) -> Parts:
    import ray

    parts: dict[str, list[Any]] = {name: [] for name in FILES}
    for name, chunks in parts.items():
        with (prepared.folder / name).open("rb") as file:
            while chunk := file.read(CHUNK):
                chunks.append(ray.put(chunk))
    return parts


def on_this_node(prepared: Prepared, parts: Parts | None) -> Prepared | None:
    """The same examples where this node can map them; None where they would have to come first."""
    if _holds(prepared.folder, prepared.sha256):
        return prepared
    folder = own_folder() / prepared.sha256[:32]
    with locked(folder.with_suffix(".lock")):
        if not _holds(folder, prepared.sha256):
            if parts is None:
                return None
            _write(folder, parts)
    return dataclasses.replace(prepared, folder=folder)


def _write(folder: Path, parts: Parts) -> None:
    import ray

    beside = folder.with_suffix(f".{os.getpid()}")
    try:
        beside.mkdir()
        for name, chunks in parts.items():
            with (beside / name).open("wb") as file:
                for chunk in chunks:
                    file.write(ray.get(chunk))
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    except OSError as error:
        raise StoreError(
            f"{folder} on {os.uname().nodename}: the training examples could not be stored: {error}. "
            "Free space there, or set TMPDIR on the node to a folder with more."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _holds(folder: Path, sha256: str) -> bool:
    """Whether the examples are there, by what is written beside them; who opens them verifies their digest."""
    try:
        info = json.loads((folder / "info.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(info.get("sha256") == sha256) and all((folder / name).exists() for name in FILES)
