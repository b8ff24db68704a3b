"""What can rank trials besides loss and accuracy: by hand, against scikit-learn, and in a trial."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, roc_auc_score, top_k_accuracy_score

from tunekit.data.sealed import open_test
from tunekit.errors import DataError, ModelError
from tunekit.models.build import build
from tunekit.space.sections import OBJECTIVES
from tunekit.space.space import DataSpec
from tunekit.trial import checkpoint
from tunekit.trial.evaluate import evaluate
from tunekit.trial.jobs import EvaluateJob, ProbeJob, Split
from tunekit.trial.objectives import Measurement, check_labels, macro_auc, macro_f1
from tunekit.trial.probe import probe
from tunekit.trial.train import NotFinite, image_shape, train, validation_arrays

from .helpers import TINY, differences, run, stored, train_job

Answers = tuple[np.ndarray, np.ndarray]
CLOSE = {"val_f1": 1e-12, "val_auc": 1e-12, "val_top5": 1e-12, "val_log_loss": 1e-6}
"""The probabilities of a model sum to 1 no closer than single precision has it."""


def measured(name: str, answers: np.ndarray, labels: np.ndarray, at_once: int = 1000) -> float:
    """The metric, from answers that come so many at a time."""
    measurement = Measurement(OBJECTIVES[name], labels)
    for start in range(0, len(labels), at_once):
        part = slice(start, min(start + at_once, len(labels)))
        measurement.add(part, answers[part])
    (value,) = measurement.result().values()
    return value


def softmax(scores: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return found.astype(np.float32)


def some(count: int = 300, classes: int = 7, seed: int = 0) -> Answers:
    """Answers that are right more often than not, rounded so that many of them tie."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    return softmax((random.normal(size=(count, classes)) + 1.5 * np.eye(classes)[labels]).round(1)), labels


def test_macro_f1_by_hand() -> None:
    # a: 2 right of 3 said and of 2 there; b: 1 of 1 and of 2; c: never said.
    labels, said = np.array([0, 0, 1, 1, 2]), np.array([0, 0, 1, 0, 1])
    assert macro_f1(said, labels) == pytest.approx((0.8 + 0.5 + 0) / 3)


def test_the_area_under_the_curve_by_hand() -> None:
    """Of 2 x 2 pairs of the first class against the other one is lost and one is a tie; the second has all."""
    scores = np.array([[0.9, 0.1], [0.4, 0.2], [0.4, 0.7], [0.5, 0.5]])
    assert macro_auc(scores, np.array([0, 0, 1, 1])) == pytest.approx(((2 + 0.5) / 4 + 1) / 2)


def test_the_log_loss_by_hand() -> None:
    """Of one who is sure and wrong no more than Keras counts."""
    answers = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [1.0, 0.0, 0.0]], np.float32)
    expected = (math.log(2) + math.log(4) - math.log(1e-7)) / 3
    assert measured("val_log_loss", answers, np.array([0, 1, 2])) == pytest.approx(expected)


def test_the_first_five_by_hand() -> None:
    answers = np.array([[0.3, 0.2, 0.2, 0.1, 0.1, 0.07, 0.03]] * 3)
    assert measured("val_top5", answers, np.array([0, 4, 5])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("val_f1", lambda p, y: f1_score(y, p.argmax(axis=1), average="macro")),
        ("val_auc", lambda p, y: roc_auc_score(y, p.astype(float), multi_class="ovr", average="macro")),
        ("val_top5", lambda p, y: top_k_accuracy_score(y, p, k=5)),
        ("val_log_loss", lambda p, y: log_loss(y, p.astype(float) / p.sum(axis=1, dtype=float)[:, None])),
    ],
)
def test_scikit_learn_says_the_same(name: str, theirs: Callable[..., float], seed: int) -> None:
    answers, labels = some(seed=seed)
    assert measured(name, answers, labels) == pytest.approx(theirs(answers, labels), abs=CLOSE[name])


