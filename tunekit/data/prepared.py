"""The training examples, decoded once and mapped into the memory of every worker."""

from __future__ import annotations

import difflib
import errno
import hashlib
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.cached import FILES, Prepared, map_arrays, read_folder
from tunekit.data.images import digest, unfit
from tunekit.data.placing import write
from tunekit.data.sources import Source, source_of
from tunekit.errors import StoreError
from tunekit.space.problems import suggestion
from tunekit.space.space import DataSpec

__all__ = ["Prepared", "open_arrays", "prepare"]

LAYOUT = "1"
"""Of the cache; part of its key, so that another tunekit with another layout makes its own."""


def prepare(spec: DataSpec, cache: Path) -> Prepared:
    """Decode the training part into `cache`, or take what is there once its digest has been verified.

    A damaged cache is made anew. The test part is neither read nor written here.
    """
    source = source_of(spec, cache)
    prepared = read_folder(_folder(source, cache)) or _prepare(source, cache)
    check_weights(spec, prepared.class_names)
    return prepared


def check_weights(spec: DataSpec, names: tuple[str, ...]) -> None:
    """DataError where weights are given to classes that the data do not have."""
    given = spec.class_weights or ()
    unknown = [name for name, _ in given if name not in names] if isinstance(given, tuple) else []
    if unknown:
        known = names if len(names) <= 20 else (*names[:20], "...")
        near = difflib.get_close_matches(unknown[0], names, n=1)
        remedy = suggestion(near[0], known) if near else f"Known: {', '.join(known)}."
        raise unfit("data.class_weights", "classes of the data", f"{unknown[0]!r}", remedy)


def _prepare(source: Source, cache: Path) -> Prepared:
    part = source.train()
    # Asked again: reading the source may have downloaded it, which changes what identifies it.
    folder = _folder(source, cache)
    try:
        return write(part, source.name, folder)
    except OSError as error:
        raise _unwritable(error, cache, part.bytes) from error


def open_arrays(prepared: Prepared) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The examples and labels, mapped and read-only; DataError if they are missing or damaged."""
    try:
        x, y = map_arrays(prepared.folder)
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


def _stamps(folder: Path) -> tuple[Path, tuple[tuple[int, int, int], ...]]:
    stats = [(folder / name).stat() for name in FILES[:2]]
    return folder, tuple((stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)


@lru_cache(maxsize=32)
def _digest_once(folder: Path, stamps: tuple[tuple[int, int, int], ...]) -> str:
    """The digest of a folder, once for each state of its files: workers open the same one many times."""
    return digest(*map_arrays(folder))


def _unwritable(error: OSError, cache: Path, size: int) -> StoreError:
    # NumPy's own error, when a disk takes only a part of an array, has no number.
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, None)
    remedy = f"Free {math.ceil(size / 2**20)} MiB there" if full else "Make the folder writable"
    return StoreError(
        f"{cache}: cannot store the decoded training images: {error.strerror or error}. "
        f"{remedy}, or choose another folder."
    )
