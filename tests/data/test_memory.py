"""No source is held whole: of data 60 times as large as a block, a fraction is in memory at any time."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tunekit.data import blocks, columns, npz_member, sealed, tables, tabular
from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.python import _identities
from tunekit.data.sealed import open_test
from tunekit.space.space import DataSpec

COUNT, SIDE = 512, 52
BYTES = COUNT * SIDE * SIDE * 3
"""4 MiB of images."""
COLUMNS, ROWS = 60, 5000
"""1.2 MB of vectors."""
LABELS = np.arange(COUNT) % 4
MODULE = """
from pathlib import Path
import numpy as np

labels = np.arange(512) % 4
path = Path(__file__).with_name("x.npy")


def mapped():
    return np.load(path, mmap_mode="r"), labels


def batches():
    x = np.load(path, mmap_mode="r")
    for start in range(0, 512, 5):
        yield x[start : start + 5], labels[start : start + 5]
"""


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8)


def stored(folder: Path) -> DataSpec:
    np.savez(folder / "a.npz", x=pixels(), y=LABELS)
    return DataSpec("npz", str(folder / "a.npz"))


def packed(folder: Path) -> DataSpec:
    np.savez_compressed(folder / "a.npz", x=pixels().astype(np.float32) / 255, y=LABELS)
    return DataSpec("npz", str(folder / "a.npz"))


def in_columns(folder: Path) -> DataSpec:
    x = np.random.default_rng(0).random((4096, 256), np.float32)
    np.savez_compressed(folder / "a.npz", x=np.asfortranarray(x), y=np.arange(4096) % 4)
    return DataSpec("npz", str(folder / "a.npz"))


def images(folder: Path) -> DataSpec:
    for number, image in enumerate(pixels()):
        place = folder / "set" / str(number % 4)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{number:03}.bmp")
    return DataSpec("images", str(folder / "set"))


def mapped(folder: Path) -> DataSpec:
    return python(folder, "mapped", pixels())


def mapped_floats(folder: Path) -> DataSpec:
    return python(folder, "mapped", pixels().astype(np.float16) / 255)


def batches(folder: Path) -> DataSpec:
    return python(folder, "batches", pixels())


def python(folder: Path, function: str, x: np.ndarray) -> DataSpec:
    module = f"own_memory_{folder.name}"
    (folder / f"{module}.py").write_text(MODULE)
    np.save(folder / "x.npy", x)
    return DataSpec("python", f"{module}:{function}")


def csv(folder: Path) -> DataSpec:
    names = ",".join(["kind", *(f"f{number}" for number in range(COLUMNS))])
    rows = [f"{n % 4},{','.join(str(n % 97 + place) for place in range(COLUMNS))}" for n in range(ROWS)]
    (folder / "a.csv").write_text("\n".join([names, *rows]))
    return replace(DataSpec("csv", str(folder / "a.csv")), label="kind")


def parquet(folder: Path) -> DataSpec:
    values = np.random.default_rng(0).normal(size=(COLUMNS, ROWS)).astype(np.float32)
    columns = {f"f{number}": column for number, column in enumerate(values)}
    pq.write_table(
        pa.table({"kind": np.arange(ROWS) % 4} | columns), folder / "a.parquet", row_group_size=200
    )
    return replace(DataSpec("parquet", str(folder / "a.parquet")), label="kind")


@contextmanager
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "CHUNK_BYTES", 2**16)
        patch.setattr(npz_member, "CHUNK_BYTES", 2**16)
        patch.setattr(tables, "BLOCK_BYTES", 2**13)
        patch.setattr(tables, "LONG_ROW", 2)
        patch.setattr(tables, "BATCH_VALUES", 2**14)
        patch.setattr(sealed, "HELD_BYTES", 0)
        yield


@contextmanager
def counted() -> Iterator[list[int]]:
    """Adds the bytes that Python and NumPy took at the highest."""
    heights: list[int] = []
    tracemalloc.start()
    try:
        yield heights
        heights.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", [stored, packed, in_columns, images, mapped, mapped_floats, batches])
def test_a_fraction_of_the_examples_is_in_memory(
    make: Callable[[Path], DataSpec], tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    spec = make(tmp_path)
    prepare(spec, tmp_path / "first")  # imports what there is to be imported
    _identities.clear()
    with small_blocks(), counted() as heights:
        prepared = prepare(spec, cache)
        open_arrays(prepared)
        open_test(spec, prepared)
    assert heights[0] < BYTES / 3


@pytest.mark.parametrize("make", [csv, parquet])
def test_a_fraction_of_a_table_is_in_memory(
    make: Callable[[Path], DataSpec], tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, before, arrow = make(tmp_path), pa.total_allocated_bytes(), 0

    def numbers(column: object) -> object:
        nonlocal arrow
        arrow = max(arrow, pa.total_allocated_bytes() - before)
        return columns.numbers(column)

    prepare(spec, tmp_path / "first")  # imports what there is to be imported
    monkeypatch.setattr(tabular, "numbers", numbers)
    with small_blocks(), counted() as heights:
        prepare(spec, cache)
    assert heights[0] < COLUMNS * ROWS * 4 / 2
    assert arrow < COLUMNS * ROWS * 4 / 2


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_mapped_data_that_were_read_do_not_stay_in_the_process(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.ones((2048, 128, 128), np.uint8), y=np.arange(2048) % 2)
    prepared = prepare(DataSpec("npz", str(path)), cache)
    before = resident()
    x, _ = open_arrays(prepared)
    assert x.nbytes > 20 * 2**20
    assert resident() < before + 8 * 2**20


def test_what_its_owner_wrote_into_a_mapped_array_stays(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(9000))
    x = np.load(tmp_path / "a.npy", mmap_mode="c")
    x[:] = 7
    assert sum(block.sum() for block in blocks.blocks_of(x[:, np.newaxis])) == 63000
    blocks.let_go(x)
    assert (x == 7).all()
