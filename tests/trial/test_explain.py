"""Explaining a trial from its checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import pytest

from tunekit.trial.explain import explain
from tunekit.trial.history import FEATURES
from tunekit.trial.jobs import ExplainJob, Explanation, Split, TrainJob, WeightsLost
from tunekit.trial.train import validation_arrays

from .helpers import TINY, run, train_job


def explained(trained: TrainJob, output: Path) -> Explanation:
    job = ExplainJob("explain", trained.trial, trained.model, trained.split, trained.folder, output)
    found = explain(job, lambda event: None)
    json.dumps(found.figures)
    assert sorted(picture.file for picture in found.pictures) == sorted(
        path.name for path in output.iterdir()
    )
    return found


@pytest.fixture(scope="module")
def trained(part: Split, tmp_path_factory: pytest.TempPathFactory) -> TrainJob:
    job = train_job(part, tmp_path_factory.mktemp("explain") / "trial", 3, values=TINY | {"batch_norm": True})
    run(job)
    return job


def test_a_convolutional_trial(trained: TrainJob, tmp_path: Path) -> None:
    (tmp_path / "features_of_old.png").write_bytes(b"")
    found = explained(trained, tmp_path)
    assert [picture.file for picture in found.pictures] == [
        "mistakes.png",
        "pairs.png",
        "features_conv1.png",
        "features_conv2.png",
        "occlusion.png",
        "invariance.png",
        "evolution.png",
    ]
    assert found.notes == ()
    figures = found.figures
    assert set(figures) == {"mistakes", "features", "occlusion", "invariance", "evolution"}
    assert figures["evolution"]["conv1"]["epochs"] == [0, 1, 2, 3]
    assert figures["features"]["conv2"]["filters"] == 4
    assert len(figures["occlusion"]) == 6


def test_the_figures_are_of_the_best_epoch_on_the_validation_images(
    trained: TrainJob, tmp_path: Path
) -> None:
    outcome, _ = run(trained)  # all epochs are there already
    found = explained(trained, tmp_path).figures["mistakes"]
    count = len(validation_arrays(trained.split)[1])
    assert found["images"] == count
    assert 1 - found["wrong"] / count == pytest.approx(outcome.score)
    assert all(0 <= one["image"] < count for one in found["worst"])


def test_without_earlier_epochs_the_evolution_is_left_out(trained: TrainJob, tmp_path: Path) -> None:
    (trained.folder / FEATURES).rename(tmp_path / FEATURES)
    try:
        found = explained(trained, tmp_path / "pictures")
    finally:
        (tmp_path / FEATURES).rename(trained.folder / FEATURES)
    assert "evolution" not in found.figures
    assert found.notes == ("evolution: the weights of earlier epochs were not kept",)


def test_a_recurrent_trial(part: Split, tmp_path: Path) -> None:
    values = {"cell": "lstm", "layers": 2, "hidden_units": 6, "batch_size": 40, "learning_rate": 0.01}
    job = train_job(part, tmp_path / "trial", 1, model="recurrent", values=values)
    run(job)
    found = explained(job, tmp_path / "pictures")
    assert [picture.file for picture in found.pictures] == [
        "mistakes.png",
        "pairs.png",
        "occlusion.png",
        "invariance.png",
    ]
    assert found.notes == ("features and their evolution: the model has no convolutions",)
    assert set(found.figures["invariance"]["shift"]["distances"]) == {"lstm1", "lstm2"}


def test_an_activation_without_a_way_down(part: Split, tmp_path: Path) -> None:
    job = train_job(part, tmp_path / "trial", 1, values=TINY | {"activation": "elu"})
    run(job)
    found = explained(job, tmp_path / "pictures")
    assert len(found.notes) == 2
    assert "activation1 has the activation elu; a deconvnet knows ReLU only" in found.notes[0]
    assert not any("features" in picture.file for picture in found.pictures)
    assert found.figures["occlusion"][0]["filter"] is None


@keras.saving.register_keras_serializable(package="tests")
class OneAtATime(keras.layers.Layer):  # type: ignore[misc]
    """Fails where the number of images is odd."""

    def call(self, images: Any) -> Any:
        if images.shape[0] is not None and images.shape[0] % 2:
            raise ValueError("an odd number of images")
        return images


def odd(values: Any, data: Any) -> keras.Model:
    inputs = keras.Input(data.shape, dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(OneAtATime()(inputs)))
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))


def test_what_fails_in_a_users_model_costs_its_picture_alone(part: Split, tmp_path: Path) -> None:
    job = train_job(part, tmp_path / "trial", 1, model=f"{__name__}:odd", values={"batch_size": 40})
    run(job)
    found = explained(job, tmp_path / "pictures")
    assert "mistakes.png" in {picture.file for picture in found.pictures}
    assert any(note.startswith("occlusion: ValueError") for note in found.notes)


def test_lost_and_damaged_weights(trained: TrainJob, tmp_path: Path) -> None:
    job = ExplainJob("explain", trained.trial, "lenet5", trained.split, tmp_path / "none", tmp_path / "out")
    with pytest.raises(WeightsLost, match=r"best\.npz"):
        explain(job, lambda event: None)
    assert not (tmp_path / "out").exists()
