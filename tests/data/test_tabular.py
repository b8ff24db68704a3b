"""Tables: features and pixels, labels and their classes, and what each fault says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.refusal import fails
from tunekit.data.columns import class_names
from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.sealed import open_test
from tunekit.errors import DataError
from tunekit.space.space import DataSpec

Write = Callable[..., DataSpec]
ROWS = "".join(f"{n},{('ant', 'bee')[n % 2]},{n / 4}\n" for n in range(20))
FLOWERS = "long,kind,wide\n" + ROWS


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a CSV file and says where, and which options."""

    def at(text: str | bytes, *, name: str = "set.csv", label: str = "kind", **options: Any) -> DataSpec:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return replace(DataSpec("csv", str(path), label=label), **options)

    return at


def test_features_are_vectors_in_the_files_order(write: Write, cache: Path) -> None:
    spec = write(FLOWERS)
    prepared = prepare(spec, cache)
    x, y = open_arrays(prepared)
    assert (prepared.name, prepared.shape, prepared.dtype) == ("csv:set.csv", (2,), "float32")
    assert prepared.class_names == ("ant", "bee")
    assert (x.dtype, x.shape, np.bincount(y).tolist()) == (np.float32, (16, 2), [8, 8])
    assert np.array_equal(x[:, 0] / 4, x[:, 1])
    assert np.array_equal(x[:, 0] % 2, y)
    assert np.allclose(prepared.mean, x.mean(axis=0))
    assert np.allclose(prepared.std, x.std(axis=0))
    test = open_test(spec, prepared)
    assert np.bincount(test.y).tolist() == [2, 2]
    assert sorted([*x[:, 0], *test.x[:, 0]]) == list(range(20))


def test_a_file_for_the_test_part(write: Write, cache: Path) -> None:
    test = write("wide,long,kind\n7,8,bee\n9,10,ant\n", name="test.csv")
    spec = write(FLOWERS, test=test.location)
    prepared = prepare(spec, cache)
    assert prepared.count == 20
    found = open_test(spec, prepared)
    assert found.x.tolist() == [[8, 7], [10, 9]]
    assert found.y.tolist() == [1, 0]


def test_training_reads_only_the_names_of_the_test_file(write: Write, cache: Path) -> None:
    test = write("wide,long,kind\nx,,\n", name="test.csv")
    spec = write(FLOWERS, test=test.location)
    prepared = prepare(spec, cache)
    with pytest.raises(DataError, match=r"(?s)test\.csv: .* column 'kind', line 2: a missing label"):
        open_test(spec, prepared)
    write("wide,kind,more\n", name="test.csv")
    cache.rename(cache.with_name("away"))
    with pytest.raises(DataError, match=r"the columns of set.csv, got columns without long and with more\."):
        prepare(spec, cache)
    with pytest.raises(DataError, match="no such file"):
        prepare(replace(spec, test=str(cache / "none.csv")), cache)


def test_a_class_that_only_the_test_file_has(write: Write, cache: Path) -> None:
    test = write("wide,long,kind\n1,2,ant\n\n3,4,wasp\n", name="test.csv")
    spec = write(FLOWERS, test=test.location)
    with pytest.raises(DataError, match=r"column 'kind': expected classes of set\.csv, got 'wasp' in line 4"):
        open_test(spec, prepare(spec, cache))


@pytest.mark.parametrize(("scale", "written"), [(1, "{:.0f}"), (255, "{:.6f}")])
def test_columns_as_pixels(write: Write, cache: Path, scale: int, written: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 12))
    pixels[0, :2] = 0, 255
    rows = [[str(n % 3), *(written.format(value / scale) for value in row)] for n, row in enumerate(pixels)]
    text = "\n".join(",".join(row) for row in [["label", *(f"pixel{n}" for n in range(12))], *rows])
    spec = write(text, label="label", shape=(2, 3, 2), validation=0.2)
    prepared = prepare(spec, cache)
    x, y = open_arrays(prepared)
    test = open_test(spec, prepared)
    assert (prepared.shape, x.dtype, test.x.dtype) == ((2, 3, 2), np.uint8, np.uint8)
    found = {image.tobytes(): label for image, label in zip([*x, *test.x], [*y, *test.y], strict=True)}
    assert found == {row.astype(np.uint8).tobytes(): n % 3 for n, row in enumerate(pixels)}


