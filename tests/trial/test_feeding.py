"""Data cut into segments: the same steps as in one piece, and the same memory whatever their size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Tell
from tunekit.data import blocks
from tunekit.trial import checkpoint, feeding
from tunekit.trial.evaluate import evaluate
from tunekit.trial.explain import explain
from tunekit.trial.feeding import Rows, averaged, evenly, gather, segments
from tunekit.trial.jobs import EvaluateJob, ExplainJob, Split
from tunekit.trial.train import arrays, validation_arrays

from .helpers import TINY, run, stored, train_job


def test_segments_are_of_whole_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "SEGMENT_BYTES", 100)
    assert segments(10, 4, 1) == [slice(0, 10)]
    assert segments(10, 4, 12) == [slice(0, 8), slice(8, 10)]
    assert segments(10, 4, 1000) == [slice(0, 4), slice(4, 8), slice(8, 10)]


def test_rows_are_gathered_in_the_order_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "CHUNK", 3)
    x = np.arange(40).reshape(20, 2)
    rows = np.array([7, 3, 19, 3, 0, 11, 5, 4])
    assert np.array_equal(gather(x, rows), x[rows])
    some, whole = Rows(x, rows), x[rows]
    assert (len(some), some.shape, some.dtype, some.ndim) == (8, (8, 2), x.dtype, 2)
    for wanted in (slice(2, 5), [4, 1], np.array([0, 7]), slice(None), -1, 3):
        assert np.array_equal(some[wanted], whole[wanted])


def test_averages_by_hand() -> None:
    found = [{"loss": 1.0}, {"loss": 4.0}]
    assert averaged(found, [slice(0, 20), slice(20, 30)]) == {"loss": 2.0}
    assert averaged(found[:1], [slice(0, 20)]) == {"loss": 1.0}


def test_places_at_even_distances() -> None:
    assert evenly(3, 5).tolist() == [0, 1, 2]
    assert evenly(9, 5).tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize("weights", [None, "balanced"])
def test_a_trial_in_segments_is_the_trial_in_one_piece(
    part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: str | None
) -> None:
    part = Split(part.prepared, 0.2, 200, 0, weights)  # type: ignore[arg-type]
    values = TINY | {"flip": True, "shift": 1, "dropout": 0.3, "batch_norm": True, "l2": 1e-3}
    outcomes, cut = [], 0
    for folder, size in (("whole", feeding.SEGMENT_BYTES), ("cut", 64 * 80 + 1)):
        monkeypatch.setattr(feeding, "SEGMENT_BYTES", size)
        validation_arrays.cache_clear()
        cut = len(segments(len(arrays(part)[2]), 40, 64))
        job = train_job(part, tmp_path / folder, 3, values=values, pictures=tmp_path / f"{folder} seen")
        outcomes.append(run(job)[0])
    assert cut == 2
    one, other = (stored(tmp_path / folder / checkpoint.LAST) for folder in ("whole", "cut"))
    curves = one.pop("curve"), other.pop("curve")
    np.testing.assert_allclose(*curves, rtol=1e-5)
    del one["best"], other["best"]
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert outcomes[0].insight == pytest.approx(outcomes[1].insight, rel=1e-4)


def test_the_end_of_a_trial_in_segments(part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunekit.space.space import DataSpec

    job = train_job(part, tmp_path / "trial", 2)
    run(job)
    found = []
    for folder, size in (("whole", feeding.SEGMENT_BYTES), ("cut", 1)):
        monkeypatch.setattr(feeding, "SEGMENT_BYTES", size)
        validation_arrays.cache_clear()
        last = EvaluateJob(
            "evaluate", DataSpec("digits"), job.trial, job.model, part, job.folder, tmp_path / folder
        )
        why = ExplainJob("explain", job.trial, job.model, part, job.folder, tmp_path / f"{folder} why")
        found.append((evaluate(last, print), explain(why, print).figures))
    assert found[0] == found[1]


@pytest.mark.long
def test_memory_stays_where_it_is_as_the_data_set_doubles(tmp_path: Path, tell: Tell) -> None:
    """12 and 24 times the allowance; each height is of anonymous memory."""
    found = []
    for mebibytes in (96, 192):
        folder = tmp_path / str(mebibytes)
        folder.mkdir()
        command = [sys.executable, "-m", "tests.trial.memory", str(folder), str(mebibytes), "8"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        found.append(json.loads(done.stdout))
    one, other = found
    assert other["preparing"] < 100
    for name, height in one.items():
        assert other[name] < height + 24, name
    tell(f"anonymous MiB with 96 and with 192 MiB of images: {one}, {other}")
