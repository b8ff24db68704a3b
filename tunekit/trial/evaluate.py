"""The winner's score on the sealed test set."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from tunekit.data.sealed import open_test
from tunekit.failpoints import reach
from tunekit.models.build import build
from tunekit.results import ClassScores, Evaluation
from tunekit.trial import checkpoint
from tunekit.trial.compiled import as_probabilities
from tunekit.trial.feeding import predictions
from tunekit.trial.jobs import MODEL, Emit, EvaluateJob
from tunekit.trial.objectives import Measurement, log_losses
from tunekit.trial.train import image_shape


def evaluate(job: EvaluateJob, emit: Emit) -> Evaluation:
    """Load the best epoch's weights, save them as a model of their own, and score it once."""
    prepared = job.split.prepared
    model = build(job.model, job.trial.values, image_shape(prepared), job.trial.seed)
    checkpoint.load(job.folder / checkpoint.BEST, checkpoint.model_variables(model))
    job.output.mkdir(parents=True, exist_ok=True)
    beside = job.output / f"beside-{MODEL}"
    model.save(beside)
    reach("champion.before")
    beside.replace(job.output / MODEL)
    reach("champion.after")
    test = open_test(job.spec, prepared)
    answers, measurement = [], Measurement(job.objective, test.y)
    for part, answered in predictions(model, test.x):
        said = as_probabilities(model, answered)
        answers.append(judged(said, test.y[part]))
        measurement.add(part, said)
    predicted, right = (np.concatenate(each) for each in zip(*answers, strict=True))
    # JSON has no NaN, which the area under the curve is for a test set of one class.
    others = {name: value for name, value in measurement.result().items() if math.isfinite(value)}
    found = score(predicted, right, test.y, prepared.class_names, test.sha256)
    return dataclasses.replace(found, others=others)


def judged(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The class that is most probable, and how probable the right one is."""
    right = probabilities[np.arange(len(labels)), labels]
    return probabilities.argmax(axis=1), right.astype(np.float64)


def score(
    predicted: np.ndarray, right: np.ndarray, labels: np.ndarray, names: tuple[str, ...], sha256: str
) -> Evaluation:
    """Loss, accuracy, and each class' precision, recall and F1."""
    classes = list(range(len(names)))
    precision, recall, f1, count = precision_recall_fscore_support(
        labels, predicted, labels=classes, zero_division=0.0
    )
    return Evaluation(
        loss=float(log_losses(right).mean()),
        accuracy=float((predicted == labels).mean()),
        classes=tuple(
            ClassScores(name, float(precision[i]), float(recall[i]), float(f1[i]), int(count[i]))
            for i, name in enumerate(names)
        ),
        confusion=tuple(
            tuple(int(cell) for cell in row) for row in confusion_matrix(labels, predicted, labels=classes)
        ),
        sha256=sha256,
    )
