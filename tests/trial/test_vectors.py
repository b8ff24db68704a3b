"""Data that are no images, with a model of the user's own: trained, looked into, explained and evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tunekit.data.prepared import Prepared, prepare
from tunekit.errors import ModelError
from tunekit.space.space import DataSpec
from tunekit.trial.evaluate import evaluate
from tunekit.trial.explain import explain
from tunekit.trial.jobs import EvaluateJob, ExplainJob, Split

from .helpers import run, train_job

OWN_MODEL = """
import keras


def dense(values, data):
    inputs = keras.Input(data.shape, dtype=data.dtype)
    variance = [deviation**2 for deviation in data.std]
    x = keras.layers.Normalization(mean=list(data.mean), variance=variance)(inputs)
    x = keras.layers.Dense(8, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))


def steps(values, data):
    inputs = keras.Input(data.shape, dtype=data.dtype)
    x = keras.layers.Reshape((*data.shape, 1))(inputs)
    x = keras.layers.Conv1D(4, 2, activation="relu")(x)
    x = keras.layers.GRU(6)(x)
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))
"""


@pytest.fixture(scope="module")
def flowers(tmp_path_factory: pytest.TempPathFactory) -> tuple[DataSpec, Prepared]:
    folder = tmp_path_factory.mktemp("flowers")
    random = np.random.default_rng(0)
    kinds = np.arange(300) % 3
    values = random.normal(np.stack([kinds, -kinds, 0 * kinds, 100 * kinds], axis=-1), [0.4, 0.4, 1, 40])
    rows = [
        ",".join([*(f"{value:.4f}" for value in row), "abc"[kind]])
        for row, kind in zip(values, kinds, strict=True)
    ]
    path = folder / "flowers.csv"
    path.write_text("\n".join(["long,wide,noise,far,kind", *rows]))
    spec = DataSpec("csv", str(path), label="kind")
    return spec, prepare(spec, folder / "cache")


@pytest.fixture(autouse=True)
def _own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of_vectors.py").write_text(OWN_MODEL)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("function", ["dense", "steps"])
def test_vectors_all_the_way(flowers: tuple[DataSpec, Prepared], tmp_path: Path, function: str) -> None:
    spec, prepared = flowers
    part, model = Split(prepared, 0.2, None, 0), f"of_vectors:{function}"
    values = {"learning_rate": 0.03, "batch_size": 20}
    job = train_job(part, tmp_path / "trial", 3, model=model, values=values, pictures=tmp_path / "pictures")
    outcome, told = run(job)
    assert len(told) == 3
    assert outcome.score > 0.6
    drawn = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert {"curves.png", "activations.png"} <= drawn
    assert ("hidden.png" in drawn) == (function == "steps")
    assert "fault.txt" not in drawn
    explained = explain(ExplainJob("explain", job.trial, model, part, job.folder, tmp_path / "why"), print)
    assert "features, occlusion and invariance: the data are no images" in explained.notes
    assert not any("Error" in note for note in explained.notes)
    score = evaluate(
        EvaluateJob("evaluate", spec, job.trial, model, part, job.folder, tmp_path / "end"), print
    )
    assert score.accuracy > 0.6
    assert [scores.name for scores in score.classes] == ["a", "b", "c"]


def test_vectors_cannot_be_moved(flowers: tuple[DataSpec, Prepared], tmp_path: Path) -> None:
    part = Split(flowers[1], 0.2, None, 0)
    with pytest.raises(ModelError, match="flip and shift: expected images"):
        run(train_job(part, tmp_path / "trial", 1, model="of_vectors:dense", values={"shift": 1}))