@pytest.mark.parametrize("name", [*CLOSE])
def test_how_the_answers_are_cut_makes_no_difference(name: str) -> None:
    answers, labels = some()
    assert measured(name, answers, labels, 64) == measured(name, answers, labels)


def test_two_classes() -> None:
    """One against the other is the same from either side."""
    answers, labels = some(classes=2)
    assert measured("val_auc", answers, labels) == pytest.approx(roc_auc_score(labels, answers[:, 1]))
    assert measured("val_f1", answers, labels) == pytest.approx(
        f1_score(labels, answers.argmax(axis=1), average="macro")
    )


@pytest.mark.parametrize("name", [*CLOSE])
def test_a_class_without_examples_counts_for_nothing(name: str) -> None:
    """Nobody says it, and there is nothing to say it to: the scores are those without it."""
    answers, labels = some()
    wider = np.pad(answers, ((0, 0), (0, 1)))
    assert measured(name, wider, labels) == measured(name, answers, labels)


@pytest.mark.parametrize(
    ("name", "dead"),
    [("val_f1", 1 / 28), ("val_auc", 0.5), ("val_top5", 5 / 7), ("val_log_loss", math.log(7))],
)
def test_a_model_whose_answers_are_all_alike_gains_nothing(name: str, dead: float) -> None:
    labels = np.arange(70) % 7
    assert measured(name, np.full((70, 7), 1 / 7), labels) == pytest.approx(dead)


@pytest.mark.parametrize("name", [*CLOSE])
def test_answers_that_are_no_numbers(name: str) -> None:
    answers, labels = some()
    answers[150, 2] = np.nan
    assert math.isnan(measured(name, answers, labels, 64))


def test_answers_that_are_no_probabilities() -> None:
    """The order within an example says enough for the others; areas compare examples with each other."""
    answers, labels = some()
    scores = np.log(answers) + np.arange(len(labels))[:, None]
    assert measured("val_f1", scores, labels) == measured("val_f1", answers, labels)
    assert measured("val_top5", scores, labels) == measured("val_top5", answers, labels)
    with pytest.raises(ModelError, match="End the model with activation='softmax'"):
        measured("val_auc", scores, labels)


def test_validation_examples_of_one_class() -> None:
    check_labels(OBJECTIVES["val_f1"], np.zeros(3))
    check_labels(OBJECTIVES["val_auc"], np.array([0, 1]))
    with pytest.raises(DataError, match="two classes or more for val_auc, got those of one"):
        check_labels(OBJECTIVES["val_auc"], np.zeros(3))


def test_loss_and_accuracy_are_kerass() -> None:
    for name in ("val_loss", "val_accuracy"):
        measurement = Measurement(OBJECTIVES[name], np.zeros(3))
        assert not measurement.wanted
        assert measurement.result() == {}


@pytest.mark.parametrize("name", [*CLOSE])
def test_a_trial_is_ranked_by_it(name: str, part: Split, tmp_path: Path) -> None:
    """Its best epoch is the one in which the metric was best, and has it again when it is loaded."""
    job = train_job(part, tmp_path / "trial", 3, objective=OBJECTIVES[name])
    outcome, told = run(job)

    scores = [event.epoch.metrics[name] for event in told]
    assert set(told[0].epoch.metrics) == {"loss", "accuracy", "val_loss", "val_accuracy", name}
    best = max if OBJECTIVES[name].direction == "max" else min
    assert outcome.score == best(scores)
    assert outcome.best_epoch == scores.index(best(scores)) + 1
    x, y = validation_arrays(part)
    model = build(job.model, job.trial.values, image_shape(part.prepared), 0)
    checkpoint.load(job.folder / checkpoint.BEST, checkpoint.model_variables(model))
    answers = np.asarray(model.predict(x, verbose=0))
    assert measured(name, answers, y) == pytest.approx(outcome.score, abs=1e-6)


