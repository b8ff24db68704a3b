"""Decoded examples with their labels: what every source hands over, its checks and its digest."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.blocks import Blocks, blocks_of, in_blocks
from tunekit.errors import DataError, Problem


@dataclass(frozen=True)
class Part:
    """One part of a data set that is decoded as it is read, so that it need not fit into memory."""

    x: Blocks
    """Images as uint8 (N, H, W, C), or vectors as float32 (N, features)."""
    y: NDArray[np.int64]
    """(N,); a source that learns them only with the examples fills them in as those are read."""
    class_names: tuple[str, ...]
    aside: Mapping[str, Blocks] = field(default_factory=dict)
    """Arrays of the test part that are to be kept beside this one, unread."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example: an image's height, width and channels, or a vector's length."""
        return self.x.shape[1:]

    @property
    def bytes(self) -> int:
        return int(np.prod(self.x.shape)) * self.x.dtype.itemsize


def unfit(where: str | Path, expected: str, got: str, remedy: str) -> DataError:
    """The error for data that cannot be used: where, what was expected, what came, and what to do."""
    return DataError(str(Problem(str(where), expected, got, remedy)))


def digest(x: NDArray[Any], y: NDArray[Any]) -> str:
    """SHA-256 of examples and labels, shapes and dtypes included."""
    return digest_of(in_blocks(x), in_blocks(y))


def digest_of(*arrays: Blocks) -> str:
    """The same digest, of arrays that come in blocks."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        for block in array.read():
            total.update(np.ascontiguousarray(block).data)
    return total.hexdigest()


def moments(x: NDArray[Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation: of x/255 for each channel of images, or of each feature of vectors.

    Either is the same on every machine. What never varies gets 1.0 as its deviation, so that dividing by it is safe.
    """
    return _of_channels(x) if x.ndim == 4 else _of_features(x)


