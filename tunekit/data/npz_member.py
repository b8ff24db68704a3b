"""One array in an .npz file, read in blocks: the archive knows no other way than from its beginning to its end."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from tunekit.data.blocks import CHUNK_BYTES, Array, Blocks, blocks_of, rows_at_once, spooled
from tunekit.data.images import unfit
from tunekit.errors import DataError


@dataclass(frozen=True)
class Header:
    """What an array says of itself before its values."""

    shape: tuple[int, ...]
    in_columns: bool
    """Its first axis varies first, as in what pandas hands out."""
    dtype: np.dtype[Any]


class NoArray(Exception):
    """A member without NumPy's header."""

    def __init__(self) -> None:
        super().__init__("a member that is not an array")


def entry(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """Of the array of this name; numpy adds the suffix."""
    return archive.getinfo(f"{name}.npy" if f"{name}.npy" in archive.namelist() else name)


def header_of(file: IO[bytes]) -> Header:
    """Of a member that has just been opened; what follows are the values."""
    try:
        version = npy.read_magic(file)
    except ValueError:
        raise NoArray from None
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    return Header(*read(file))


def member(path: Path, name: str, remedy: str, scratch: Path) -> Blocks:
    """The array of this name; `remedy` says how to write such a file."""
    where = f"{path}: {name}"
    with told(where, remedy), zipfile.ZipFile(path) as archive:
        info = entry(archive, name)
        with archive.open(info) as file:
            header = header_of(file)
            there = info.file_size - file.tell()
    if header.dtype.hasobject:
        raise _objects(where)
    size = math.prod(header.shape) * header.dtype.itemsize
    if there < size:
        raise _damaged(where, f"{there} bytes where its header promises {size}")

    def read() -> Iterator[Array]:
        with (
            told(where, remedy),
            zipfile.ZipFile(path) as archive,
            archive.open(entry(archive, name)) as file,
        ):
            if header_of(file) != header:
                raise EOFError("it changes while it is read")
            yield from _values(file, header, scratch)

    return Blocks(header.shape, header.dtype, read)


def _values(file: IO[bytes], header: Header, scratch: Path) -> Iterator[Array]:
    count, *row = header.shape
    row_bytes = math.prod(row) * header.dtype.itemsize
    if header.in_columns:
        # The first row ends where the array does.
        pieces = _pieces(file, count * row_bytes, CHUNK_BYTES)
        yield from blocks_of(spooled(pieces, tuple(row), header.dtype, scratch, "F"))
        return
    for piece in _pieces(file, count * row_bytes, rows_at_once(row_bytes) * row_bytes):
        yield np.frombuffer(piece, header.dtype).reshape(-1, *row)


def _pieces(file: IO[bytes], size: int, step: int) -> Iterator[bytes]:
    for start in range(0, size, step):
        piece = file.read(min(step, size - start))
        if len(piece) < min(step, size - start):
            raise EOFError("it ends early")
        yield piece
    while file.read(CHUNK_BYTES):  # the checksum is compared at the end
        pass


@contextmanager
def told(where: str, remedy: str) -> Iterator[None]:
    """Whatever is wrong with an array, as an error that names it."""
    try:
        yield
    except DataError:
        raise
    except MemoryError:
        smaller = "Use fewer or smaller images, or a machine with more memory."
        raise unfit(where, "an array that fits in memory", "one that is too large", smaller) from None
    except NoArray as error:
        raise unfit(where, "an array of numbers", str(error), remedy) from None
    except Exception as error:
        # zipfile, zlib, and the tokenizer that parses NumPy's headers each raise their own for damaged bytes.
        if isinstance(error, ValueError) and "Object arrays" in str(error):
            raise _objects(where) from None
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _damaged(where, reason) from None


def _objects(where: str) -> DataError:
    remedy = "Store numbers, not Python objects: pickled data can run code and is not read."
    return unfit(where, "an array of numbers", "pickled Python objects", remedy)


def _damaged(where: str, reason: str) -> DataError:
    return unfit(where, "a whole array", f"a damaged one ({reason})", "Write or copy the file again.")
