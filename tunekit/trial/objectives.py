"""What can rank trials besides loss and accuracy: measured on all answers at once, never averaged over batches.

It is NumPy's arithmetic on the answers, so that it is the same whatever Keras computes with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import f1_score

from tunekit.errors import DataError, ModelError
from tunekit.space.space import Objective

Array = NDArray[Any]
TOP = 5
SLACK = 0.02
"""By which the probabilities of an example may miss a sum of 1."""
SMALLEST = 1e-7
"""Probability that the log loss counts a smaller one as, as Keras does: one answer alone must not decide."""


@dataclass(frozen=True)
class Measure:
    """One metric, from what it keeps of each part of the answers."""

    kept: Callable[[Array, Array], Array]
    """What it needs of some answers and their labels."""
    total: Callable[[Array, Array], float]
    """Its value, from all that was kept and all labels; NaN where the examples do not define it."""


class Measurement:
    """The objective's metric of one pass over examples, where it is not one that Keras measures."""

    def __init__(self, objective: Objective, labels: Array) -> None:
        self._name = objective.metric
        self._measure = MEASURES.get(objective.metric)
        self._labels = labels
        self._kept: list[Array] = []
        self._finite = True

    @property
    def wanted(self) -> bool:
        """Whether the answers are needed at all."""
        return self._measure is not None

    def add(self, part: slice, said: Array) -> None:
        """The answers to the next part of the examples; ModelError where they have to be probabilities and are not."""
        said = np.asarray(said, np.float32)  # bfloat16 is no number to NumPy's sorting
        self._finite = self._finite and bool(np.isfinite(said).all())
        if self._measure and self._finite:
            self._kept.append(self._measure.kept(said, self._labels[part]))

    def result(self) -> dict[str, float]:
        """By its name; NaN where an answer was no number, or the examples do not define it."""
        if self._measure is None:
            return {}
        value = self._measure.total(np.concatenate(self._kept), self._labels) if self._finite else math.nan
        return {self._name: value}


def check_labels(objective: Objective, labels: Array) -> None:
    """DataError where the validation examples cannot tell one trial from another by this metric."""
    if objective.metric == "auc" and len(np.unique(labels)) < 2:
        raise DataError(
            "objective: expected validation examples of two classes or more for val_auc, got those of one. "
            "Raise `validation` in the data section, or rank by val_accuracy or val_loss."
        )


def macro_f1(predicted: Array, labels: Array) -> float:
    """The mean of the F1 of the classes that have examples; one that is never said has 0."""
    classes = np.unique(labels)
    return float(f1_score(labels, predicted, labels=classes, average="macro", zero_division=0.0))


def macro_auc(scores: Array, labels: Array) -> float:
    """The mean area under the curve of each class that has examples against all others, exact, ties as halves."""
    areas = [_area(scores[:, each], labels == each) for each in np.unique(labels)]
    return float(np.mean(areas))


def _area(scores: Array, own: Array) -> float:
    """The share of pairs, one of the class and one not, in which the former scores higher."""
    count, others = int(own.sum()), int((~own).sum())
    if not others:
        return math.nan
    ranks = rankdata(scores)[own].sum()
    return float((ranks - count * (count + 1) / 2) / (count * others))


def among_top(scores: Array, labels: Array) -> Array:
    """Whether the right class is among the five with the highest scores; of equal ones the last classes come first.

    Not every class that ties counts: a model whose answers are all alike would be right each time.
    """
    top = np.argsort(scores, axis=1, kind="stable")[:, : -TOP - 1 : -1]
    found: Array = (top == labels[:, None]).any(axis=1)
    return found


def _said(scores: Array, labels: Array) -> Array:
    found: Array = scores.argmax(axis=1)
    return found


def log_losses(right: Array) -> Array:
    """Of each example, from the probability of its right class: the loss without penalties and smoothed labels."""
    found: Array = -np.log(np.maximum(right.astype(np.float64), SMALLEST))
    return found


def _losses(scores: Array, labels: Array) -> Array:
    _check_probabilities("val_log_loss", scores)
    return log_losses(scores[np.arange(len(labels)), labels])


def _probabilities(scores: Array, labels: Array) -> Array:
    _check_probabilities("val_auc", scores)
    return scores


def _check_probabilities(objective: str, scores: Array) -> None:
    """ModelError where they are none: scores that each example scales itself cannot be compared with others'."""
    sums = scores.sum(axis=1, dtype=np.float64)
    if scores.min() < 0 or np.abs(sums - 1).max() > SLACK:
        raise ModelError(
            f"objective {objective}: expected answers that are probabilities, from 0 to 1 and 1 in all for each "
            f"example, got answers from {scores.min():.3g} to {scores.max():.3g} with sums from {sums.min():.3g} to "
            f"{sums.max():.3g}. End the model with activation='softmax', or rank by val_f1 or val_accuracy."
        )


MEASURES: Mapping[str, Measure] = {
    "f1": Measure(_said, macro_f1),
    "auc": Measure(_probabilities, macro_auc),
    "top5": Measure(among_top, lambda right, labels: float(right.mean())),
    "log_loss": Measure(_losses, lambda losses, labels: float(losses.mean())),
}
