"""A folder of images: a folder per class, or train/ and test/ with a folder per class each.

The files are looked through twice: for their sizes and colours first, which are in their first bytes, and then
decoded, some at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.blocks import Blocks, rows_at_once
from tunekit.data.cached import Prepared
from tunekit.data.digits import TEST_SEED, TEST_SHARE
from tunekit.data.folders import Layout, classes_of, describe, layout_of
from tunekit.data.images import Part, need_two_classes, unfit
from tunekit.data.picture_files import Unreadable, bombs_refused, read_header, read_pixels
from tunekit.data.split import split
from tunekit.errors import DataError
from tunekit.space.space import DataSpec

MOST_NAMED = 10
"""Files that an error names."""
THREADS = 4
"""That decode at once: more hold more of the largest images in memory."""


@dataclass(frozen=True)
class _Files:
    """Image files with the numbers of their classes."""

    paths: list[str]
    y: NDArray[np.int64]

    def only(self, indices: NDArray[np.int64]) -> _Files:
        return _Files([self.paths[n] for n in indices], self.y[indices])


class ImageFolder:
    """The source `images`."""

    def __init__(self, spec: DataSpec) -> None:
        self.folder = Path(spec.location)
        self.name = f"images:{self.folder.name}"
        self._size = spec.size
        self._channels = spec.channels

    def identity(self) -> tuple[str, ...]:
        files = [path for paths in self._classes.values() for path in paths]
        try:
            described = describe(files)
        except OSError:
            self._check_readable(files)  # names those that have gone, all at once
            raise
        own_test = str(self._layout.test is not None)
        options = (str(self.folder), str(self._size), str(self._channels), own_test)
        return ("images", *options, *described)

    def train(self) -> Part:
        names = tuple(self._classes)
        need_two_classes(len(names), str(self.folder))
        self._check_test_folders()
        files = self._numbered(self._classes, names)
        shape = self._shape(files.paths)
        if self._layout.test is not None:
            return self._part(files, names, shape)
        # The test images are decoded and thrown away: to learn of a damaged one only at a search's end, and to
        # remove it then, would change the division.
        return self._part(self._side(files, test=False), names, shape, self._side(files, test=True).paths)

    def test(self, prepared: Prepared) -> Part:
        names, shape = prepared.class_names, prepared.shape
        if self._layout.test is None:
            return self._part(self._side(self._numbered(self._classes, names), test=True), names, shape)
        files = self._numbered(classes_of(self._layout.test), names)
        if self._size is None:
            found = self._shape(files.paths)
            shape = (*found[:2], shape[2])
        return self._part(files, names, shape)

    @cached_property
    def _layout(self) -> Layout:
        return layout_of(self.folder)

    @cached_property
    def _classes(self) -> dict[str, list[str]]:
        return classes_of(self._layout.train)

    def _check_test_folders(self) -> None:
        """The names of the test part's folders and files alone: what is wrong there is better said before a search."""
        if self._layout.test is not None:
            self._numbered(classes_of(self._layout.test), tuple(self._classes))

    def _numbered(self, classes: dict[str, list[str]], names: tuple[str, ...]) -> _Files:
        unknown = [name for name in classes if name not in names]
        if unknown:
            remedy = "Name the folders of both parts alike."
            got = f"{', '.join(unknown[:5])} in {self._layout.test} alone"
            raise unfit(self.folder, "test images of classes that the training images have", got, remedy)
        counts = [len(paths) for paths in classes.values()]
        y = np.repeat(np.array([names.index(name) for name in classes], np.int64), counts)
        return _Files([path for paths in classes.values() for path in paths], y)

    def _side(self, files: _Files, *, test: bool) -> _Files:
        """One side of the fixed division of a folder without a test part."""
        try:
            parts = split(files.y, TEST_SHARE, None, TEST_SEED, tuple(self._classes))
        except DataError as error:
            raise DataError(f"{self.folder}: {error}") from None
        return files.only(parts.validation if test else parts.train)

    def _part(
        self, files: _Files, names: tuple[str, ...], shape: tuple[int, ...], also: Sequence[str] = ()
    ) -> Part:
        x = Blocks((len(files.y), *shape), np.dtype(np.uint8), lambda: self._blocks(files.paths, shape, also))
        return Part(x, files.y, names)

    def _shape(self, paths: Sequence[str]) -> tuple[int, ...]:
        """Height, width and channels that the images are brought to."""
        if self._size is not None and self._channels is not None:
            return (*self._size, self._channels)
        sizes: Counter[tuple[int, int]] = Counter()
        examples: dict[tuple[int, int], str] = {}
        grey, faulty = True, False
        with bombs_refused():
            for path in paths:
                try:
                    header = read_header(path)
                except Unreadable:
                    faulty = True
                    continue
                sizes[header.size] += 1
                examples.setdefault(header.size, path)
                grey = grey and header.grey
        if faulty:
            self._check_readable(paths)
        channels = self._channels or (1 if grey else 3)
        return (*(self._size or self._only_size(sizes, examples)), channels)

    def _only_size(
        self, sizes: Counter[tuple[int, int]], examples: dict[tuple[int, int], str]
    ) -> tuple[int, int]:
        (size, count), *others = sizes.most_common(2)
        if others:
            other = others[0][0]
            got = (
                f"{len(sizes)} sizes (height x width): {size[0]} x {size[1]} of {count} images, "
                f"{other[0]} x {other[1]} of {examples[other]}"
            )
            remedy = f"Add `size: [{size[0]}, {size[1]}]` to the data section, which brings all to that size."
            raise unfit(self.folder, "images of one size", got, remedy)
        return size

    def _check_readable(self, paths: Sequence[str]) -> None:
        """Decode all, to name every file that cannot be, and not those alone whose first bytes are wrong."""
        for _ in self._blocks([], (1, 1, 3), paths):
            pass

    def _blocks(
        self, paths: Sequence[str], shape: tuple[int, ...], also: Sequence[str]
    ) -> Iterator[NDArray[Any]]:
        """The images of `paths`; those of `also` are only decoded."""
        height, width, channels = shape
        faults = _Faults(self.folder)
        step = rows_at_once(height * width * channels)

        def read(path: str) -> NDArray[np.uint8] | Unreadable:
            try:
                return read_pixels(path, channels, (height, width))
            except Unreadable as error:
                return error

        with ThreadPoolExecutor(THREADS) as pool:
            for wanted, kept in ((paths, True), (also, False)):
                for start in range(0, len(wanted), step):
                    some = wanted[start : start + step]
                    block = np.zeros((len(some), *shape), np.uint8)
                    with bombs_refused():
                        for place, found in enumerate(pool.map(read, some)):
                            if isinstance(found, Unreadable):
                                faults.add(some[place], found)
                            elif kept:
                                block[place] = found
                    if kept:
                        yield block
        faults.check()


class _Faults:
    """Files that cannot be read: told together, and as soon as there are many."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: list[str] = []

    def add(self, path: str, error: Unreadable) -> None:
        self._found.append(f"  {path}: {error}")
        if len(self._found) == MOST_NAMED:
            self.check("at least ")

    def check(self, least: str = "") -> None:
        if self._found:
            count = len(self._found)
            remedy = "\n".join(["Replace or remove them:", *self._found])
            raise unfit(self._folder, "whole image files", f"{least}{count} that cannot be read", remedy)
