"""Decoded images with their labels: what every source hands over, its checks and its digest."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.errors import DataError, Problem

CHUNK = 4096
"""Images converted or counted at once, so that the work needs little memory beside the array itself."""


@dataclass(frozen=True)
class Images:
    """One part of a data set."""

    x: NDArray[np.uint8]
    """(N, H, W, C)"""
    y: NDArray[np.int64]
    """(N,)"""
    class_names: tuple[str, ...]

    def only(self, indices: NDArray[np.int64]) -> Images:
        """A copy of these images alone, so that the rest can leave memory."""
        return Images(self.x[indices], self.y[indices], self.class_names)


def unfit(where: str | Path, expected: str, got: str, remedy: str) -> DataError:
    """The error for data that cannot be used: where, what was expected, what came, and what to do."""
    return DataError(str(Problem(str(where), expected, got, remedy)))


def chunks(count: int) -> Iterator[slice]:
    """Slices that cover `count` images in order."""
    return (slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))


def digest(x: NDArray[Any], y: NDArray[Any]) -> str:
    """SHA-256 of images and labels, shapes and dtypes included."""
    total = hashlib.sha256()
    for array in (x, y):
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def moments(x: NDArray[np.uint8]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of x/255 for each channel.

    They come from counts of the 256 values, so they are exact and the same on every machine.
    A channel that never varies gets 1.0 as its deviation, so that dividing by it is safe.
    """
    counts = np.zeros((x.shape[3], 256), np.int64)
    for part in chunks(len(x)):
        for channel in range(x.shape[3]):
            counts[channel] += np.bincount(x[part, :, :, channel].ravel(), minlength=256)
    means, deviations = [], []
    for count in counts.tolist():
        number = sum(count)
        total = sum(value * times for value, times in enumerate(count))
        squares = sum(value * value * times for value, times in enumerate(count))
        means.append(total / number / 255)
        spread = (number * squares - total * total) / (number * number)
        deviations.append(spread**0.5 / 255 if spread else 1.0)
    return tuple(means), tuple(deviations)


def checked_images(x: NDArray[Any], where: str) -> NDArray[np.uint8]:
    """The images as uint8 (N, H, W, C), or DataError.

    Integers must lie in 0..255. Floats must lie in 0..1; they are multiplied by 255 and rounded.
    """
    if x.ndim not in (3, 4) or 0 in x.shape:
        remedy = "Store at least one image, as an array of shape (N, H, W) or (N, H, W, C)."
        raise unfit(where, "images of shape (N, H, W) or (N, H, W, C)", f"shape {x.shape}", remedy)
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.shape[1] in (1, 3) and x.shape[3] > 4:
        remedy = "Move the channels to the end: numpy.moveaxis(x, 1, -1)."
        got = f"shape {x.shape}, which has the channels first"
        raise unfit(where, "images of shape (N, H, W, C)", got, remedy)
    if x.dtype.kind not in "uif":
        remedy = "Store the images as uint8."
        raise unfit(where, "images as uint8, integers in 0..255 or floats in 0..1", f"{x.dtype}", remedy)
    if x.dtype == np.uint8:
        return x
    out = np.empty(x.shape, np.uint8)
    for part in chunks(len(x)):
        out[part] = _to_uint8(x[part], where)
    return out


def _to_uint8(x: NDArray[Any], where: str) -> NDArray[Any]:
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
    return np.rint(x.astype(np.float64) * 255) if floats else x


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
        remedy = "Store class numbers 0, 1, 2, ... as int64."
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
