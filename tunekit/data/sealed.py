"""The sealed test part: opened once, when a search's winner is evaluated, and looked through for faults beforehand."""

from __future__ import annotations

import hashlib
import io
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.folders import classes_of, describe, layout_of
from tunekit.data.images import Part, unfit
from tunekit.data.placing import write_examples
from tunekit.data.prepared import Prepared
from tunekit.data.sources import Source, source_of
from tunekit.errors import StoreError
from tunekit.space.space import DataSpec

CHECKED = "test-checked"
"""File beside prepared examples: which test files went with them when nothing was wrong with the test part."""
HELD_BYTES = 64 * 2**20
"""Test examples up to which nothing is written, so that a folder that nobody may write to will do."""


@dataclass(frozen=True)
class TestSet:
    """The test examples and their labels."""

    __test__ = False  # not a class of tests, whatever pytest makes of the name

    x: NDArray[Any]
    """Images (N, H, W, C) or vectors (N, features)."""
    y: NDArray[np.int64]
    sha256: str
    """Of examples and labels, shapes and dtypes included."""


def open_test(spec: DataSpec, prepared: Prepared) -> TestSet:
    """Read the test part. Nothing else in tunekit sees it, and nothing learnt from it may steer a search."""
    source = source_of(spec, prepared.folder.parent)
    part = _fitting(source, prepared)
    if part.bytes <= HELD_BYTES:
        with io.BytesIO() as held:
            sha256 = write_examples(part, held, source.name)
            held.seek(0)
            return TestSet(np.load(held, allow_pickle=False), part.y, sha256)
    return _on_disk(part, source.name, prepared.folder.parent)


def check_test(spec: DataSpec, prepared: Prepared) -> None:
    """DataError where the test part could not be opened at a search's end, hours later.

    Whether it is whole and fits is all that comes of it: nothing of it is kept or handed on. Once for each state of its
    files, since decoding them takes its time.
    """
    checked, files = prepared.folder / CHECKED, _own_files(spec)
    with suppress(OSError, ValueError):
        if checked.read_text(encoding="utf-8") == files:
            return
    for _ in _fitting(source_of(spec, prepared.folder.parent), prepared).x.read():
        pass
    with suppress(OSError):  # of a cache that cannot be written; then it is read again the next time
        checked.write_text(files, encoding="utf-8")


def _own_files(spec: DataSpec) -> str:
    """A digest of the test part's own files; where it has none, whoever prepared the examples knows its state."""
    paths: list[str] = []
    if spec.source == "images":
        test = layout_of(Path(spec.location)).test
        paths = [path for some in classes_of(test).values() for path in some] if test else []
    elif spec.test is not None:
        paths = [spec.test]
    with suppress(OSError):  # of a file that has gone, which its source can say more of
        paths = describe(paths)
    return hashlib.sha256("\0".join(paths).encode(errors="surrogateescape")).hexdigest()


def _fitting(source: Source, prepared: Prepared) -> Part:
    part = source.test(prepared)
    if part.shape != prepared.shape:
        remedy = "Bring the training and the test examples to one shape."
        expected = f"test examples of shape {prepared.shape} like the training examples"
        raise unfit(source.name, expected, f"{part.shape}", remedy)
    return part


def _on_disk(part: Part, name: str, folder: Path) -> TestSet:
    """Decoded into a file that has no name, so that it needs no memory and is gone with whoever reads it."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            sha256 = write_examples(part, file, name)
            file.flush()
            file.seek(0)
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            x = np.memmap(file, part.x.dtype, "r", file.tell(), part.x.shape)
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot store the decoded test examples: {error.strerror or error}. "
            f"Free {part.bytes / 2**20:.0f} MiB there, then start the command again."
        ) from error
    return TestSet(x.view(np.ndarray), part.y, sha256)