def test_test_pixels_are_scaled_as_the_training_pixels(write: Write, cache: Path) -> None:
    train = "kind,a\n" + "".join(f"{n % 2},{n / 8}\n" for n in range(9))
    test = write("kind,a\n0,1\n1,0\n", name="test.csv")
    spec = write(train, test=test.location, shape=(1, 1, 1))
    assert open_test(spec, prepare(spec, cache)).x.ravel().tolist() == [255, 0]
    spec = write("kind,a\n0,10\n1,20\n0,30\n1,40\n", test=test.location, shape=(1, 1, 1))
    write("kind,a\n0,1\n1,0.5\n", name="test.csv")
    with pytest.raises(DataError, match=r"test\.csv: expected whole numbers of 0 to 255"):
        open_test(spec, prepare(spec, cache))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1", "300"], "300 in column 'a', line 3."),
        (["-1", "0"], "-1 in column 'a', line 2."),
        (["0.5", "1.5"], "1.5 in column 'a', line 3 beside fractions"),
    ],
)
def test_values_that_are_no_pixels(write: Write, cache: Path, values: list[str], words: str) -> None:
    text = "kind,a\n" + "".join(f"{n % 2},{value}\n" for n, value in enumerate(values * 2))
    fails(write(text, shape=(1, 1, 1)), cache, words, "leave `shape` out")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["2.0", "1", "1.0"], ["1", "2"]),
        (["01", "2"], ["01", "2"]),
        (["b", "a", "1.5"], ["1.5", "a", "b"]),
    ],
)
def test_classes_of_labels(labels: list[str], names: list[str]) -> None:
    classes = class_names(labels)
    assert isinstance(classes, dict)
    assert list(dict.fromkeys(classes.values())) == names
    assert set(classes) == set(labels)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("long,kind\n1,a\n,b\n", ["1 column with", "column 'long', line 3: a missing value"]),
        ("long,kind\n1,a\nNA,b\n", ["column 'long', line 3: a missing value"]),
        ("long,kind\n1,a\n2,b\n\nx y,b\n", ["column 'long', line 5: the text 'x y'"]),
        ("long,kind\n1,a\n2,\"b\nc\"\nx,b\n", ["column 'long', line 5: the text 'x'"]),
        ("long,kind\n1,a\n1e39,b\n", ["line 3: 1e+39, too large"]),
        ("long,kind\n1,a\ninf,b\n", ["line 3: inf, too large"]),
        ("p,q,kind\nu,v,\n", ["3 columns with", "column 'p', line 2: the text 'u'", "column 'kind'", "missing label"]),
        ("long,kin\n1,a\n", ["the label's column 'kind'", "Did you mean kin?"]),
        ("long,type\n1,a\n", ["the label's column 'kind'", "Known: long, type."]),
        ("long,kind\n1,a\n2,a\n", ["column 'kind': expected at least two classes"]),
        ("long,kind\n1,0.5\n2,3\n", ["column 'kind': expected classes", "0.5 in line 2"]),
        ("long,kind\n1,a\n2,b\n3,b\n", ["1 of 2 classes with fewer: 'a' has 1"]),
        ("kind\na\nb\n", ["columns beside the label, got none"]),
        ("long,long,kind\n1,2,a\n", ["'long' twice"]),
        ("long,kind\n", ["at least one row"]),
        ("", ["no first line"]),
        ("long,kind\n1,a\n2\n", ["set.csv:3: expected a CSV file", "Expected 2 columns, got 1"]),
        (b"long,kind\n1,a\n2,\xff\n", ["invalid UTF8", "set.csv:3", "in UTF-8"]),
    ],
)  # fmt: skip
def test_faults(write: Write, cache: Path, text: str | bytes, words: list[str]) -> None:
    fails(write(text), cache, *words)


def test_a_shape_that_does_not_fit(write: Write, cache: Path) -> None:
    fails(write(FLOWERS, shape=(2, 2, 1)), cache, "4 columns beside the label, for `shape` 2 x 2 x 1, got 2")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_a_mark_of_byte_order(write: Write, cache: Path, delimiter: str) -> None:
    one = prepare(write(FLOWERS), cache)
    other = prepare(write("\ufeff" + FLOWERS.replace(",", delimiter)), cache)
    assert other.sha256 == one.sha256


def parquet(path: Path, columns: dict[str, Any], **options: Any) -> DataSpec:
    pq.write_table(pa.table(columns), path, row_group_size=7)
    return replace(DataSpec("parquet", str(path), label="kind"), **options)


def test_parquet_gives_what_csv_gives(write: Write, cache: Path, tmp_path: Path) -> None:
    kinds = pa.array(["ant", "bee"] * 10).dictionary_encode()
    numbers = np.arange(20)
    spec = parquet(
        tmp_path / "set.parquet",
        {"long": numbers.astype(np.int16), "kind": kinds, "wide": numbers.astype(np.float32) / 4},
    )
    prepared = prepare(spec, cache)
    assert prepared.sha256 == prepare(write(FLOWERS), cache).sha256
    assert open_test(spec, prepared).x.shape == (4, 2)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pa.array([1, None, 3]), "row 2: a missing value"),
        (pa.array([1.0, 2.0, np.nan]), "row 3: a missing value"),
        (pa.array([[1], [2], [3]]), "a value of the type list"),
        (pa.array([None, None, None]), "row 1: a missing value"),
    ],
)
def test_faults_of_parquet(tmp_path: Path, cache: Path, column: Any, words: str) -> None:
    fails(
        parquet(tmp_path / "set.parquet", {"kind": [1, 2, 1], "long": column}), cache, "column 'long'", words
    )


def test_files_that_are_none(tmp_path: Path, cache: Path) -> None:
    for kind in ("csv", "parquet"):
        spec = DataSpec(kind, str(tmp_path / "none"), label="kind")  # type: ignore[arg-type]
        fails(spec, cache, "no such file", "relative to that file")
        fails(replace(spec, location=str(tmp_path)), cache, "folder")
    garbage = tmp_path / "set.parquet"
    garbage.write_bytes(b"garbage " * 99)
    fails(DataSpec("parquet", str(garbage), label="kind"), cache, "Parquet file that can be read")


def test_a_table_of_many_blocks(write: Write, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunekit.data import tables

    one = prepare(write(FLOWERS), cache)
    monkeypatch.setattr(tables, "BLOCK_BYTES", 64)
    monkeypatch.setattr(tables, "LONG_ROW", 1)
    other = prepare(write(FLOWERS), cache / "again")
    assert other.sha256 == one.sha256
    text = FLOWERS.replace("17,bee,4.25", "17,bee,x")
    fails(write(text), cache / "none", "column 'wide', line 19: the text 'x'")
