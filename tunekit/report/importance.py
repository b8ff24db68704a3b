"""What the score depends on: how much of it each parameter, and each pair, accounts for.

A functional analysis of variance, as Hutter, Hoos and Leyton-Brown (2014) introduced it for hyperparameters:
scikit-learn's random forest learns the score from the values, its partial dependence averages everything else
away, and the variance that is left is the parameter's effect, or the pair's beyond its two parameters. A pure
interaction therefore shows in the pair alone. Every effect is multiplied by the share of the variance that the
forest predicts of trials it has not seen, so that importances add up to at most 1 and noise comes to nothing.

scikit-learn is here anyway. SHAP's interaction values say much the same, but bring numba and llvmlite, 200 MB
and seconds to load, and explain noise in the trials they were fitted to as readily as an effect; shapiq needs
the same two and its current releases no longer install on Python 3.11; optuna's fANOVA keeps its pairs private.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekit.results import Scalar, TrialRecord
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.space import Space

FEWEST = 8
"""Configurations; from fewer a forest learns nothing that another search would confirm."""
FORESTS = 10
"""Each sees another three quarters of the configurations: their spread is the uncertainty."""
TREES = 25
FEW = 0.2
"""The share of the parameters that a split chooses from in forests of a second kind.

Choosing from all finds what matters alone in few trials, but never begins with what matters in a pair only.
"""
CLEARLY = 0.1
"""By how much more of the variance the second kind must predict to be taken."""
GRID = 7
"""Points at which a range is looked at; for a choice all its values."""
MOST_PAIRED = 6
"""Parameters, the most important ones, whose pairs are looked at."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """The share of the score's variance that one parameter accounts for alone."""

    name: str
    mean: float
    std: float


@dataclass(frozen=True)
class Pair:
    """What two parameters account for together, beyond what each does alone."""

    first: str
    second: str
    mean: float
    std: float


@dataclass(frozen=True)
class Importance:
    """Shares of the variance that is not due to the number of epochs, the largest first."""

    effects: tuple[Effect, ...]
    pairs: tuple[Pair, ...]
    trials: int
    """Configurations it rests on."""
    notes: tuple[str, ...]

    @property
    def explained(self) -> float:
        """The share that parameters and pairs account for in all."""
        return sum(effect.mean for effect in self.effects) + sum(pair.mean for pair in self.pairs)

    def effect(self, name: str) -> Effect | None:
        return next((effect for effect in self.effects if effect.name == name), None)


