"""Columns of a table as numbers and classes, or what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "None", "?")
"""Texts that stand for a value that is not there."""
_WHOLE = re.compile(r"(0|-?[1-9][0-9]*)(\.0*)?")


@dataclass(frozen=True)
class Fault:
    """The first value of a column that is none."""

    row: int
    """Within the batch."""
    what: str


def numbers(column: Any) -> NDArray[np.float64] | Fault:
    """A column as finite numbers."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return numbers(column.dictionary_decode())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(pc.utf8_trim_whitespace(column))
    if pa.types.is_null(kind):
        return Fault(0, "a missing value")
    if not (
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) or _decimal(kind)
    ):
        return Fault(0, f"a value of the type {kind}")
    return _finite(column.cast(pa.float64(), safe=False))


def _from_text(column: Any) -> NDArray[np.float64] | Fault:
    missing = pc.or_kleene(pc.is_null(column), pc.is_in(column, pa.array(MISSING, column.type)))
    first = pc.index(missing, True).as_py()
    try:
        if first < 0:
            return _finite(column.cast(pa.float64()))
        found = numbers(column.slice(0, first)) if first else None
        return found if isinstance(found, Fault) else Fault(first, "a missing value")
    except pa.ArrowInvalid:
        row = _first_bad(column, 0, len(column))
        return Fault(row, f"the text {column[row].as_py()[:40]!r}")


def _first_bad(column: Any, low: int, high: int) -> int:
    """The first row that is no number, by halves; there is one."""
    while high - low > 1:
        middle = (low + high) // 2
        try:
            column.slice(low, middle - low).cast(pa.float64())
            low = middle
        except pa.ArrowInvalid:
            high = middle
    return low


def _finite(column: Any) -> NDArray[np.float64] | Fault:
    values: NDArray[np.float64] = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    good = np.isfinite(values) & (np.abs(values) <= np.finfo(np.float32).max)
    if good.all():
        return values
    row = int(np.argmin(good))
    missing = column[row].as_py() is None or np.isnan(values[row])
    return Fault(row, "a missing value" if missing else f"{values[row]:g}, too large a number")


def _decimal(kind: Any) -> bool:
    return bool(pa.types.is_decimal(kind))


def texts(column: Any) -> tuple[NDArray[np.int64], list[str]] | Fault:
    """A column of labels: the number of each among the different ones, and those as text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return texts(column.dictionary_decode())
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
    ):
        return Fault(0, f"a value of the type {kind}")
    missing = pc.is_null(column, nan_is_null=True)
    column = column.cast(pa.string())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        column = pc.utf8_trim_whitespace(column)
        missing = pc.or_kleene(missing, pc.equal(column, ""))
    first = pc.index(missing, True).as_py()
    if first >= 0:
        return Fault(first, "a missing label")
    encoded = column.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, [str(text) for text in encoded.dictionary.to_pylist()]


def class_names(labels: Iterable[str]) -> dict[str, str] | str:
    """Each label's class: whole numbers without what follows the point, else the label itself, classes sorted.

    A label with a fraction, as text, where all are numbers: such a column is no set of classes.
    """
    found = list(labels)
    if all(_WHOLE.fullmatch(label) for label in found):
        classes = {label: str(int(label.partition(".")[0])) for label in found}
        return dict(sorted(classes.items(), key=lambda item: int(item[1])))
    fractions = [label for label in found if not _WHOLE.fullmatch(label)]
    if all(_is_number(label) for label in found) and any("." in label or "e" in label for label in fractions):
        return next(label for label in fractions if "." in label or "e" in label)
    return {label: label for label in sorted(found)}


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
