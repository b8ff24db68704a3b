"""The score on the sealed test set, against a case worked by hand and against the saved model itself."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import pytest

from tunekit.data.sealed import open_test
from tunekit.results import ClassScores
from tunekit.space.space import DataSpec
from tunekit.trial.checkpoint import DamagedCheckpoint
from tunekit.trial.evaluate import evaluate, judged, score
from tunekit.trial.jobs import MODEL, EvaluateJob, Split

from .helpers import run, train_job

LABELS = np.array([0, 0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [
        [0.8, 0.1, 0.1],  # right
        [0.5, 0.4, 0.1],  # right
        [0.2, 0.6, 0.2],  # 0 taken for 1
        [0.1, 0.9, 0.0],  # right
        [0.6, 0.4, 0.0],  # 1 taken for 0
        [1.0, 0.0, 0.0],  # 2 taken for 0
    ]
)


def test_a_score_by_hand() -> None:
    found = score(*judged(PROBABILITIES, LABELS), LABELS, ("cat", "dog", "eel"), "digest")

    assert found.accuracy == pytest.approx(3 / 6)
    right = [0.8, 0.5, 0.2, 0.9, 0.4, 1e-7]
    assert found.loss == pytest.approx(-sum(math.log(value) for value in right) / 6)
    assert found.confusion == ((2, 1, 0), (1, 1, 0), (1, 0, 0))
    assert found.sha256 == "digest"


def test_the_scores_of_each_class_by_hand() -> None:
    cat, dog, eel = score(*judged(PROBABILITIES, LABELS), LABELS, ("cat", "dog", "eel"), "").classes

    assert cat == ClassScores("cat", pytest.approx(2 / 4), pytest.approx(2 / 3), pytest.approx(4 / 7), 3)
    assert dog == ClassScores("dog", pytest.approx(1 / 2), pytest.approx(1 / 2), pytest.approx(1 / 2), 2)
    # Never said, so that its precision is 0 of 0.
    assert eel == ClassScores("eel", 0.0, 0.0, 0.0, 1)


def test_a_class_without_test_images() -> None:
    found = score(*judged(PROBABILITIES, LABELS), LABELS, ("cat", "dog", "eel"), "")
    missing = score(
        *judged(np.pad(PROBABILITIES, ((0, 0), (0, 1))), LABELS), LABELS, ("cat", "dog", "eel", "fox"), ""
    )

    assert missing.classes[:3] == found.classes
    assert missing.classes[3] == ClassScores("fox", 0.0, 0.0, 0.0, 0)
    assert len(missing.confusion) == 4


@pytest.fixture(scope="module")
def job(part: Split, tmp_path_factory: pytest.TempPathFactory) -> EvaluateJob:
    folder = tmp_path_factory.mktemp("evaluate")
    trained = train_job(part, folder / "trial", 1)
    run(trained)
    return EvaluateJob(
        "evaluate", DataSpec("digits"), trained.trial, "lenet5", part, folder / "trial", folder / "winner"
    )


def test_the_saved_model_has_this_score(job: EvaluateJob) -> None:
    found = evaluate(job, lambda event: None)

    assert [path.name for path in job.output.iterdir()] == [MODEL]
    test = open_test(job.spec, job.split.prepared)
    model = keras.saving.load_model(job.output / MODEL, safe_mode=True)
    assert not model.compiled
    probabilities = model.predict(test.x, verbose=0)
    assert found.accuracy == float((probabilities.argmax(axis=1) == test.y).mean())
    loss = keras.losses.SparseCategoricalCrossentropy()(test.y, probabilities)
    assert found.loss == pytest.approx(float(loss), rel=1e-4)
    assert sum(kind.count for kind in found.classes) == len(test.y) == sum(map(sum, found.confusion))
    assert [kind.name for kind in found.classes] == [str(digit) for digit in range(10)]
    assert found.sha256 == test.sha256


def test_a_winner_without_its_weights(job: EvaluateJob, tmp_path: Path) -> None:
    lost = EvaluateJob("evaluate", job.spec, job.trial, job.model, job.split, tmp_path, tmp_path / "winner")

    with pytest.raises(DamagedCheckpoint, match=r"best\.npz"):
        evaluate(lost, lambda event: None)
    assert not (tmp_path / "winner").exists()