def longest(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Every configuration once, by the last trial that completed with a finite score."""
    done = [record for record in records if record.kind == "trial" and math.isfinite(_score(record))]
    continued = {record.trial.parent for record in done}
    return [record for record in done if record.trial.id not in continued]


def importance(space: Space, records: Sequence[TrialRecord]) -> Importance:
    """What the objective depended on in these trials; the same for the same trials.

    Scores after different numbers of epochs are not comparable, and one rung alone is too few: so the number of
    epochs is given to the forest beside the values, and what it accounts for is left out of the shares.
    """
    from sklearn import config_context

    finals = sorted(longest(records), key=lambda record: record.trial.id)
    varying = [parameter for parameter in space.parameters if not isinstance(parameter, Fixed)]
    notes = _notes(records, finals, varying)
    used = [parameter for parameter in varying if _differs(parameter, finals)]
    if len(finals) < FEWEST:
        notes.append(f"{len(finals)} configurations are too few to say what matters: {FEWEST} are needed.")
        return Importance((), (), len(finals), tuple(notes))
    scores = _scores(space, finals)
    if not used or np.ptp(scores) == 0:
        notes.append("All scores are the same." if used else "No parameter varied.")
        return Importance((), (), len(finals), tuple(notes))
    epochs = np.log([record.trial.epochs for record in finals])
    columns = [_column(parameter, finals) for parameter in used]
    levels = max([GRID, *(len(parameter.values) for parameter in used if isinstance(parameter, Choice))])
    with config_context(skip_parameter_validation=True):  # which would take more time than the forests
        alone, pairs = _shares(np.stack([*columns, epochs], axis=1), scores, levels + 1)
    effects = [
        Effect(parameter.name, *_mean_and_std(share)) for parameter, share in zip(used, alone.T, strict=True)
    ]
    effects += [Effect(parameter.name, 0.0, 0.0) for parameter in varying if parameter not in used]
    paired = [
        Pair(used[first].name, used[second].name, *_mean_and_std(share))
        for (first, second), share in pairs.items()
    ]
    found = Importance(
        tuple(sorted(effects, key=lambda effect: -effect.mean)),
        tuple(sorted(paired, key=lambda pair: -pair.mean)),
        len(finals),
        (),
    )
    if found.explained < 0.1:
        notes.append("The parameters hardly predict the score: read the importances as noise.")
    if len(used) > MOST_PAIRED:
        notes.append(f"Pairs are of the {MOST_PAIRED} most important parameters.")
    return Importance(found.effects, found.pairs, found.trials, tuple(notes))


def _notes(
    records: Sequence[TrialRecord], finals: Sequence[TrialRecord], varying: Sequence[Parameter]
) -> list[str]:
    notes = []
    left_out = sum(
        record.kind == "trial" and record.status != "RUNNING" and not math.isfinite(_score(record))
        for record in records
    )
    if left_out:
        notes.append(f"{left_out} failed {'trials are' if left_out > 1 else 'trial is'} left out.")
    partly = [
        parameter.name
        for parameter in varying
        if any(parameter.name not in record.trial.values for record in finals)
    ]
    if partly:
        notes.append(
            f"{', '.join(partly)}: where inactive, taken at the middle of the values it had elsewhere, "
            "so that its absence counts for the parameter it depends on."
        )
    if len({record.trial.epochs for record in finals}) > 1:
        notes.append("Configurations were trained for different numbers of epochs; that part is taken out.")
    return notes


def _score(record: TrialRecord) -> float:
    return math.nan if record.score is None else record.score


def _scores(space: Space, finals: Sequence[TrialRecord]) -> Numbers:
    """Losses by their ranks: one that exploded would otherwise be all that counts."""
    scores = np.array([_score(record) for record in finals])
    return (
        np.unique(scores, return_inverse=True)[1].astype(float)
        if space.objective.direction == "min"
        else scores
    )


def _differs(parameter: Parameter, finals: Sequence[TrialRecord]) -> bool:
    return len({record.trial.values.get(parameter.name) for record in finals} - {None}) > 1


def _column(parameter: Parameter, finals: Sequence[TrialRecord]) -> Numbers:
    """A parameter's values as numbers: logarithms on a log scale, places in the list for a choice."""
    given = [record.trial.values.get(parameter.name) for record in finals]
    numbers = np.array([np.nan if value is None else _number(parameter, value) for value in given])
    middle = float(np.nanquantile(numbers, 0.5, method="nearest"))
    return np.where(np.isnan(numbers), middle, numbers)


def _number(parameter: Parameter, value: Scalar) -> float:
    if isinstance(parameter, Choice):
        return float(parameter.values.index(value))
    number = float(value)
    return math.log(number) if isinstance(parameter, Range) and parameter.scale == "log" else number


def _shares(
    values: Numbers, scores: Numbers, resolution: int
) -> tuple[Numbers, dict[tuple[int, int], Numbers]]:
    """Forests by parameters, and pair → forests: shares of variance. The last column is the epochs."""
    width = values.shape[1] - 1
    fitted = _forests(values, scores, 1.0)
    others = _forests(values, scores, FEW)
    if np.mean([skill for _, skill in others]) > np.mean([skill for _, skill in fitted]) + CLEARLY:
        fitted = others
    alone = np.array(
        [[_variance(forest, values, (i,), resolution) for i in range(width)] for forest, _ in fitted]
    )
    leading = sorted(np.argsort(-alone.mean(axis=0), kind="stable")[:MOST_PAIRED].tolist())
    together = {
        pair: np.array([_variance(forest, values, pair, resolution) for forest, _ in fitted])
        for pair in itertools.combinations(leading, 2)
    }
    total = alone.sum(axis=1) + sum(together.values(), np.zeros(FORESTS))
    skill = np.array([skill for _, skill in fitted])
    scale = np.divide(skill, total, out=np.zeros(FORESTS), where=total > 0)
    return alone * scale[:, None], {pair: variance * scale for pair, variance in together.items()}


def _forests(values: Numbers, scores: Numbers, chosen: float) -> list[tuple[Any, float]]:
    """Each with the share that it predicts of the configurations it has not seen."""
    from sklearn.ensemble import RandomForestRegressor

    order = np.random.default_rng(0)
    fitted: list[tuple[Any, float]] = []
    for seed in range(FORESTS):
        shuffled = order.permutation(len(values))
        held, seen = shuffled[: len(values) // 4], shuffled[len(values) // 4 :]
        forest = RandomForestRegressor(TREES, max_features=chosen, random_state=seed)
        forest.fit(values[seen], scores[seen])
        fitted.append((forest, _skill(forest, values, scores, seen, held)))
    return fitted


def _skill(
    forest: Any, values: Numbers, scores: Numbers, seen: NDArray[np.intp], held: NDArray[np.intp]
) -> float:
    """Of held out configurations: the share of variance predicted beyond what their epochs say."""
    epochs = values[:, -1]
    usual = []
    for place in held:
        alike = scores[seen][epochs[seen] == epochs[place]]
        usual.append(alike.mean() if alike.size > 1 else scores[seen].mean())
    missed = float(np.mean((scores[held] - np.array(usual)) ** 2))
    wrong = float(np.mean((scores[held] - forest.predict(values[held])) ** 2))
    return max(0.0, 1 - wrong / missed) if missed > 0 else 0.0


def _variance(forest: Any, values: Numbers, features: tuple[int, ...], resolution: int) -> float:
    """Of what the forest predicts over these features; for a pair, beyond what each of the two says."""
    from sklearn.inspection import partial_dependence

    found = partial_dependence(
        forest, values, features, percentiles=(0, 1), grid_resolution=resolution, method="recursion"
    )
    predicted = np.asarray(found["average"][0], dtype=np.float64)
    for axis in range(len(features)):
        predicted = predicted - predicted.mean(axis=axis, keepdims=True)
    return float(np.mean(predicted**2))


def _mean_and_std(shares: Numbers) -> tuple[float, float]:
    return float(shares.mean()), float(shares.std())
