"""Digest, moments and the checks of images and labels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.whole import whole
from tunekit.data.blocks import CHUNK, Blocks, in_blocks
from tunekit.data.images import checked_images, checked_labels, digest, digest_of, moments
from tunekit.errors import DataError


def test_moments_are_those_of_numpy() -> None:
    x = np.random.default_rng(0).integers(0, 256, (CHUNK + 7, 3, 2, 3), np.uint8)
    mean, std = moments(x)
    assert np.allclose(mean, (x / 255).mean(axis=(0, 1, 2)), rtol=1e-12)
    assert np.allclose(std, (x / 255).std(axis=(0, 1, 2)), rtol=1e-12)


def test_a_channel_that_never_varies_can_be_divided_by() -> None:
    assert moments(np.full((4, 2, 2, 1), 51, np.uint8)) == ((0.2,), (1.0,))


def test_moments_of_features_are_those_of_numpy() -> None:
    x = np.random.default_rng(0).normal(1000, 0.5, (CHUNK + 7, 5)).astype(np.float32)
    x[:, 2] = 7.3
    mean, std = moments(x)
    assert np.allclose(mean, x.mean(axis=0, dtype=np.float64), rtol=1e-12)
    assert np.allclose(np.delete(std, 2), np.delete(x.std(axis=0, dtype=np.float64), 2), rtol=1e-9)
    assert std[2] == 1.0


def test_a_digest_does_not_depend_on_blocks() -> None:
    x, y = np.arange(48, dtype=np.uint8).reshape(4, 2, 2, 3), np.arange(4)
    blocks = [x[:1], x[1:3], x[3:]]
    assert digest_of(Blocks(x.shape, x.dtype, lambda: iter(blocks)), in_blocks(y)) == digest(x, y)


def test_digest_tells_values_shapes_and_types_apart() -> None:
    x, y = np.zeros((4, 2, 2, 1), np.uint8), np.arange(4)
    other = x.copy()
    other[3, 1, 1, 0] = 1
    swapped = x.reshape(4, 1, 4, 1)
    labels = np.array([0, 1, 2, 2])
    digests = {
        digest(x, y),
        digest(other, y),
        digest(swapped, y),
        digest(x, labels),
        digest(x, y.astype("i4")),
    }
    assert len(digests) == 5
    assert digest(np.asfortranarray(x), y) == digest(x, y)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_in_0_to_1_become_bytes_exactly(kind: type) -> None:
    x = np.arange(256, dtype=np.uint8).reshape(16, 4, 4, 1)
    assert np.array_equal(whole(checked_images(in_blocks((x / 255).astype(kind)), "x")), x)


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.int64, ">i4"])
def test_integers_that_fit_a_byte_are_taken(kind: type | str) -> None:
    x = np.arange(128).reshape(8, 4, 4)
    out = whole(checked_images(in_blocks(x.astype(kind)), "x"))
    assert out.dtype == np.uint8
    assert out.shape == (8, 4, 4, 1)
    assert np.array_equal(out[..., 0], x)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((4, 2)), ["(N, H, W)", "(4, 2)"]),
        (np.zeros((0, 2, 2), np.uint8), ["at least one image", "(0, 2, 2)"]),
        (np.zeros((4, 0, 2), np.uint8), ["(4, 0, 2)"]),
        (np.zeros((4, 3, 8, 8), np.uint8), ["channels first", "moveaxis"]),
        (np.full((4, 2, 2), 300), ["0..255", "300"]),
        (np.full((4, 2, 2), -1), ["0..255", "-1"]),
        (np.full((4, 2, 2), 128.0), ["0..1", "128.0"]),
        (np.full((4, 2, 2), np.nan), ["NaN"]),
        (np.full((4, 2, 2), np.inf), ["infinite"]),
        (np.zeros((4, 2, 2), bool), ["bool"]),
        (np.full((4, 2, 2), "a"), ["<U1"]),
        (np.zeros((4, 2, 2), complex), ["complex128"]),
    ],
)
def test_unfit_images_say_what_and_where(x: np.ndarray, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        whole(checked_images(in_blocks(x), "set.npz: x_train"))
    for word in ["set.npz: x_train", "expected", *words]:
        assert word in str(caught.value)


def test_labels_in_a_column_are_taken() -> None:
    labels = checked_labels(np.array([[0], [1]], np.uint8), 2, "y")
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.array([0, 1, 3, 0]), ["up to 3 without 2"]),
        (np.array([5, 5, 9, 12]), ["without 0, 1, 2, 3, 4, ..."]),
        (np.array([0, 1, 2**62, 0]), ["without 2, 3, 4, 5, 6, ..."]),
        (np.array([0, 1, 2**64 - 1, 0], np.uint64), ["without 2"]),
        (np.array([0, 1, -1, 0]), ["label -1"]),
        (np.array([0.0, 1.0, np.nan, 0.0]), ["float64 with NaN"]),
        (np.array([0.0, 1.0, 1.0, 0.0]), ["float64", "int64"]),
        (np.array(["a", "b", "a", "b"]), ["<U1"]),
        (np.array([0, 0, 0, 0]), ["at least two classes"]),
        (np.array([0, 1, 0]), ["4", "3 labels"]),
        (np.array([], np.int64), ["0 labels"]),
        (np.eye(4, dtype=int), ["(4, 4)", "argmax"]),
    ],
)
def test_unfit_labels_say_what_and_where(y: np.ndarray, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        checked_labels(y, 4, "set.npz: y_train")
    for word in ["set.npz: y_train", "expected", *words]:
        assert word in str(caught.value)


def test_test_labels_may_miss_classes_but_not_add_any() -> None:
    assert checked_labels(np.array([2, 2]), 2, "y", classes=3).tolist() == [2, 2]
    with pytest.raises(DataError, match="below 3, got the label 3"):
        checked_labels(np.array([2, 3]), 2, "y", classes=3)
