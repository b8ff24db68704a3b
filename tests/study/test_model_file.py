"""A saved model that every trial begins with, from its space to its best configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.study.commands import assert_recorded, loaded, run
from tunekit.space.model_names import keras_file_in
from tunekit.space.reader import read_space

SPACE = """\
name: tuned
model: base.keras
data: {digits: true, validation: 0.2}
search: {max_epochs: 2, factor: 2, seed: 1, limit: 200}
parameters:
  optimizer:     [adam, sgd]
  learning_rate: {min: 1.0e-4, max: 1.0e-2, scale: log}
  freeze:        [0, 1]
"""


def base(folder: Path, seed: int) -> None:
    """A small model, trained to read digits for a moment."""
    from sklearn.datasets import load_digits

    keras.utils.set_random_seed(seed)
    layers = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(24, activation="relu"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers, keras.layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
    x, y = load_digits(return_X_y=True)
    model.fit(x.reshape(-1, 8, 8, 1) * 15.9375, y, epochs=4, verbose=0)
    model.save(folder / "base.keras")


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("tuned")
    base(folder, seed=1)
    (folder / "tuned.yaml").write_text(SPACE)
    return folder, loaded(run("search", "tuned.yaml", "--workers", 1, "--json", cwd=folder))


def test_every_trial_begins_with_its_weights(tuned: tuple[Path, dict[str, Any]]) -> None:
    """After an epoch on 160 images a model that began with nothing would guess."""
    report = tuned[1]

    assert_recorded(report)
    assert len(report["trials"]) == 5
    assert min(trial["score"] for trial in report["trials"]) > 0.7


def test_a_frozen_layer_keeps_them(tuned: tuple[Path, dict[str, Any]]) -> None:
    folder, report = tuned
    begun = keras.saving.load_model(folder / "base.keras").get_weights()
    ended = keras.saving.load_model(folder / "mlruns/searches/tuned/champion/model.keras").get_weights()

    frozen = report["best"]["values"]["freeze"] == 1
    assert np.array_equal(begun[0], ended[0]) is frozen
    assert not np.array_equal(begun[2], ended[2])


def test_the_files_digest_is_a_part_of_the_search(tuned: tuple[Path, dict[str, Any]]) -> None:
    import hashlib

    import mlflow

    folder, report = tuned
    file = keras_file_in(read_space(Path(report["config"])).model)
    assert file is not None
    assert file.path == str(folder / "base.keras")
    assert file.sha256 == hashlib.sha256((folder / "base.keras").read_bytes()).hexdigest()
    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    assert client.get_run(report["mlflow"]["run_id"]).data.tags["tunekit.model"] == str(file)


def test_the_best_configuration_comes_back(tuned: tuple[Path, dict[str, Any]]) -> None:
    folder, report = tuned
    again = loaded(run("train", report["config"], "--json", cwd=folder))

    assert again["score"] == report["best"]["score"]
    assert loaded(run("evaluate", "tuned", "--json", cwd=folder))["test"] == report["test"]


def test_a_file_that_changed_is_refused(tuned: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    base(tmp_path, seed=1)
    (tmp_path / "tuned.yaml").write_text(SPACE)
    run("search", "tuned.yaml", "--workers", 1, "--time-budget", "1s", cwd=tmp_path, code=2)
    base(tmp_path, seed=2)

    refused = run("resume", "tuned", cwd=tmp_path, code=2).stderr
    assert "it changed. Put the old file back" in refused
    refused = run("search", "tuned.yaml", "--resume", cwd=tmp_path, code=2).stderr
    assert "model: was keras:" in refused


def test_a_model_for_other_data_is_refused_before_anything_is_spent(
    tuned: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    text = SPACE.replace("base.keras", str(tuned[0] / "base.keras")).replace(
        "freeze:        [0, 1]", "freeze: 2"
    )
    (tmp_path / "all.yaml").write_text(text)
    refused = run("check", "all.yaml", "--workers", 1, cwd=tmp_path, code=2).stderr
    assert "got 2 of 2 layers with weights. Freeze at most 1" in refused
    (tmp_path / "none.yaml").write_text(SPACE)
    refused = run("check", "none.yaml", cwd=tmp_path, code=2).stderr
    assert "base.keras: there is no such file" in refused
