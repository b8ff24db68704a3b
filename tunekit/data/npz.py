"""A NumPy .npz file with images and labels.

Members: `x_train`, `y_train`, `x_test`, `y_test`; or `x`, `y`, of which a fixed stratified 20% is the
test part. Images are uint8 of shape (N, H, W) or (N, H, W, C); other integers in 0..255 are taken too,
and floats in 0..1 are multiplied by 255 and rounded. Vectors (N, features) become float32. Labels are
integers 0, 1, 2, ... without a gap, of shape (N,) or (N, 1). A member is read only when it is needed, so
training never reads `x_test`, `y_test`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from tunekit.data.cached import Prepared
from tunekit.data.digits import with_test_part
from tunekit.data.images import Images, checked_examples, checked_labels, unfit
from tunekit.errors import DataError

WHOLE = frozenset({"x", "y"})
PARTS = frozenset({"x_train", "y_train", "x_test", "y_test"})
EXPECTED = "an .npz file with the arrays x_train, y_train, x_test, y_test (or x, y)"
REMEDY = "Write it with numpy.savez_compressed(path, x_train=..., y_train=..., x_test=..., y_test=...)."


class Npz:
    """The source `npz`."""

    def __init__(self, location: str) -> None:
        self.path = Path(location)
        self.name = f"npz:{self.path.name}"

    def identity(self) -> tuple[str, ...]:
        try:
            stat = self.path.stat()
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None
        return ("npz", str(self.path.absolute()), str(stat.st_size), str(stat.st_mtime_ns))

    def train(self) -> Images:
        with self._open() as file:
            if self._has_test_part(file):
                return self._part(file, "x_train", "y_train")
            images = self._part(file, "x", "y")
        return self._only(images, test=False)

    def test(self, prepared: Prepared) -> Images:
        with self._open() as file:
            if self._has_test_part(file):
                return self._part(file, "x_test", "y_test", len(prepared.class_names))
            images = self._part(file, "x", "y")
        return self._only(images, test=True)

    def _open(self) -> NpzFile:
        try:
            file = np.load(self.path, allow_pickle=False)
        except Exception as error:  # as in _member
            raise self._unreadable(error) from None
        if not isinstance(file, NpzFile):
            raise unfit(self.path, EXPECTED, "a single array, as in an .npy file", REMEDY)
        return file

    def _unreadable(self, error: Exception) -> DataError:
        if isinstance(error, FileNotFoundError):
            remedy = "Check the path; one in a space file is relative to that file."
            return unfit(self.path, EXPECTED, "no such file", remedy)
        if isinstance(error, OSError) and error.strerror:
            return unfit(self.path, EXPECTED, error.strerror.lower(), "Check the path and its permissions.")
        return unfit(self.path, EXPECTED, "a file that is empty, cut off or not .npz", REMEDY)

    def _has_test_part(self, file: NpzFile) -> bool:
        names = set(file.files)
        if names >= PARTS:
            return True
        if names >= WHOLE and not names & PARTS:
            return False
        got = ", ".join(sorted(names)[:8]) or "no array"
        raise unfit(self.path, EXPECTED, got, REMEDY)

    def _part(self, file: NpzFile, x_name: str, y_name: str, classes: int | None = None) -> Images:
        # Labels first: they are small, so most mistakes show before the images are read.
        labels = self._member(file, y_name)
        x = checked_examples(self._member(file, x_name), f"{self.path}: {x_name}")
        y = checked_labels(labels, len(x), f"{self.path}: {y_name}", classes)
        known = classes if classes is not None else int(y.max()) + 1
        return Images(x, y, tuple(str(label) for label in range(known)))

    def _member(self, file: NpzFile, name: str) -> NDArray[Any]:
        where = f"{self.path}: {name}"
        try:
            array = file[name]
        except MemoryError:
            remedy = "Use fewer or smaller images, or a machine with more memory."
            raise unfit(where, "an array that fits in memory", "one that is too large", remedy) from None
        except Exception as error:
            # zipfile, zlib, and the tokenizer that parses NumPy's headers each raise their own for
            # damaged bytes.
            if isinstance(error, ValueError) and "Object arrays" in str(error):
                remedy = "Store numbers, not Python objects: pickled data can run code and is not read."
                raise unfit(where, "an array of numbers", "pickled Python objects", remedy) from None
            raise self._damaged(where, error) from None
        if not isinstance(array, np.ndarray):  # a member without NumPy's header comes as bytes
            raise unfit(where, "an array of numbers", "a member that is not an array", REMEDY)
        return array

    def _damaged(self, where: str, error: Exception) -> DataError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = "Write or copy the file again."
        return unfit(where, "a whole array", f"a damaged one ({reason})", remedy)

    def _only(self, images: Images, *, test: bool) -> Images:
        try:
            parts = with_test_part(images)
        except DataError as error:
            raise DataError(f"{self.path}: y: {error}") from None
        return images.only(parts.validation if test else parts.train)
