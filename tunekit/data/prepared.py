"""The training images, decoded once and mapped into the memory of every worker."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.images import Images, digest, moments, unfit
from tunekit.data.sources import Source, source_of
from tunekit.errors import StoreError
from tunekit.failpoints import reach
from tunekit.space.space import DataSpec

LAYOUT = "1"
"""Of the cache; part of its key, so that another tunekit with another layout makes its own."""
STALE_SECONDS = 24 * 3600
"""A half-written folder this old belongs to a process that was killed."""
FILES = ("x.npy", "y.npy", "info.json")


@dataclass(frozen=True)
class Prepared:
    """Decoded training images on disk: all that a worker needs to map them."""

    folder: Path
    """Holds x.npy (uint8, N,H,W,C), y.npy (int64) and info.json."""
    name: str
    """`digits`, `tfds:mnist`, `npz:FILE`."""
    count: int
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    sha256: str
    """Of the decoded training images and labels, shapes and dtypes included."""
    mean: tuple[float, ...]
    """For each channel, of x/255 over the training images."""
    std: tuple[float, ...]
    """Likewise; 1.0 for a channel that never varies."""


def prepare(spec: DataSpec, cache: Path) -> Prepared:
    """Decode the training part into `cache`, or take what is there once its digest has been verified.

    A damaged cache is made anew. The test part is neither read nor written.
    """
    source = source_of(spec)
    found = _read(_folder(source, cache))
    if found is not None:
        return found
    images = source.train()
    # Asked again: reading the source may have downloaded it, which changes what identifies it.
    folder = _folder(source, cache)
    try:
        return _write(images, source.name, folder)
    except OSError as error:
        raise _unwritable(error, cache, images.x.nbytes) from error


def open_arrays(prepared: Prepared) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images and labels, mapped and read-only; DataError if they are missing or damaged."""
    try:
        x, y = _map(prepared.folder)
        good = x.shape == (prepared.count, *prepared.shape) and _digest_once(*_stamps(prepared.folder)) == (
            prepared.sha256
        )
    except (OSError, ValueError, EOFError):
        good = False
    if not good:
        remedy = "Start the command again; it decodes the data set anew."
        expected = f"the decoded training images of {prepared.name}"
        raise unfit(prepared.folder, expected, "files that are missing or damaged", remedy)
    return x, y


def _folder(source: Source, cache: Path) -> Path:
    key = hashlib.sha256("\0".join((LAYOUT, *source.identity())).encode()).hexdigest()
    return cache.absolute() / f"{source.name.partition(':')[0]}-{key[:24]}"


def _map(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    x = np.load(folder / "x.npy", mmap_mode="r", allow_pickle=False)
    y = np.load(folder / "y.npy", mmap_mode="r", allow_pickle=False)
    if x.dtype != np.uint8 or x.ndim != 4 or y.dtype != np.int64 or y.shape != x.shape[:1]:
        raise ValueError(f"unexpected arrays in {folder}")
    # Plain arrays: slices of numpy.memmap carry needless weight. They stay read-only.
    return x.view(np.ndarray), y.view(np.ndarray)


def _stamps(folder: Path) -> tuple[Path, tuple[tuple[int, int, int], ...]]:
    stats = [(folder / name).stat() for name in FILES[:2]]
    return folder, tuple((stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)


@lru_cache(maxsize=32)
def _digest_once(folder: Path, stamps: tuple[tuple[int, int, int], ...]) -> str:
    """The digest of a folder, once for each state of its files: workers open the same one many times."""
    return digest(*_map(folder))


def _read(folder: Path) -> Prepared | None:
    """What the folder holds, or None if it is missing or damaged in any way."""
    try:
        info = json.loads((folder / "info.json").read_text(encoding="utf-8"))
        x, y = _map(folder)
        found = Prepared(
            folder=folder,
            name=str(info["name"]),
            count=len(y),
            shape=(x.shape[1], x.shape[2], x.shape[3]),
            class_names=tuple(str(name) for name in info["class_names"]),
            sha256=str(info["sha256"]),
            mean=tuple(float(value) for value in info["mean"]),
            std=tuple(float(value) for value in info["std"]),
        )
        if info["check"] == _check(info) and digest(x, y) == found.sha256:
            return found
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        pass
    return None


def _check(info: dict[str, Any]) -> str:
    """A digest of everything else in info.json, which the digest of the arrays does not cover."""
    rest = {key: value for key, value in info.items() if key != "check"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _write(images: Images, name: str, folder: Path) -> Prepared:
    """Write beside the folder, then put it in its place, unless another process was quicker."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _clear_stale(folder)
    beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        beside.mkdir()
        _fill(beside, images, name)
        return _place(beside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _fill(folder: Path, images: Images, name: str) -> None:
    mean, std = moments(images.x)
    info: dict[str, Any] = {
        "name": name,
        "class_names": list(images.class_names),
        "sha256": digest(images.x, images.y),
        "mean": list(mean),
        "std": list(std),
    }
    info["check"] = _check(info)
    _save(folder / "x.npy", lambda file: np.save(file, images.x, allow_pickle=False))
    _save(folder / "y.npy", lambda file: np.save(file, images.y, allow_pickle=False))
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
    made = _read(beside)
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
            found = _read(folder)
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
        if _read(away) is not None:
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


def _unwritable(error: OSError, cache: Path, size: int) -> StoreError:
    # NumPy's own error, when a disk takes only a part of an array, has no number.
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, None)
    remedy = f"Free {math.ceil(size / 2**20)} MiB there" if full else "Make the folder writable"
    return StoreError(
        f"{cache}: cannot store the decoded training images: {error.strerror or error}. "
        f"{remedy}, or choose another folder."
    )
