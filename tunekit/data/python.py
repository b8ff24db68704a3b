"""Arrays from a function of the user's own.

It returns `x, y`, or `x_train, y_train, x_test, y_test`, or a dict with these names, or it yields batches of `x, y`. It
is called in the process that prepares the data, once, and in no worker: the test arrays are written beside the prepared
training part as they are, and nobody looks at them before `open_test`. Mapped arrays are copied a block at a time, and
batches go to disk as they come.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.batches import gathered
from tunekit.data.blocks import in_blocks
from tunekit.data.cached import ASIDE, Prepared
from tunekit.data.digits import with_test_part
from tunekit.data.images import (
    Part,
    checked_examples,
    checked_labels,
    digest_of,
    need_two_classes,
    unfit,
)
from tunekit.errors import DataError, TunekitError
from tunekit.imports import find_function

WHOLE = ("x", "y")
PARTS = ("x_train", "y_train", "x_test", "y_test")
EXPECTED = (
    "(x, y), or (x_train, y_train, x_test, y_test), or a dict with these names, or an iterator of (x, y)"
)
REMEDY = "Return arrays of images (N, H, W, C) or vectors (N, features), and one label for each."

Arrays = dict[str, NDArray[Any]]

_calling = threading.Lock()
"""Standard output is every thread's, and must not be given back to one as another has it."""
_identities: dict[str, tuple[Any, tuple[str, ...]]] = {}
"""Each function and that of what it returned, so that one process need not call it for every look into the cache."""


