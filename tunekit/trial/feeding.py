"""Examples given to a model in segments that memory holds, however large the data set is.

Keras copies the arrays that it is given, so it is given a segment at a time. A data set of up to a segment is given
whole. How an epoch is cut depends on the data and the batch size alone, and its steps are the same as in one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tunekit.data.blocks import let_go, rows_at_once

SEGMENT_BYTES = 256 * 2**20
"""Of examples; up to three copies of them are in memory at a time."""
EVALUATED = 256
"""Examples in a batch where nothing is trained."""

Array = NDArray[Any]


def segments(count: int, batch: int, example_bytes: int) -> list[slice]:
    """Slices of whole batches that cover so many examples."""
    rows = max(1, SEGMENT_BYTES // max(1, example_bytes) // batch) * batch
    return [slice(start, min(start + rows, count)) for start in range(0, count, rows)]


def gather(x: Array, rows: Array) -> Array:
    """These rows in this order, read in the order of the file."""
    found = np.empty((len(rows), *x.shape[1:]), x.dtype)
    places = np.argsort(rows, kind="stable")
    step = rows_at_once(example_bytes(x))
    for start in range(0, len(rows), step):
        some = places[start : start + step]
        found[some] = x[rows[some]]
        let_go(x)
    return found


class Rows:
    """Some rows of a mapped array, copied as they are asked for; it is used as the array of them would be."""

    def __init__(self, x: Array, rows: Array) -> None:
        self._x, self._rows = x, rows
        self.shape = (len(rows), *x.shape[1:])
        self.dtype, self.ndim = x.dtype, x.ndim

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, wanted: Any) -> Array:
        rows = self._rows[wanted]
        return self._x[rows] if np.ndim(rows) == 0 else gather(self._x, rows)


def example_bytes(x: Array | Rows) -> int:
    return int(np.prod(x.shape[1:])) * x.dtype.itemsize


def rows_of(x: Array, rows: Array) -> Array | Rows:
    """A copy of these rows, or what copies them as they are asked for where they are many."""
    small = len(rows) * example_bytes(x) <= SEGMENT_BYTES
    return gather(x, rows) if small else Rows(x, rows)


Segment = tuple[Array, Array] | tuple[Array, Array, Array]
"""Examples, labels and, where they do not all count alike, what each counts in the loss."""


@dataclass(frozen=True)
class Examples:
    """What one pass is made of, a segment at a time."""

    count: int
    bytes_each: int
    of: Callable[[slice], Segment]
    """The examples at these places of the pass."""

    def segments(self, batch: int) -> Iterator[tuple[slice, Segment]]:
        """In their order, each of whole batches."""
        for part in segments(self.count, batch, self.bytes_each):
            yield part, self.of(part)


def ordered(
    x: Array, y: Array, order: Array, make: Callable[[Array, slice], Array], weights: Array | None
) -> Examples:
    """Those of an epoch; `make` changes the examples of a part of the order before they are trained on.

    `weights` are those of the classes in the loss.
    """

    def of(part: slice) -> Segment:
        rows = order[part]
        labels = y[rows]
        examples = make(gather(x, rows), part)
        return (examples, labels) if weights is None else (examples, labels, weights[labels])

    return Examples(len(order), example_bytes(x), of)


def as_they_are(x: Array | Rows, y: Array) -> Examples:
    return Examples(len(y), example_bytes(x), lambda part: (x[part], y[part]))


def predictions(model: keras.Model, x: Array | Rows) -> Iterator[tuple[slice, Array]]:
    """What the model says of the examples, a segment at a time."""
    for part in segments(len(x), EVALUATED, example_bytes(x)):
        yield part, np.asarray(model.predict(x[part], batch_size=EVALUATED, verbose=0))


def evenly(count: int, most: int) -> Array:
    """At most so many of `count` places, at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def averaged(found: Sequence[Mapping[str, float]], parts: Sequence[slice]) -> dict[str, float]:
    """Metrics of all examples from those of each segment; of one segment they are left as they are."""
    if len(found) == 1:
        return {name: float(value) for name, value in found[0].items()}
    counts = [part.stop - part.start for part in parts]
    return {
        name: sum(float(one[name]) * count for one, count in zip(found, counts, strict=True)) / sum(counts)
        for name in found[0]
    }
