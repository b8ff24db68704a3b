"""Arrays that are read from the first row to the last, some rows at a time, so that they need not fit into memory."""

from __future__ import annotations

import math
import mmap
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from tunekit.errors import StoreError

CHUNK = 4096
CHUNK_BYTES = 4 * 2**20
"""Rows converted, counted or decoded at once, so that the work needs little memory."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Blocks:
    """An array that comes in blocks."""

    shape: tuple[int, ...]
    """Of all rows together."""
    dtype: np.dtype[Any]
    read: Callable[[], Iterator[Array]]
    """Gives the rows in order, some at a time."""

    def changed(self, row: tuple[int, ...], dtype: type, change: Callable[[Array], Array]) -> Blocks:
        """Each block as `change` makes it, of rows of this shape and type."""
        return Blocks((self.shape[0], *row), np.dtype(dtype), lambda: map(change, self.read()))

    def only(self, rows: NDArray[np.int64]) -> Blocks:
        """These rows alone, in the order of the array."""
        keep = np.zeros(self.shape[0], bool)
        keep[rows] = True

        def read() -> Iterator[Array]:
            start = 0
            for block in self.read():
                yield block[keep[start : start + len(block)]]
                start += len(block)

        return Blocks((len(rows), *self.shape[1:]), self.dtype, read)


def in_blocks(x: Array) -> Blocks:
    """An array in memory, or a mapped one."""
    return Blocks(x.shape, x.dtype, lambda: blocks_of(x))


def blocks_of(x: Array) -> Iterator[Array]:
    """The rows of an array in order."""
    step = rows_at_once(x[:1].nbytes)
    for start in range(0, len(x), step):
        yield x[start : start + step]
        let_go(x)


def rows_at_once(row_bytes: int) -> int:
    """How many rows of this size make a block."""
    return max(1, min(CHUNK, CHUNK_BYTES // max(1, row_bytes)))


def let_go(x: Array) -> None:
    """What was read of a file that is mapped to be read counts as this process's memory no longer.

    It stays in the system's cache as long as nobody needs the room, and is mapped again by the next look at it.
    """
    read_only, owner = False, cast(Any, x)
    while isinstance(owner, np.ndarray):
        # A copy that its owner may have written to would be lost.
        read_only = read_only or (isinstance(owner, np.memmap) and owner.mode == "r")
        owner = owner.base
    if read_only and isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)


def spooled(
    pieces: Iterable[Any],
    row: tuple[int, ...],
    dtype: np.dtype[Any],
    folder: Path,
    order: Literal["C", "F"] = "C",
) -> Array:
    """Bytes as an array of such rows, mapped from a file that has no name and is gone with whoever reads it."""
    with ExitStack() as stack:
        with _stored(folder):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        for piece in pieces:
            with _stored(folder):
                file.write(piece)
        with _stored(folder):
            file.flush()
        count = file.tell() // (math.prod(row) * dtype.itemsize)
        return np.memmap(file, dtype, "r", 0, (count, *row), order)


@contextmanager
def _stored(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"{folder}: cannot store the examples while they are read: {reason}. "
            "Free as much room there as the examples take, or choose another folder."
        ) from error