class Python:
    """The source `python`."""

    def __init__(self, location: str, scratch: Path) -> None:
        self.location = location
        self.name = f"python:{location}"
        self._scratch = scratch
        self._part: Part | None = None

    def identity(self) -> tuple[str, ...]:
        """The function's own code does not tell what it returns, so what it has returned is the identity."""
        known = _identities.get(self.location)
        if known is None or known[0] is not self._loaded():
            part = self.train()
            values = (digest_of(part.x, in_blocks(part.y)), digest_of(*part.aside.values()))
            known = self._loaded(), ("python", self.location, *part.class_names, *values)
            _identities[self.location] = known
        return known[1]

    def train(self) -> Part:
        if self._part is None:
            self._part = self._divided(self._arrays())
        return self._part

    def test(self, prepared: Prepared) -> Part:
        try:
            paths = [prepared.folder / f"{ASIDE}{name}.npy" for name in WHOLE]
            x, y = (np.load(path, mmap_mode="r", allow_pickle=False) for path in paths)
        except (OSError, ValueError, EOFError):
            remedy = "Start the command again; it calls the function anew."
            expected = f"the test arrays of {self.name}"
            raise unfit(prepared.folder, expected, "files that are missing or damaged", remedy) from None
        examples = checked_examples(in_blocks(x), f"{self.name}: x_test")
        where = f"{self.name}: y_test"
        return Part(examples, *self._labelled(y, len(x), where, prepared.class_names))

    def _arrays(self) -> Arrays:
        found = self._call()
        named: Mapping[str, Any]
        if isinstance(found, Mapping):
            named = found
        elif isinstance(found, tuple | list) and len(found) in (2, 4):
            named = dict(zip(WHOLE if len(found) == 2 else PARTS, found, strict=True))
        else:
            got = f"{type(found).__name__}" + (f" of {len(found)}" if isinstance(found, tuple | list) else "")
            raise unfit(self.name, EXPECTED, got, REMEDY)
        names = next((names for names in (WHOLE, PARTS) if set(names) == set(named)), None)
        if names is None:
            got = ", ".join(map(str, list(named)[:8])) or "an empty dict"
            raise unfit(self.name, EXPECTED, got, REMEDY)
        return {name: self._array(name, named[name]) for name in names}

    def _array(self, name: str, value: Any) -> NDArray[Any]:
        where = f"{self.name}: {name}"
        try:
            array = np.atleast_1d(np.asarray(value))
        except Exception as error:  # of lists, tensors and whatever else calls itself an array
            raise unfit(where, "an array", f"{type(value).__name__} ({_first_line(error)})", REMEDY) from None
        if (
            array.dtype.kind == "O"
            and name.startswith("y")
            and all(isinstance(one, str) for one in array.flat)
        ):
            return array.astype(str)  # as a column of pandas comes
        if array.dtype.kind == "O":
            raise unfit(where, "an array of numbers, or of text for labels", "Python objects", REMEDY)
        return array

    def _divided(self, arrays: Arrays) -> Part:
        """The training part, the test part put aside in it."""
        whole = "x" in arrays
        x_name, y_name = WHOLE if whole else PARTS[:2]
        x = checked_examples(in_blocks(arrays[x_name]), f"{self.name}: {x_name}")
        y, names = self._labelled(arrays[y_name], x.shape[0], f"{self.name}: {y_name}", None)
        if not whole:
            aside = {"x": in_blocks(arrays["x_test"]), "y": in_blocks(arrays["y_test"])}
            return Part(x, y, names, aside)
        try:
            parts = with_test_part(y)
        except DataError as error:
            raise DataError(f"{self.name}: y: {error}") from None
        labels = arrays["y"].reshape(-1)[parts.validation]
        aside = {"x": x.only(parts.validation), "y": in_blocks(labels)}
        return Part(x.only(parts.train), y[parts.train], names, aside)

    def _labelled(
        self, y: NDArray[Any], count: int, where: str, names: tuple[str, ...] | None
    ) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """The numbers of the classes, and their names; text is numbered in the order of the alphabet."""
        if y.dtype.kind not in "US":
            labels = checked_labels(y, count, where, None if names is None else len(names))
            return labels, names or tuple(map(str, range(int(labels.max()) + 1)))
        texts = y.astype(str)
        found = names or tuple(map(str, np.unique(texts)))
        need_two_classes(len(found), where)
        place = {name: number for number, name in enumerate(found)}
        unknown = next((str(text) for text in np.unique(texts) if str(text) not in place), None)
        if unknown is not None:
            remedy = "Use only classes that the training examples have."
            raise unfit(where, "labels of the training examples", repr(unknown), remedy)
        numbers = np.array([place[str(text)] for text in texts.ravel()], np.int64).reshape(texts.shape)
        return checked_labels(numbers, count, where, len(found)), found

    def _loaded(self) -> Any:
        """The function as Python has it now: whoever edits a module in a notebook loads it again."""
        module, _, name = self.location.partition(":")
        return getattr(sys.modules.get(module), name, None)

    def _call(self) -> Any:
        """What the function returns; whatever goes wrong in it is told with its own file and line."""
        function: Callable[..., Any] | None = None
        try:
            # Standard output may be a program's to read: what the function prints is for people.
            with _calling, contextlib.redirect_stdout(sys.stderr):
                function = find_function("data python", self.location, DataError)
                found = function()
                return gathered(found, self.name, self._scratch) if isinstance(found, Iterator) else found
        except TunekitError:
            raise
        except (Exception, SystemExit) as error:
            remedy = "Mend the function." if function else "Mend the module."
            got = f"{type(error).__name__}: {_first_line(error)}"
            raise unfit(f"{self.name}: {_place(error)}", f"{EXPECTED}", got, remedy) from None


def _place(error: BaseException) -> str:
    """File and line where the error came from in the user's own code: the last ones outside of installed packages."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    ours = Path(__file__).resolve().parents[1]
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not Path(frame.filename).resolve().is_relative_to(ours) and not frame.filename.startswith("<")
    ]
    own = [frame for frame in frames if not _installed(frame.filename)] or frames
    return f"{own[-1].filename}:{own[-1].lineno}" if own else "the function"


def _installed(filename: str) -> bool:
    library = str(Path(contextlib.__file__).parent)
    return "site-packages" in filename or filename.startswith(library)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no message"
