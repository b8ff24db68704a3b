"""A CSV or Parquet file: one column holds the classes, the others are features, or pixels where `shape` says so.

The file is read twice: once for its labels, its range and its faults, and once for its values, some at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.data.blocks import Blocks, rows_at_once
from tunekit.data.cached import Prepared
from tunekit.data.columns import Fault, class_names, numbers, texts
from tunekit.data.digits import TEST_SEED, TEST_SHARE
from tunekit.data.images import Part, need_two_classes, unfit
from tunekit.data.pixel_range import Range
from tunekit.data.split import split
from tunekit.data.tables import CsvTable, ParquetTable, Table, features_beside
from tunekit.errors import DataError
from tunekit.space.space import DataSpec

MOST_NAMED = 10
"""Columns that an error names."""


@dataclass
class _Survey:
    """What one reading of a table tells."""

    codes: NDArray[np.int64]
    """The number of each row's label among `labels`."""
    labels: list[str]
    whole: bool
    """Whether every value is a whole number; known only where the values are pixels."""


class Tabular:
    """The sources `csv` and `parquet`."""

    def __init__(self, spec: DataSpec) -> None:
        open_table: type[CsvTable | ParquetTable] = CsvTable if spec.source == "csv" else ParquetTable
        assert spec.label is not None
        self._table: Table = open_table(Path(spec.location))
        self._test: Table | None = open_table(Path(spec.test)) if spec.test else None
        self._label = spec.label
        self._shape = spec.shape
        self.name = f"{spec.source}:{self._table.path.name}"

    def identity(self) -> tuple[str, ...]:
        path = self._table.path
        try:
            stat = path.stat()
        except (OSError, ValueError):
            self._table.columns()  # raises what can be said of it
            raise
        options = (self._label, str(self._shape), str(self._test is not None))
        return (self.name, str(path.absolute()), str(stat.st_size), str(stat.st_mtime_ns), *options)

    def train(self) -> Part:
        features = self._features(self._table)
        if self._test is not None:
            self._features(
                self._test, features
            )  # its first line alone: better told before a search than after it
        survey = self._survey(self._table, features)
        classes = self._classes(survey)
        names = tuple(dict.fromkeys(classes.values()))
        keep = None if self._test is not None else self._side(survey, classes, test=False)
        return self._part(self._table, features, survey, (classes, names), keep, survey.whole)

    def test(self, prepared: Prepared) -> Part:
        names = prepared.class_names
        features = self._features(self._table)
        if self._test is None:
            survey = self._survey(self._table, features)
            classes = self._classes(survey)
            keep = self._side(survey, classes, test=True)
            return self._part(self._table, features, survey, (classes, names), keep, survey.whole)
        # How pixels are to be read is the training part's to say.
        whole = self._survey(self._table, features).whole if self._shape else True
        survey = self._survey(self._test, features, whole)
        if survey.whole != whole:
            expected = f"whole numbers of 0 to 255 as in {self._table.path.name}"
            raise unfit(self._test.path, expected, "fractions", "Scale both files alike.")
        return self._part(self._test, features, survey, (self._known(survey, names), names), None, whole)

    def _features(self, table: Table, expected: list[str] | None = None) -> list[str]:
        """The columns beside the label; those of the test file must be `expected`, in any order."""
        features = features_beside(self._label, table.columns(), table.path)
        if expected is not None:
            self._check_same(table, features, expected)
            return expected
        if self._shape is not None and math.prod(self._shape) != len(features):
            sides = " x ".join(map(str, self._shape))
            wanted = f"{math.prod(self._shape)} columns beside the label, for `shape` {sides}"
            remedy = "Correct `shape`, or remove columns that are no pixels."
            raise unfit(table.path, wanted, f"{len(features)}", remedy)
        return features

    def _check_same(self, table: Table, features: list[str], expected: list[str]) -> None:
        absent = [name for name in expected if name not in set(features)]
        added = [name for name in features if name not in set(expected)]
        if absent or added:
            parts = {"without": absent, "with": added}
            got = " and ".join(f"{how} {', '.join(names[:5])}" for how, names in parts.items() if names)
            remedy = "Give both files the same columns."
            raise unfit(table.path, f"the columns of {self._table.path.name}", f"columns {got}", remedy)

    def _survey(self, table: Table, features: list[str], whole: bool | None = None) -> _Survey:
        """Labels and range of all rows; DataError with the first fault of each column that has one."""
        known: dict[str, int] = {}
        codes, row = [np.empty(0, np.int64)], 0
        seen = Range(True if whole is None else whole)
        for batch in table.batches():
            faults: dict[str, Fault] = {}
            found = texts(batch.column(self._label))
            if isinstance(found, Fault):
                faults[self._label] = found
            else:
                numbered = np.array([known.setdefault(text, len(known)) for text in found[1]], np.int64)
                codes.append(numbered[found[0]])
            for name in features:
                values = numbers(batch.column(name))
                if isinstance(values, Fault):
                    faults[name] = values
                elif self._shape is not None:
                    seen.see(values, name, table, row)
            if faults:
                raise _unfit_columns(table, faults, row)
            row += len(batch)
        if not row:
            raise unfit(table.path, "at least one row", "none", "Add the rows of the data.")
        if self._shape is not None:
            seen.check(table)
        return _Survey(np.concatenate(codes), list(known), seen.whole)

    def _classes(self, survey: _Survey) -> dict[str, str]:
        """The class of each label."""
        where = f"{self._table.path}: column {self._label!r}"
        classes = class_names(survey.labels)
        if isinstance(classes, str):
            row = int(np.argmax(survey.codes == survey.labels.index(classes)))
            got = f"{classes} in {self._table.place(row)}"
            remedy = "Choose a column of classes; numbers on a scale are not searched."
            raise unfit(where, "classes: whole numbers or text", got, remedy)
        need_two_classes(len(set(classes.values())), where)
        return classes

    def _known(self, survey: _Survey, names: tuple[str, ...]) -> dict[str, str]:
        """The class of each label of the test file, which must be among the training part's."""
        assert self._test is not None
        classes = class_names(survey.labels)
        if isinstance(classes, str) or not set(classes.values()) <= set(names):
            classes = {label: label for label in survey.labels}
        for label, name in classes.items():
            if name not in names:
                row = int(np.argmax(survey.codes == survey.labels.index(label)))
                where = f"{self._test.path}: column {self._label!r}"
                expected = f"classes of {self._table.path.name}"
                remedy = "Remove the row, or add rows of this class to the training file."
                raise unfit(where, expected, f"{label!r} in {self._test.place(row)}", remedy)
        return classes

    def _side(self, survey: _Survey, classes: Mapping[str, str], *, test: bool) -> NDArray[np.bool_]:
        """Which rows are on one side of the fixed division of a file without a test part."""
        names = tuple(dict.fromkeys(classes.values()))
        y = _numbered(survey, classes, names)
        try:
            parts = split(y, TEST_SHARE, None, TEST_SEED)
        except DataError as error:
            counts = np.bincount(y, minlength=len(names))
            rare = [f"{name!r} has {count}" for name, count in zip(names, counts, strict=True) if count < 2]
            raise unfit(
                f"{self._table.path}: column {self._label!r}",
                "at least 2 rows of every class",
                f"{len(rare)} of {len(names)} classes with fewer: {', '.join(rare[:5])}",
                "Add rows of these classes or remove them; if this column is no set of classes, choose another.",
            ) from error
        keep = np.zeros(len(y), bool)
        keep[parts.validation if test else parts.train] = True
        return keep

    def _part(
        self,
        table: Table,
        features: list[str],
        survey: _Survey,
        classes: tuple[Mapping[str, str], tuple[str, ...]],
        keep: NDArray[np.bool_] | None,
        whole: bool,
    ) -> Part:
        y = _numbered(survey, *classes)
        shape: tuple[int, ...] = self._shape or (len(features),)
        kept = np.ones(len(y), bool) if keep is None else keep
        dtype = np.uint8 if self._shape else np.float32

        def blocks() -> Iterator[NDArray[Any]]:
            row = 0
            for batch in table.batches():
                mask = kept[row : row + len(batch)]
                row += len(batch)
                matrix = np.stack([_again(numbers(batch.column(name)), table) for name in features], axis=-1)[
                    mask
                ]
                if self._shape and not whole:
                    matrix = np.rint(matrix * 255)
                for start in range(0, len(matrix), step):
                    yield matrix[start : start + step].astype(dtype).reshape(-1, *shape)

        step = rows_at_once(math.prod(shape) * np.dtype(dtype).itemsize)
        y = y[kept]
        return Part(Blocks((len(y), *shape), np.dtype(dtype), blocks), y, classes[1])


def _numbered(survey: _Survey, classes: Mapping[str, str], names: tuple[str, ...]) -> NDArray[np.int64]:
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[classes[label]] for label in survey.labels], np.int64)[survey.codes]


def _again(found: NDArray[np.float64] | Fault, table: Table) -> NDArray[np.float64]:
    """Numbers that were good a moment ago."""
    if isinstance(found, Fault):
        got = "another file than a moment before"
        raise unfit(
            table.path, "a file that stays as it is while it is read", got, "Start the command again."
        )
    return found


def _unfit_columns(table: Table, faults: Mapping[str, Fault], first_row: int) -> DataError:
    lines = [
        f"  column {name!r}, {table.place(first_row + fault.row)}: {fault.what}"
        for name, fault in list(faults.items())[:MOST_NAMED]
    ]
    more = [f"  and {len(faults) - MOST_NAMED} columns more"] if len(faults) > MOST_NAMED else []
    remedy = "Fill in, encode as numbers or remove them:"
    return unfit(
        table.path,
        "a number in every row of every column beside the label",
        f"{len(faults)} {'columns' if len(faults) > 1 else 'column'} with something else",
        "\n".join([remedy, *lines, *more]),
    )
