"""Files of a user's own: what is taken, and what each fault says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.sealed import open_test
from tunekit.errors import DataError
from tunekit.space.space import DataSpec

Write = Callable[..., DataSpec]


def header(shape: tuple[int, ...]) -> bytes:
    """An .npy file that promises an array of bytes and holds none."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def fails(spec: DataSpec, cache: Path, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        prepare(spec, cache)
    for word in (spec.location, "expected", "got", *words):
        assert word in str(caught.value)
    assert not list(cache.glob("*"))


def test_parts_are_read_as_they_are(npz: Write, cache: Path) -> None:
    spec = npz()
    prepared = prepare(spec, cache)
    file = np.load(spec.location)
    x, y = open_arrays(prepared)
    assert np.array_equal(x, file["x_train"])
    assert np.array_equal(y, file["y_train"])
    test = open_test(spec, prepared)
    assert np.array_equal(test.x, file["x_test"])
    assert np.array_equal(test.y, file["y_test"])
    assert (prepared.name, prepared.count, prepared.shape) == ("npz:set.npz", 60, (6, 6, 3))
    assert prepared.class_names == ("0", "1", "2")


def test_a_whole_set_is_divided_for_good(npz: Write, cache: Path, make_images: Any) -> None:
    x, y = make_images()
    spec = npz(whole=True, x=x[..., 0] / 255, y=y[:, np.newaxis])
    prepared = prepare(spec, cache)
    train, labels = open_arrays(prepared)
    test = open_test(spec, prepared)
    assert np.bincount(labels).tolist() == [16] * 3
    assert np.bincount(test.y).tolist() == [4] * 3
    together = {image.tobytes() for image in [*train, *test.x]}
    assert together == {image.tobytes() for image in x[..., :1]}
    assert open_test(spec, prepared).sha256 == test.sha256


def test_vectors(npz: Write, cache: Path) -> None:
    x = np.arange(180).reshape(60, 3)
    spec = npz(x_train=x, x_test=x[:12] / 2)
    prepared = prepare(spec, cache)
    assert np.array_equal(open_arrays(prepared)[0], x.astype(np.float32))
    assert prepared.shape == (3,)
    assert np.array_equal(open_test(spec, prepared).x, x[:12].astype(np.float32) / 2)


def test_vectors_that_are_stored_in_columns(npz: Write, cache: Path) -> None:
    x = np.arange(180).reshape(60, 3)
    one = prepare(npz(x_train=np.asfortranarray(x)), cache)
    assert np.array_equal(open_arrays(one)[0], x)


def test_labels_of_text_say_how_to_number_them(npz: Write, cache: Path) -> None:
    fails(
        npz(y_train=np.array(["a", "b", "c"] * 20)),
        cache,
        "y_train: expected integer labels, got <U1",
        "return_inverse",
    )


def test_a_changed_file_is_decoded_anew(npz: Write, cache: Path, make_images: Any) -> None:
    x, _ = make_images()
    one = prepare(npz(x_train=x), cache)
    x[5, 5, 5, 0] ^= 1
    other = prepare(npz(x_train=x), cache)
    assert other.sha256 != one.sha256
    assert other.folder != one.folder


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_train": np.zeros((60, 6, 6, 3), object)}, ["x_train", "pickled"]),
        ({"y_train": np.array([None] * 60)}, ["y_train", "pickled"]),
        ({"x_train": np.full((60, 6, 6, 3), 2.0)}, ["x_train", "0..1", "2.0"]),
        ({"x_train": np.zeros(60, np.uint8)}, ["x_train", "(60,)"]),
        ({"x_train": np.full((60, 6), np.nan)}, ["x_train", "vectors of finite values"]),
        ({"x_train": np.full((60, 6), "a")}, ["x_train", "vectors of numbers"]),
        ({"x_train": np.zeros((0, 6, 6, 3), np.uint8)}, ["x_train", "at least one image"]),
        ({"y_train": np.zeros(60, int)}, ["y_train", "two classes"]),
        ({"y_train": np.arange(59) % 3}, ["y_train", "60", "59"]),
        ({"y_train": np.arange(60) % 3 * 2}, ["y_train", "without 1, 3"]),
        ({"drop": "y_test"}, ["x_test, x_train, y_train", "numpy.savez_compressed"]),
        ({"drop": "x", "whole": True}, ["y", "numpy.savez_compressed"]),
        ({"whole": True, "y": np.array([0] * 59 + [1])}, ["class 1 has 1"]),
    ],
)
def test_unfit_arrays(npz: Write, cache: Path, arrays: dict[str, Any], words: list[str]) -> None:
    fails(npz(**arrays), cache, *words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b"garbage " * 99, ["not .npz"]),
        (b"PK\x03\x04 garbage", ["not .npz"]),
        (b"\x93NUMPY", ["not .npz"]),
    ],
)
def test_garbage(tmp_path: Path, cache: Path, content: bytes, words: list[str]) -> None:
    path = tmp_path / "set.npz"
    path.write_bytes(content)
    fails(DataSpec("npz", str(path)), cache, *words)


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_off(npz: Write, cache: Path, keep: float) -> None:
    spec = npz()
    path = Path(spec.location)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    fails(spec, cache, "cut off")


def test_a_flipped_bit(npz: Write, cache: Path) -> None:
    spec = npz()
    path = Path(spec.location)
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    fails(spec, cache, "x_train", "damaged", "Bad CRC-32")


def test_a_missing_file_and_a_folder(tmp_path: Path, cache: Path) -> None:
    fails(DataSpec("npz", str(tmp_path / "none.npz")), cache, "no such file")
    fails(DataSpec("npz", str(tmp_path)), cache, "is a directory")
    fails(DataSpec("npz", str(tmp_path / "\0")), cache, ".npz")


def test_a_single_array(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "set.npz"
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    path.write_bytes(buffer.getvalue())
    fails(DataSpec("npz", str(path)), cache, "single array")


@pytest.mark.parametrize(
    ("member", "word"),
    [
        (b"text", "not an array"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': '|u1'}", "damaged"),
        (b"\x93NUMPY\x01\x00\x10\x00{'shape': (1, 2, ", "damaged"),
        (header((10**17, 1, 1)), "damaged one (0 bytes where its header promises 100000000000000000)"),
    ],
)
def test_members_that_are_no_arrays(npz: Write, cache: Path, member: bytes, word: str) -> None:
    spec = npz(drop="x_train")
    with zipfile.ZipFile(spec.location, "a") as file:
        file.writestr("x_train.npy", member)
    fails(spec, cache, "x_train", word)


def test_labels_that_promise_too_much(npz: Write, cache: Path) -> None:
    spec = npz(drop="y_train")
    with zipfile.ZipFile(spec.location, "a") as file:
        file.writestr("y_train.npy", header((10**17,)))
    fails(spec, cache, "y_train", "too large")
