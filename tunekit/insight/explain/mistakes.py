"""What a model gets wrong: the images it is most mistaken about, and the classes it mixes up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunekit.insight.graph import Array

WORST = 16
PAIRS = 8


@dataclass(frozen=True)
class Mistake:
    """One image that the model is sure of and wrong about."""

    image: int
    """Its number among the images."""
    true: int
    predicted: int
    probability: float
    """Of the class predicted."""
    true_probability: float


@dataclass(frozen=True)
class Pair:
    """Two classes that are taken for each other."""

    one: int
    other: int
    one_as_other: int
    """Images of the one that were taken for the other."""
    other_as_one: int
    share: float
    """Of the images of both classes."""

    @property
    def count(self) -> int:
        return self.one_as_other + self.other_as_one


@dataclass(frozen=True)
class Mistakes:
    """All that a model got wrong of some images."""

    images: int
    wrong: int
    worst: tuple[Mistake, ...]
    """Surest first."""
    pairs: tuple[Pair, ...]
    """Most mixed up first."""


def mistakes(probabilities: Array, labels: Array) -> Mistakes:
    """The mistakes in what the model said of the images."""
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    sure = probabilities[wrong, predicted[wrong]]
    worst = wrong[np.argsort(-sure, kind="stable")][:WORST]
    return Mistakes(
        images=len(labels),
        wrong=len(wrong),
        worst=tuple(
            Mistake(
                int(n),
                int(labels[n]),
                int(predicted[n]),
                float(probabilities[n, predicted[n]]),
                float(probabilities[n, labels[n]]),
            )
            for n in worst
        ),
        pairs=_pairs(predicted, labels, probabilities.shape[1]),
    )


def _pairs(predicted: Array, labels: Array, classes: int) -> tuple[Pair, ...]:
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, predicted), 1)
    totals = confusion.sum(axis=1)
    both = np.triu(confusion + confusion.T, 1)
    found = []
    for place in np.argsort(-both, axis=None, kind="stable")[:PAIRS]:
        one, other = divmod(int(place), classes)
        if both[one, other]:
            share = both[one, other] / (totals[one] + totals[other])
            pair = (one, other, int(confusion[one, other]), int(confusion[other, one]), float(share))
            found.append(Pair(*pair))
    return tuple(found)
