"""A NumPy .npz file with images and labels.

Members: `x_train`, `y_train`, `x_test`, `y_test`; or `x`, `y`, of which a fixed stratified 20% is the
test part. Images are uint8 of shape (N, H, W) or (N, H, W, C); other integers in 0..255 are taken too,
and floats in 0..1 are multiplied by 255 and rounded. Vectors (N, features) become float32. Labels are
integers 0, 1, 2, ... without a gap, of shape (N,) or (N, 1). A member is read only when it is needed, so
training never reads `x_test`, `y_test`. Labels are read whole, examples some at a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from tunekit.data.cached import Prepared
from tunekit.data.digits import with_test_part
from tunekit.data.images import Part, checked_examples, checked_labels, unfit
from tunekit.data.npz_member import NoArray, member, told
from tunekit.errors import DataError

WHOLE = frozenset({"x", "y"})
PARTS = frozenset({"x_train", "y_train", "x_test", "y_test"})
EXPECTED = "an .npz file with the arrays x_train, y_train, x_test, y_test (or x, y)"
REMEDY = "Write it with numpy.savez_compressed(path, x_train=..., y_train=..., x_test=..., y_test=...)."


class Npz:
    """The source `npz`."""

    def __init__(self, location: str, scratch: Path) -> None:
        self.path = Path(location)
        self.name = f"npz:{self.path.name}"
        self._scratch = scratch

    def identity(self) -> tuple[str, ...]:
        try:
            stat = self.path.stat()
        except (OSError, ValueError) as error:
            raise self._unreadable(error) from None
        return ("npz", str(self.path.absolute()), str(stat.st_size), str(stat.st_mtime_ns))

    def train(self) -> Part:
        with self._open() as file:
            if self._has_test_part(file):
                return self._part(file, "x_train", "y_train")
            return self._side(self._part(file, "x", "y"), test=False)

    def test(self, prepared: Prepared) -> Part:
        with self._open() as file:
            if self._has_test_part(file):
                return self._part(file, "x_test", "y_test", len(prepared.class_names))
            return self._side(self._part(file, "x", "y"), test=True)

    def _open(self) -> NpzFile:
        try:
            file = np.load(self.path, allow_pickle=False)
        except Exception as error:  # as in npz_member.told
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

    def _part(self, file: NpzFile, x_name: str, y_name: str, classes: int | None = None) -> Part:
        x = checked_examples(member(self.path, x_name, REMEDY, self._scratch), f"{self.path}: {x_name}")
        y = checked_labels(self._labels(file, y_name), x.shape[0], f"{self.path}: {y_name}", classes)
        known = classes if classes is not None else int(y.max()) + 1
        return Part(x, y, tuple(str(label) for label in range(known)))

    def _labels(self, file: NpzFile, name: str) -> NDArray[Any]:
        with told(f"{self.path}: {name}", REMEDY):
            array = file[name]
            if not isinstance(array, np.ndarray):  # it comes as bytes then
                raise NoArray
            return array

    def _side(self, part: Part, *, test: bool) -> Part:
        try:
            parts = with_test_part(part.y)
        except DataError as error:
            raise DataError(f"{self.path}: y: {error}") from None
        rows = parts.validation if test else parts.train
        return Part(part.x.only(rows), part.y[rows], part.class_names)
