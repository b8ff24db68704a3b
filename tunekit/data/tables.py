"""Tables in files, read batch by batch: CSV with every value as text, Parquet with the types it has.

Both by PyArrow, which reads either in pieces that memory holds, and comes with MLflow.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tunekit.data.images import unfit
from tunekit.errors import DataError
from tunekit.space.problems import suggestion

BLOCK_BYTES = 2**20
"""Of a CSV file, read at once, unless rows are long; PyArrow reads 32 of them ahead."""
LONG_ROW = 16
"""Times that a row may be longer than the names of the columns, where a block is shorter."""
BATCH_VALUES = 2**20
"""Of a Parquet file, read at once."""
BUFFER_BYTES = 2**16
"""Of a column of a Parquet file, read from disk at once."""
DELIMITERS = (",", ";", "\t")
COUNTED_BYTES = 4 * 2**20
"""Of a CSV file, up to which its rows are counted."""


class Table(Protocol):
    """A file with named columns."""

    path: Path

    def columns(self) -> list[str]:
        """Their names in order."""
        ...

    def rows(self) -> int | None:
        """How many, where that is known at once."""
        ...

    def batches(self) -> Iterator[Any]:
        """All rows as record batches, in order."""
        ...

    def place(self, row: int) -> str:
        """Where a row, counted from 0, stands in the file."""
        ...


class CsvTable:
    """A CSV file in UTF-8 with names in its first line, separated by commas, semicolons or tabs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def columns(self) -> list[str]:
        with _told(self.path, "CSV"), self._text() as text:
            header = next(iter(text), "").rstrip("\r\n")
            found = next(csv.reader([header], delimiter=_delimiter(header)), [])
        if not header.strip():
            remedy = "Begin it with a line of column names."
            raise unfit(self.path, "a CSV file with names in its first line", "no first line", remedy)
        return found

    def rows(self) -> int | None:
        with _told(self.path, "CSV"):
            size = self.path.stat().st_size
        return sum(len(batch) for batch in self.batches()) if size <= COUNTED_BYTES else None

    def batches(self) -> Iterator[Any]:
        columns = self.columns()
        with _told(self.path, "CSV", self._line):
            reader = pyarrow.csv.open_csv(
                self._bytes(),
                # One thread, so that an error knows its row.
                read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=self._block()),
                parse_options=pyarrow.csv.ParseOptions(delimiter=self._delimiter(), newlines_in_values=True),
                convert_options=pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
                ),
            )
            yield from reader

    def place(self, row: int) -> str:
        return f"line {self._line(row + 2)}"

    def _line(self, record: int) -> int:
        """The line on which a record ends, the names being the first one: blank lines and texts of several count."""
        with self._text() as text:
            reader = csv.reader(text, delimiter=self._delimiter())
            for found in reader:
                record -= bool(found)
                if not record:
                    break
            return reader.line_num

    def _delimiter(self) -> str:
        with self._text() as text:
            return _delimiter(next(iter(text), ""))

    def _block(self) -> int:
        """A block holds at least a row."""
        with self._text() as text:
            return max(BLOCK_BYTES, LONG_ROW * len(next(iter(text), "")))

    def _bytes(self) -> Any:
        return pa.input_stream(str(self.path), compression="detect")

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        with (
            self._bytes() as stream,
            io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="") as text,
        ):
            yield text


class ParquetTable:
    """A Parquet file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def columns(self) -> list[str]:
        with _told(self.path, "Parquet"), pq.ParquetFile(self.path) as file:
            return list(file.schema_arrow.names)

    def rows(self) -> int | None:
        with _told(self.path, "Parquet"), pq.ParquetFile(self.path) as file:
            return int(file.metadata.num_rows)

    def batches(self) -> Iterator[Any]:
        with _told(self.path, "Parquet"), _in_pieces(self.path) as file:
            rows = max(1, BATCH_VALUES // max(1, len(file.schema_arrow.names)))
            yield from file.iter_batches(batch_size=rows, use_threads=False)

    def place(self, row: int) -> str:
        return f"row {row + 1}"


def _in_pieces(path: Path) -> Any:
    """As it is, PyArrow reads ahead and keeps what it has read up to the end, and a column of a million rows whole."""
    return pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False)


def features_beside(label: str, columns: list[str], path: Path) -> list[str]:
    """The columns beside the label; DataError where they are not what can be learnt from."""
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        raise unfit(path, "columns of different names", f"{twice[0]!r} twice", "Rename or remove one.")
    if label not in columns:
        known = columns if len(columns) <= 20 else [*columns[:20], "..."]
        near = difflib.get_close_matches(label, columns, n=1)
        remedy = suggestion(near[0], known) if near else f"Known: {', '.join(known)}."
        raise unfit(path, f"the label's column {label!r}", f"{len(columns)} columns without it", remedy)
    features = [name for name in columns if name != label]
    if not features:
        raise unfit(path, "columns beside the label", "none", "Add a column for each feature.")
    return features


def _delimiter(header: str) -> str:
    """The one that the first line has most often."""
    return max(DELIMITERS, key=header.count)


@contextmanager
def _told(path: Path, kind: str, line: Any = None) -> Iterator[None]:
    """Whatever the reader stumbles over, as an error with the file and, where it is known, the line."""
    try:
        yield
    except FileNotFoundError:
        remedy = "Check the path; one in a space file is relative to that file."
        raise unfit(path, f"a {kind} file", "no such file", remedy) from None
    except (pa.ArrowException, csv.Error) as error:
        raise _damaged(path, kind, str(error), line) from None
    except OSError as error:
        if error.strerror:
            got, remedy = error.strerror.lower(), "Check the path and its permissions."
            raise unfit(path, f"a {kind} file", got, remedy) from None
        raise _damaged(path, kind, str(error), line) from None


def _damaged(path: Path, kind: str, text: str, line: Any) -> DataError:
    text = " ".join(text.split())
    found = re.search(r"Row #(\d+): (.*)", text)
    where = str(path)
    if found and line is not None:
        where, text = f"{path}:{line(int(found[1]))}", found[2]
    if "Is a directory" in text or "is a directory" in text:
        return unfit(where, f"a {kind} file", "a folder", "Name a file in it.")
    remedy = "Save the file again, in UTF-8." if "UTF8" in text else "Mend or write the file again."
    return unfit(where, f"a {kind} file that can be read", text[:300], remedy)
