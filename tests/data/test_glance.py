from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tunekit.data import glance, tables
from tunekit.data.digits import Digits
from tunekit.data.glance import (
    Glance,
    glance_csv,
    glance_digits,
    glance_images,
    glance_npz,
    glance_parquet,
)
from tunekit.data.npz import Npz
from tunekit.errors import DataError


def arrays(count: int, *shape: int) -> dict[str, np.ndarray]:
    return {"x": np.zeros((count, *shape), np.uint8), "y": np.arange(count) % 3}


def test_digits_are_what_they_are_said_to_be() -> None:
    images = Digits().train()
    assert glance_digits("") == Glance(len(images.y), images.x.shape[1:], 10)


@pytest.mark.parametrize(("shape", "seen"), [((6, 7), (6, 7, 1)), ((6, 7, 3), (6, 7, 3))])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path: Path, shape: tuple[int, ...], seen: tuple[int, ...], save: object) -> None:
    path = tmp_path / "a.npz"
    save(path, **arrays(30, *shape))  # type: ignore[operator]
    assert glance_npz(str(path)) == Glance(30, seen, 3)


def test_npz_with_a_test_part(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    whole, part = arrays(30, 4, 4), arrays(6, 4, 4)
    np.savez(path, x_train=whole["x"], y_train=whole["y"], x_test=part["x"], y_test=part["y"])
    assert glance_npz(str(path)) == Glance(30, (4, 4, 1), 3)
    assert Npz(str(path), tmp_path).train().x.shape == (30, 4, 4, 1)


def test_what_is_no_such_file(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(DataError, match="no such file"):
        glance_npz(str(path))
    path.write_bytes(b"PK\3\4 no archive")
    with pytest.raises(DataError, match="cannot be read"):
        glance_npz(str(path))
    np.savez(path, pictures=np.zeros(3))
    with pytest.raises(DataError, match="got pictures"):
        glance_npz(str(path))
    np.savez(path, x=np.zeros(3), y=np.arange(3))
    with pytest.raises(DataError, match=r"shape \(3,\)"):
        glance_npz(str(path))
    np.savez(path, x=np.zeros((3, 4, 4)), y=np.array([{}, {}, {}]))
    with pytest.raises(DataError, match="cannot be read"):
        glance_npz(str(path))


def test_npz_of_vectors(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **arrays(30, 4))
    assert glance_npz(str(path)) == Glance(30, (4,), 3)


def fill(folder: Path, sizes: list[tuple[int, int]], mode: str = "L") -> Path:
    folder.mkdir(parents=True)
    for number, (height, width) in enumerate(sizes):
        Image.new(mode, (width, height)).save(folder / f"{number}.png")
    return folder


def test_images_of_one_size(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("test", 2)):
        for name in ("ant", "bee"):
            fill(tmp_path / part / name, [(5, 4)] * count)
    assert glance_images(str(tmp_path)) == Glance(6, (5, 4, 1), 2)


def test_images_of_several_sizes(tmp_path: Path) -> None:
    fill(tmp_path / "ant", [(9, 8), (5, 4)])
    (fill(tmp_path / "bee", [(9, 8)], "RGB") / "broken.png").write_bytes(b"")
    assert glance_images(str(tmp_path)) == Glance(4, (9, 8, 3), 2, size=(9, 8))


def test_of_many_images_few_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance, "MOST_HEADERS", 3)  # of ten: the first, the fifth and the last
    fill(tmp_path / "ant", [(9, 8)] + [(1, 1)] * 3 + [(9, 8)])
    fill(tmp_path / "bee", [(1, 1)] * 4 + [(9, 8)])
    assert glance_images(str(tmp_path)) == Glance(10, (9, 8, 1), 2)


def test_folders_that_are_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        glance_images(str(tmp_path / "none"))
    fill(tmp_path / "ant", [(5, 4)])
    with pytest.raises(DataError, match="at least two classes"):
        glance_images(str(tmp_path))


def test_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("long;wide;kind\n1;2.5;a\n3;4;b\n")
    seen = glance_csv(str(path))
    assert (seen.count, seen.columns) == (2, ["long", "wide", "kind"])
    assert seen.with_label("kind") == Glance(2, (2,), None)
    with pytest.raises(DataError, match="Did you mean kind"):
        seen.with_label("kinds")
    monkeypatch.setattr(tables, "COUNTED_BYTES", 10)
    assert glance_csv(str(path)).count is None
    pq.write_table(pa.table({"long": [1.0, 2.0], "kind": ["a", "b"]}), tmp_path / "a.parquet")
    assert glance_parquet(str(tmp_path / "a.parquet")).with_label("kind") == Glance(2, (1,), None)
    for look in (glance_csv, glance_parquet):
        with pytest.raises(DataError, match="no such file"):
            look(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("count", "value", "pixels"), [(64, "255", (8, 8)), (64, "256", None), (65, "255", None), (49, "1", None)]
)
def test_tables_that_look_like_pixels(
    tmp_path: Path, count: int, value: str, pixels: tuple[int, int] | None
) -> None:
    path = tmp_path / "a.csv"
    header = ["label", *(f"p{number}" for number in range(count))]
    path.write_text(",".join(header) + "\n" + ",".join(["cat", value, *["0"] * (count - 1)]) + "\n")
    assert glance_csv(str(path)).with_label("label") == Glance(1, (count,), None, pixels=pixels)