def test_the_log_loss_is_kerass_without_penalties(part: Split, tmp_path: Path) -> None:
    job = train_job(part, tmp_path, 1, values={**TINY, "l2": 0.1}, objective=OBJECTIVES["val_log_loss"])
    _, ((epoch,)) = run(job)
    model = build(job.model, job.trial.values, image_shape(part.prepared), 0)
    checkpoint.load(job.folder / checkpoint.BEST, checkpoint.model_variables(model))

    penalty = float(sum(model.losses))
    assert penalty > 0.1
    found = epoch.epoch.metrics
    assert found["val_loss"] == pytest.approx(found["val_log_loss"] + penalty, abs=1e-5)


def test_interrupted_and_again_it_is_the_same_to_the_bit(part: Split, tmp_path: Path) -> None:
    """And measuring it changes nothing of the training."""
    auc = OBJECTIVES["val_auc"]
    whole = train_job(part, tmp_path / "whole", 3, objective=auc)
    broken = train_job(part, tmp_path / "broken", 2, objective=auc)
    run(whole)
    run(broken)
    _, told = run(dataclasses.replace(broken, trial=whole.trial))
    again = stored(tmp_path / "broken" / "last.npz")

    assert [event.epoch.number for event in told] == [1, 2, 3]
    assert differences(stored(tmp_path / "whole" / "last.npz"), again) == []
    plain = train_job(part, tmp_path / "plain", 3)
    run(plain)
    assert set(differences(stored(tmp_path / "plain" / "last.npz"), again)) == {"best", "curve"}


def test_the_test_set_is_scored_by_it_too(part: Split, tmp_path: Path) -> None:
    job = train_job(part, tmp_path / "trial", 1, objective=OBJECTIVES["val_auc"])
    run(job)
    spec = DataSpec("digits")
    found = evaluate(
        EvaluateJob("e", spec, job.trial, job.model, part, job.folder, tmp_path / "winner", job.objective),
        lambda event: None,
    )
    test = open_test(spec, part.prepared)
    model = keras.saving.load_model(tmp_path / "winner" / "model.keras", safe_mode=True)
    answers = np.asarray(model.predict(test.x, verbose=0), float)

    assert list(found.metrics) == ["accuracy", "loss", "auc"]
    assert found.metrics["auc"] == pytest.approx(roc_auc_score(test.y, answers, multi_class="ovr"), abs=1e-6)


def own_model(folder: Path, monkeypatch: pytest.MonkeyPatch, activation: str) -> str:
    (folder / f"own_{activation}.py").write_text(
        "import keras\n\n\ndef model(values, data):\n"
        "    inputs = keras.Input(data.shape, dtype=data.dtype)\n"
        "    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))\n"
        f"    return keras.Model(inputs, keras.layers.Dense(data.classes, '{activation}')(x))\n"
    )
    monkeypatch.syspath_prepend(folder)
    return f"own_{activation}:model"


def test_a_model_of_ones_own_without_a_softmax(
    part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told before anything is spent where it matters; and right where it does not."""
    model = own_model(tmp_path, monkeypatch, "linear")
    values = {"batch_size": 40}
    with pytest.raises(ModelError, match="val_auc: expected answers that are probabilities"):
        probe(ProbeJob("p", model, (values,), part, objective=OBJECTIVES["val_auc"]), lambda event: None)
    probe(ProbeJob("p", model, (values,), part, objective=OBJECTIVES["val_f1"]), lambda event: None)


def test_a_timed_probe_measures_it(part: Split) -> None:
    job = ProbeJob("p", "lenet5", (TINY,), part, timed=True, objective=OBJECTIVES["val_f1"])
    (found,) = probe(job, lambda event: None)
    assert found.epoch_seconds is not None


def test_a_metric_that_is_not_defined_fails_the_trial(
    part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a loss that is none does."""
    rate = {**TINY, "learning_rate": 1e30, "optimizer": "sgd"}
    with pytest.raises(NotFinite, match="val_f1 nan"):
        train(train_job(part, tmp_path, 1, values=rate, objective=OBJECTIVES["val_f1"]), lambda event: None)
