"""The test part stays unread until `open_test`."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tunekit.data import sealed
from tunekit.data.images import digest
from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.sealed import CHECKED, check_test, open_test
from tunekit.errors import DataError
from tunekit.space.space import DataSpec

Write = Callable[..., DataSpec]


@pytest.mark.parametrize("member", ["x_test", "y_test"])
def test_damaged_test_part_is_met_by_the_look_at_it_alone(npz: Write, cache: Path, member: str) -> None:
    """Every byte of the member is overwritten on disk, so reading any of it would fail."""
    spec = npz()
    with zipfile.ZipFile(spec.location) as file:
        info = file.getinfo(f"{member}.npy")
    with Path(spec.location).open("r+b") as raw:
        raw.seek(info.header_offset + 30 + len(info.filename))
        raw.write(b"\xff" * info.compress_size)
    prepared = prepare(spec, cache)
    assert len(open_arrays(prepared)[0]) == 60
    for look in (check_test, open_test):
        with pytest.raises(DataError) as caught:
            look(spec, prepared)
        for word in (spec.location, member, "damaged", "Write or copy the file again"):
            assert word in str(caught.value)


def test_training_data_does_not_depend_on_the_test_part(npz: Write, cache: Path) -> None:
    one = prepare(npz(), cache)
    other = prepare(npz(x_test=np.zeros((9, 6, 6, 3), np.uint8), y_test=np.zeros(9, int)), cache)
    assert one.sha256 == other.sha256
    assert one.mean == other.mean


def test_nothing_of_the_test_part_is_written(npz: Write, cache: Path) -> None:
    marked = np.full((9, 6, 6, 3), 0xA7, np.uint8)
    prepared = prepare(npz(x_test=marked, y_test=np.zeros(9, int)), cache)
    assert all(b"\xa7" * 100 not in path.read_bytes() for path in prepared.folder.iterdir())


def test_a_test_part_without_faults_leaves_nothing_but_that(npz: Write, cache: Path) -> None:
    marked = np.full((9, 6, 6, 3), 0xA7, np.uint8)
    spec = npz(x_test=marked, y_test=np.zeros(9, int))
    prepared = prepare(spec, cache)
    before = {path.name for path in prepared.folder.iterdir()}
    check_test(spec, prepared)
    assert {path.name for path in prepared.folder.iterdir()} - before == {CHECKED}
    assert len((prepared.folder / CHECKED).read_text()) == 64
    assert prepare(spec, cache) == prepared


def test_digest_covers_images_and_labels(npz: Write, cache: Path) -> None:
    spec = npz()
    test = open_test(spec, prepare(spec, cache))
    assert test.sha256 == digest(test.x, test.y)
    assert (test.x.dtype, test.y.dtype) == (np.uint8, np.int64)


def test_a_large_test_part_is_mapped(npz: Write, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = npz()
    prepared = prepare(spec, cache)
    held = open_test(spec, prepared)
    monkeypatch.setattr(sealed, "HELD_BYTES", 0)
    test = open_test(spec, prepared)
    assert (test.sha256, test.x.flags.owndata) == (held.sha256, False)
    assert np.array_equal(test.x, held.x)
    assert [path.name for path in cache.iterdir()] == [prepared.folder.name]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_test": np.zeros((12, 7, 6, 3), np.uint8)}, ["(6, 6, 3)", "(7, 6, 3)"]),
        ({"y_test": np.full(12, 3)}, ["y_test", "below 3", "the label 3"]),
        ({"y_test": np.full(12, -1)}, ["y_test", "-1"]),
        ({"y_test": np.zeros(11, int)}, ["y_test", "12", "11 labels"]),
    ],
)
def test_test_part_that_does_not_fit(
    npz: Write, cache: Path, arrays: dict[str, np.ndarray], words: list[str]
) -> None:
    spec = npz(**arrays)
    prepared = prepare(spec, cache)
    for look in (check_test, open_test):
        with pytest.raises(DataError) as caught:
            look(spec, prepared)
        for word in words:
            assert word in str(caught.value)
