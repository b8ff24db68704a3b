"""Writing prepared examples to disk: beside their place, verified, and then put there."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.blocks import Blocks, in_blocks
from tunekit.data.cached import ASIDE, Prepared, aside_digest, check_of, map_arrays, read_folder
from tunekit.data.images import Part, digest_of, moments, unfit
from tunekit.failpoints import reach

STALE_SECONDS = 24 * 3600
"""A half-written folder this old belongs to a process that was killed."""


def write(part: Part, name: str, folder: Path) -> Prepared:
    """Write beside the folder, then put it in its place, unless another process was quicker."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_stale(folder)
    beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        beside.mkdir()
        _fill(beside, part, name)
        return _place(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def write_examples(part: Part, file: IO[bytes], name: str) -> str:
    """The examples as an .npy file, block by block; returns the digest of them and their labels."""
    return digest_of(replace(part.x, read=lambda: _written(part.x, file, name)), in_blocks(part.y))


def _written(x: Blocks, file: IO[bytes], name: str) -> Iterator[NDArray[Any]]:
    """Writes an .npy file and gives each block once it is in there."""
    header = {"descr": x.dtype.str, "fortran_order": False, "shape": x.shape}
    np.lib.format.write_array_header_1_0(file, header)
    count = 0
    for block in x.read():
        count += len(block)
        if count > x.shape[0] or block.shape[1:] != x.shape[1:] or block.dtype != x.dtype:
            break
        # Written and not mapped: a disk that is full is an error here, and the end of the process there.
        file.write(np.ascontiguousarray(block).data)
        yield block
    if count != x.shape[0]:
        got = "another number of examples than a moment before"
        raise unfit(name, "data that stay as they are while they are read", got, "Start the command again.")


def _write(x: Blocks, name: str, file: IO[bytes]) -> None:
    for _ in _written(x, file, name):
        pass


def _fill(folder: Path, part: Part, name: str) -> None:
    digests = []
    _save(folder / "x.npy", lambda file: digests.append(write_examples(part, file, name)))
    _save(folder / "y.npy", lambda file: np.save(file, part.y, allow_pickle=False))
    for key, array in part.aside.items():
        _save(folder / f"{ASIDE}{key}.npy", partial(_write, array, name))
    mean, std = moments(map_arrays(folder)[0])
    info: dict[str, Any] = {
        "name": name,
        "class_names": list(part.class_names),
        "sha256": digests[0],
        "mean": list(mean),
        "std": list(std),
    }
    if part.aside:
        info["aside"] = aside_digest(folder)
    info["check"] = check_of(info)
    text = json.dumps(info, indent=2, ensure_ascii=False).encode()
    _save(folder / "info.json", lambda file: file.write(text))
    _sync_folder(folder)


def _save(path: Path, write: Callable[[Any], object]) -> None:
    with path.open("xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())


def _place(beside: Path, folder: Path) -> Prepared:
    """Rename what was written into its place, or take what another process has put there meanwhile.

    Renaming on top of a folder that has files in it fails, so of two processes that do it at once one
    wins, and the other finds a good folder and takes that.
    """
    made = read_folder(beside)
    if made is None:
        raise OSError(0, "the disk gives back other bytes than were written")
    failure = OSError(0, "other processes keep replacing the folder")
    for _ in range(20):
        try:
            reach("data.place.before")
            beside.rename(folder)
        except OSError as error:
            failure = error
        else:
            _sync_folder(folder.parent)
            reach("data.place.after")
            return replace(made, folder=folder)
        if os.path.lexists(folder):
            found = read_folder(folder)
            if found is not None:
                return found
            _put_away(folder)
    raise failure


def _put_away(folder: Path) -> None:
    """Remove a damaged folder; whoever has mapped its files keeps them."""
    away = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        folder.rename(away)
        # Another process may have put a good one in its place since it was found to be damaged.
        if read_folder(away) is not None:
            away.rename(folder)
            return
    except OSError:
        pass
    shutil.rmtree(away, ignore_errors=True)
    away.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _clear_stale(folder: Path) -> None:
    """Remove what killed processes left behind of this folder."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        try:
            old = time.time() - left.stat().st_mtime > STALE_SECONDS
        except OSError:
            continue
        if old:
            shutil.rmtree(left, ignore_errors=True)
