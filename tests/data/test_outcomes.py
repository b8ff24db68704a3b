"""What is prepared of given data never changes: searches are resumed by its digest, and their scores compare."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tunekit.data import blocks
from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.python import _identities
from tunekit.data.sealed import open_test
from tunekit.space.space import DataSpec

COUNT = 90
BLOCK = blocks.CHUNK
MOMENTS = 2
MODULE = """
import numpy as np
from tests.data.test_outcomes import pixels, texts, vectors


def whole():
    return pixels() / 255, texts()


def parts():
    x = vectors()
    return {"x_train": x[:70], "y_train": np.arange(70) % 3, "x_test": x[70:], "y_test": np.arange(20) % 3}
"""


def pixels() -> np.ndarray:
    places = np.arange(COUNT * 5 * 4 * 3, dtype=np.int64)
    return (places * places * 7 % 251).astype(np.uint8).reshape(COUNT, 5, 4, 3)


def vectors() -> np.ndarray:
    return (np.arange(COUNT * 6, dtype=np.int64) ** 2 % 1009 / 64).reshape(COUNT, 6)


def labels() -> np.ndarray:
    """Classes of 45, 30 and 15 examples."""
    return np.array([0, 1, 0, 1, 0, 2])[np.arange(COUNT) % 6]


def texts() -> list[str]:
    return [("bee", "ant", "cow")[label] for label in labels()]


def of_npz(folder: Path) -> DataSpec:
    np.savez(folder / "a.npz", x=pixels()[..., 0] / 255, y=labels()[:, None].astype(np.uint8))
    return DataSpec("npz", str(folder / "a.npz"))


def of_npz_parts(folder: Path) -> DataSpec:
    x, y = pixels().astype(">i4"), labels()
    np.savez_compressed(folder / "a.npz", x_train=x[:70], y_train=y[:70], x_test=x[70:], y_test=y[70:])
    return DataSpec("npz", str(folder / "a.npz"))


def of_npz_in_columns(folder: Path) -> DataSpec:
    np.savez_compressed(folder / "a.npz", x=np.asfortranarray(vectors()), y=labels())
    return DataSpec("npz", str(folder / "a.npz"))


def of_images(folder: Path) -> DataSpec:
    for number, (image, name) in enumerate(zip(pixels(), texts(), strict=True)):
        (folder / "set" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "set" / name / f"{number:03}.png")
    return DataSpec("images", str(folder / "set"))


def of_csv(folder: Path) -> DataSpec:
    rows = [f"{','.join(map(str, row))},{text}" for row, text in zip(vectors(), texts(), strict=True)]
    (folder / "a.csv").write_text("\n".join(["a,b,c,d,e,f,kind", *rows]))
    return replace(DataSpec("csv", str(folder / "a.csv")), label="kind")


def of_parquet(folder: Path) -> DataSpec:
    columns = {str(number): pixels().reshape(COUNT, -1)[:, number] for number in range(60)}
    pq.write_table(pa.table({"kind": texts()} | columns), folder / "a.parquet", row_group_size=20)
    return replace(DataSpec("parquet", str(folder / "a.parquet")), label="kind", shape=(5, 4, 3))


def of_python(folder: Path) -> DataSpec:
    (folder / "own_outcomes.py").write_text(MODULE)
    return DataSpec("python", "own_outcomes:whole")


def of_python_parts(folder: Path) -> DataSpec:
    return replace(of_python(folder), location="own_outcomes:parts")


CASES: dict[Callable[[Path], DataSpec], tuple[str, ...]] = {
    of_npz: ("3c6e7583052e8c84", "f4dff97c809dd5e9", "ba80f4c485147399", "f7a522914ef575f2"),
    of_npz_parts: ("09bf9e1663f07af1", "1ae45f8fe5808e48", "edaed3c02f7a5cd3", "4cde6feb3a59a44f"),
    of_npz_in_columns: ("40427d1062e735fd", "372610833603de16", "9ae63258ee629ee8", "49d8f84d27ea36e4"),
    of_images: ("8ecd8dc0947d35e5", "4360d62f90f9eeca", "28b1a48d06a2abf9", "75ad8b0a3befcf42"),
    of_csv: ("b094685e4ff29cae", "372610833603de16", "9ae63258ee629ee8", "0aa0caf1f4703fce"),
    of_parquet: ("2160c139e6676e1b", "dd9897d1267504a7", "e20a3a4fc136464d", "8d0454875c705485"),
    of_python: ("2160c139e6676e1b", "dd9897d1267504a7", "e20a3a4fc136464d", "8d0454875c705485", "770ca0c1672a22c6"),
    of_python_parts: (
        "142fd8edd4d1f478", "690d0a1099248684", "8a66096cf942c0e9", "346fc55b562735ba", "01f8d9fe2a99e8d4"
    ),
}  # fmt: skip


def outcome(spec: DataSpec, cache: Path) -> tuple[str, ...]:
    """Digests of the training part, of the file with its examples, of its moments and of the test part."""
    prepared = prepare(spec, cache)
    x, y = open_arrays(prepared)
    assert (len(x), len(y)) == (prepared.count, prepared.count)
    file = hashlib.sha256((prepared.folder / "x.npy").read_bytes()).hexdigest()
    moments = hashlib.sha256(repr((prepared.mean, prepared.std)).encode()).hexdigest()
    found = [prepared.sha256, file, moments, open_test(spec, prepared).sha256]
    # The folder of other sources is named by a path and a time.
    named = [prepared.folder.name.partition("-")[2]] if spec.source == "python" else []
    return tuple(text[:16] for text in [*found, *named])


@pytest.mark.parametrize("block", [7, BLOCK])
@pytest.mark.parametrize("make", CASES)
def test_outcomes_are_those_of_ever(
    make: Callable[[Path], DataSpec],
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
) -> None:
    monkeypatch.setattr(blocks, "CHUNK", block)
    monkeypatch.syspath_prepend(tmp_path)
    _identities.clear()
    found, expected = list(outcome(make(tmp_path), cache)), list(CASES[make])
    if block != BLOCK:
        del found[MOMENTS], expected[MOMENTS]  # sums of floats come out alike in blocks of one size alone
    assert found == expected