def _of_features(x: NDArray[np.float32]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    # Away from the first example, lest a large mean swallow a small deviation. Sums along the first axis are taken
    # row by row, and therefore alike everywhere.
    first = x[0].astype(np.float64)
    total, squares = np.zeros_like(first), np.zeros_like(first)
    for some in blocks_of(x):
        away = some.astype(np.float64) - first
        total += away.sum(axis=0)
        squares += (away * away).sum(axis=0)
    mean = total / len(x)
    variance = np.maximum(squares / len(x) - mean * mean, 0)
    deviation = np.sqrt(np.where(variance > 0, variance, 1.0))
    return tuple((first + mean).tolist()), tuple(deviation.tolist())


def _of_channels(x: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """From counts of the 256 values, so that they are exact."""
    counts = np.zeros((x.shape[3], 256), np.int64)
    for some in blocks_of(x):
        for channel in range(x.shape[3]):
            counts[channel] += np.bincount(some[..., channel].ravel(), minlength=256)
    means, deviations = [], []
    for count in counts.tolist():
        number = sum(count)
        total = sum(value * times for value, times in enumerate(count))
        squares = sum(value * value * times for value, times in enumerate(count))
        means.append(total / number / 255)
        spread = (number * squares - total * total) / (number * number)
        deviations.append(spread**0.5 / 255 if spread else 1.0)
    return tuple(means), tuple(deviations)


def checked_examples(x: Blocks, where: str) -> Blocks:
    """Images as uint8 (N, H, W, C), or what has two dimensions as float32 vectors (N, features); or DataError.

    Shape and type are checked at once, values as they are read.
    """
    if len(x.shape) != 2:
        return checked_images(x, where)
    if 0 in x.shape or x.dtype.kind not in "buif":
        remedy = "Store one row of numbers for each example."
        raise unfit(
            where, "vectors of numbers, of shape (N, features)", f"{x.dtype} of shape {x.shape}", remedy
        )
    return x.changed(x.shape[1:], np.float32, lambda block: _to_float32(block, where))


def _to_float32(x: NDArray[Any], where: str) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        vectors = x.astype(np.float32)
    if not np.isfinite(vectors).all():
        remedy = "Remove or replace NaN, infinite values and values beyond 3e38."
        raise unfit(where, "vectors of finite values", "others", remedy)
    return vectors


def checked_images(x: Blocks, where: str) -> Blocks:
    """The images as uint8 (N, H, W, C), or DataError.

    Integers must lie in 0..255. Floats must lie in 0..1; they are multiplied by 255 and rounded.
    """
    if len(x.shape) not in (3, 4) or 0 in x.shape:
        remedy = "Store at least one image, as an array of shape (N, H, W) or (N, H, W, C)."
        expected = "images of shape (N, H, W) or (N, H, W, C), or vectors of shape (N, features)"
        raise unfit(where, expected, f"shape {x.shape}", remedy)
    shape = (*x.shape, 1) if len(x.shape) == 3 else x.shape
    if shape[1] in (1, 3) and shape[3] > 4:
        remedy = "Move the channels to the end: numpy.moveaxis(x, 1, -1)."
        got = f"shape {shape}, which has the channels first"
        raise unfit(where, "images of shape (N, H, W, C)", got, remedy)
    if x.dtype.kind not in "uif":
        remedy = "Store the images as uint8."
        raise unfit(where, "images as uint8, integers in 0..255 or floats in 0..1", f"{x.dtype}", remedy)
    return x.changed(
        shape[1:], np.uint8, lambda block: _to_uint8(block, where).reshape(len(block), *shape[1:])
    )


def _to_uint8(x: NDArray[Any], where: str) -> NDArray[np.uint8]:
    if x.dtype == np.uint8:
        return x
    floats = x.dtype.kind == "f"
    if floats and not np.isfinite(x).all():
        remedy = "Remove or replace NaN and infinite values."
        raise unfit(where, "images of finite values", "NaN or infinite values", remedy)
    low, high = x.min(), x.max()
    top = 1 if floats else 255
    if low < 0 or high > top:
        expected = f"{x.dtype} images in 0..{top}"
        remedy = "Scale floats to 0..1, or store the images as uint8 in 0..255."
        raise unfit(where, expected, f"values from {low} to {high}", remedy)
    # float16 cannot tell 255 values near 1 apart once multiplied, so widen first.
    return (np.rint(x.astype(np.float64) * 255) if floats else x).astype(np.uint8)


def checked_labels(y: NDArray[Any], count: int, where: str, classes: int | None = None) -> NDArray[np.int64]:
    """The labels as int64 (N,), or DataError.

    With `classes`, labels must lie in 0..classes-1; without, they must also leave no class out.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        remedy = "Store one class number for each image; for one-hot labels use y.argmax(axis=1)."
        raise unfit(where, "labels of shape (N,) or (N, 1)", f"shape {y.shape}", remedy)
    if y.dtype.kind not in "ui":
        nan = " with NaN" if y.dtype.kind == "f" and np.isnan(y).any() else ""
        remedy = (
            "Store class numbers 0, 1, 2, ... as int64: numpy.unique(y, return_inverse=True)[1] makes them."
        )
        raise unfit(where, "integer labels", f"{y.dtype}{nan}", remedy)
    if len(y) != count:
        remedy = "Store exactly one label for each image."
        raise unfit(where, f"as many labels as images, {count}", f"{len(y)} labels", remedy)
    present = [int(label) for label in np.unique(y)]
    _check_range(present, where, classes)
    return np.ascontiguousarray(y, dtype=np.int64)


def _check_range(present: list[int], where: str, classes: int | None) -> None:
    remedy = "Number the classes 0, 1, 2, ... without a gap."
    if present[0] < 0:
        raise unfit(where, "labels from 0 up", f"the label {present[0]}", remedy)
    if classes is not None:
        if present[-1] >= classes:
            remedy = f"Use only classes that the training images have, 0 to {classes - 1}."
            raise unfit(where, f"labels below {classes}", f"the label {present[-1]}", remedy)
        return
    if present[-1] >= len(present):
        known = set(present)
        absent = itertools.islice((label for label in range(present[-1]) if label not in known), 6)
        missing = [str(label) for label in absent]
        more = ", ..." if len(missing) > 5 else ""
        got = f"labels up to {present[-1]} without {', '.join(missing[:5])}{more}"
        raise unfit(where, "every label from 0 up to be used", got, remedy)
    need_two_classes(len(present), where)


def need_two_classes(present: int, where: str) -> None:
    """DataError unless there is something to tell apart."""
    if present < 2:
        remedy = "Add images of another class; there is nothing to tell apart."
        raise unfit(where, "at least two classes", "images of one class only", remedy)
