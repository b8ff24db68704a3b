"""The split is stratified, exact, disjoint and depends on nothing but its arguments."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunekit.data.split import Split, split
from tunekit.errors import DataError


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, float, int | None, int]:
    counts = draw(st.lists(st.integers(2, 60), min_size=2, max_size=8))
    names = draw(st.permutations(range(len(counts) + 2)))[: len(counts)]  # classes may be absent
    labels = np.repeat(names, counts)
    np.random.default_rng(draw(st.integers(0, 99))).shuffle(labels)
    validation = draw(st.floats(0.01, 0.99))
    limit = draw(st.none() | st.integers(2 * len(counts), sum(counts)))
    return labels, validation, limit, draw(st.integers(-(2**70), 2**70))


def counted(labels: np.ndarray, indices: np.ndarray) -> np.ndarray:
    return np.bincount(labels[indices], minlength=labels.max() + 1)


@given(cases())
@settings(deadline=None, max_examples=150)
def test_parts_are_disjoint_sorted_and_exact(case: tuple[np.ndarray, float, int | None, int]) -> None:
    labels, validation, limit, seed = case
    parts = split(labels, validation, limit, seed)
    together = np.concatenate([parts.train, parts.validation])
    assert len(set(together.tolist())) == len(together) == (len(labels) if limit is None else limit)
    assert together.min() >= 0
    assert together.max() < len(labels)
    for part in (parts.train, parts.validation):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


@given(cases())
@settings(deadline=None, max_examples=150)
def test_every_class_keeps_its_share_and_an_image_on_each_side(
    case: tuple[np.ndarray, float, int | None, int],
) -> None:
    labels, validation, limit, seed = case
    parts = split(labels, validation, limit, seed)
    everything = counted(labels, np.arange(len(labels)))
    train, held = counted(labels, parts.train), counted(labels, parts.validation)
    present = everything > 0
    assert (train[present] >= 1).all()
    assert (held[present] >= 1).all()
    used = train + held
    wanted = everything * (used.sum() / everything.sum())
    if (wanted[present] >= 2).all():
        assert (np.abs(used - wanted) < 1).all()
    wanted = used * (held.sum() / used.sum())
    if (wanted[present] >= 1).all() and (wanted <= np.maximum(used - 1, 0)).all():
        assert (np.abs(held - wanted) < 1).all()


@given(cases())
@settings(deadline=None, max_examples=50)
def test_same_arguments_same_split(case: tuple[np.ndarray, float, int | None, int]) -> None:
    labels, validation, limit, seed = case
    one, other = (
        split(labels, validation, limit, seed),
        split(labels.astype(np.int32), validation, limit, seed),
    )
    assert np.array_equal(one.train, other.train)
    assert np.array_equal(one.validation, other.validation)


def test_another_seed_holds_out_other_images() -> None:
    labels = np.arange(100) % 4
    one, other = split(labels, 0.2, None, 0), split(labels, 0.2, None, 1)
    assert not np.array_equal(one.validation, other.validation)


def test_global_random_state_neither_matters_nor_changes() -> None:
    labels = np.arange(100) % 4
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()
    one = split(labels, 0.2, 40, 3)
    assert np.random.get_state()[1].tolist() == before
    np.random.seed(2)
    assert np.array_equal(one.validation, split(labels, 0.2, 40, 3).validation)


def test_split_is_pinned() -> None:
    """It must never change: results of different versions would not compare."""
    parts = split(np.arange(20) % 2, 0.2, 16, 7)
    assert parts.validation.tolist() == [3, 6, 12]
    assert parts.train.tolist() == [0, 2, 4, 5, 7, 9, 10, 11, 13, 14, 15, 17, 18]


def test_another_process_splits_alike() -> None:
    code = (
        "import numpy as np; from tunekit.data.split import split; "
        "print(split(np.arange(50) % 5, 0.3, 31, 9).validation.tolist())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "99", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert printed.strip() == str(split(np.arange(50) % 5, 0.3, 31, 9).validation.tolist())


def test_limit_of_a_rare_class_keeps_two_images() -> None:
    labels = np.array([0] * 1000 + [1] * 3)
    parts = split(labels, 0.1, 20, 0)
    assert counted(labels, parts.train).tolist() == [17, 1]
    assert counted(labels, parts.validation).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("labels", "validation", "limit", "words"),
    [
        ([0, 0, 0, 1], 0.5, None, ["class 1 has 1", "at least 2"]),
        ([], 0.5, None, ["got none"]),
        ([0, 0, 1, 1], 0.5, 3, ["limit", "4 to 4", "got 3"]),
        ([0, 0, 1, 1], 0.5, 5, ["limit", "4 to 4", "got 5"]),
        ([0, 0, 1, 1], 0.5, -1, ["limit", "got -1"]),
        ([0, 0, 1, 1], 0.0, None, ["validation", "got 0.0"]),
        ([0, 0, 1, 1], 1.0, None, ["validation", "got 1.0"]),
        ([0, 0, 1, 1], float("nan"), None, ["validation", "got nan"]),
    ],
)
def test_impossible_splits_say_why(
    labels: list[int], validation: float, limit: int | None, words: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        split(np.array(labels, np.int64), validation, limit, 0)
    for word in words:
        assert word in str(caught.value)


def test_a_class_that_is_too_small_is_named() -> None:
    with pytest.raises(DataError, match="got too few: class owl has 1"):
        split(np.array([0, 0, 1]), 0.5, None, 0, ("ant", "owl"))


def test_large_labels_are_split_quickly() -> None:
    labels = np.tile(np.arange(1000), 60)
    parts: Split = split(labels, 0.1, 30_000, 0)
    assert len(parts.validation) == 3000
    assert (np.bincount(labels[parts.train]) == 27).all()
