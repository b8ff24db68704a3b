"""Which training images are used, and which of them are held out for validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.errors import DataError


@dataclass(frozen=True)
class Split:
    """Two disjoint parts of the training images."""

    train: NDArray[np.int64]
    """Sorted indices."""
    validation: NDArray[np.int64]
    """Sorted indices."""


def split(
    labels: NDArray[Any], validation: float, limit: int | None, seed: int, names: Sequence[str] = ()
) -> Split:
    """A stratified split that depends on the arguments alone; `names` are those of the classes, for errors.

    `limit` first takes that many images, every class in proportion; the share `validation` of them is
    then held out, again every class in proportion. Where proportion alone would leave a class without
    an image on one side, it gets one there.
    """
    if not 0 < validation < 1:
        raise DataError(
            f"validation: expected a share between 0 and 1, got {validation}. Choose one such as 0.1."
        )
    classes, member, counts = np.unique(labels, return_inverse=True, return_counts=True)
    _check_counts(classes, counts, names)
    if limit is not None:
        _check_limit(limit, counts)
        counts_used = _apportion(counts, limit, np.full_like(counts, 2), counts)
    else:
        counts_used = counts
    used = int(counts_used.sum())
    held = min(max(round(used * validation), len(classes)), used - len(classes))
    counts_held = _apportion(counts_used, held, np.ones_like(counts), counts_used - 1)
    return _pick(member, counts, counts_used, counts_held, seed)


def _check_counts(classes: NDArray[Any], counts: NDArray[np.int64], names: Sequence[str]) -> None:
    if not len(counts):
        raise DataError("expected images to split, got none. Use a data set that has training images.")
    small = [
        f"class {names[label] if names else label} has {count}"
        for label, count in zip(classes, counts, strict=True)
        if count < 2
    ]
    if small:
        listed = ", ".join(small[:5]) + (", ..." if len(small) > 5 else "")
        raise DataError(
            f"expected at least 2 images of every class, one for each side of the split, got too few: "
            f"{listed}. Add images of these classes or remove the classes."
        )


def _check_limit(limit: int, counts: NDArray[np.int64]) -> None:
    least, most = 2 * len(counts), int(counts.sum())
    if not least <= limit <= most:
        rarest = int(counts.min())
        raise DataError(
            f"limit: expected {least} to {most} images ({len(counts)} classes with at least 2 images each, "
            f"{most} training images in all, {rarest} in the smallest class), got {limit}. "
            "Choose a limit in that range or leave it out to use all."
        )


def _apportion(
    counts: NDArray[np.int64], total: int, least: NDArray[np.int64], most: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Share `total` out in proportion to `counts` by largest remainders, within `least` and `most`.

    All in integers: rounding in floats could differ between machines. Ties go to the lower class.
    """
    everything = int(counts.sum())
    given = np.clip(counts * total // everything, least, most)
    while (rest := total - int(given.sum())) != 0:
        owed = counts * total - given * everything
        if rest > 0:
            open_ = given < most
            given[np.argmax(np.where(open_, owed, np.iinfo(np.int64).min))] += 1
        else:
            open_ = given > least
            given[np.argmin(np.where(open_, owed, np.iinfo(np.int64).max))] -= 1
    return given


def _pick(
    member: NDArray[np.int64],
    counts: NDArray[np.int64],
    counts_used: NDArray[np.int64],
    counts_held: NDArray[np.int64],
    seed: int,
) -> Split:
    """Take every class's images in a random order: the first ones are held out, the next ones trained on.

    NumPy keeps raw bits the same in every version, but not its shuffles, hence sorting by raw bits.
    """
    bits = np.random.PCG64(seed % 2**64).random_raw(len(member))
    order = np.lexsort((bits, member))
    starts = np.cumsum(counts) - counts
    rank = np.arange(len(member)) - np.repeat(starts, counts)
    held = rank < np.repeat(counts_held, counts)
    used = rank < np.repeat(counts_used, counts)
    return Split(
        train=np.sort(order[used & ~held]).astype(np.int64),
        validation=np.sort(order[held]).astype(np.int64),
    )
