"""The four oracles of Keras Tuner, mended and deterministic."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from keras_tuner import HyperParameters, Objective
from keras_tuner.engine.trial import TrialStatus
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)
from threadpoolctl import threadpool_limits

from tunekit.oracles.hyperparameters import to_hyperparameters, within
from tunekit.oracles.schedule import BracketPlan, RungPlan, Slot
from tunekit.oracles.scheduled import Scheduled
from tunekit.oracles.seeds import derive_seed
from tunekit.results import Values
from tunekit.space.space import Space

DEFAULT_TRIALS = 20
"""Of the random and the Bayesian tuner where the space names no number."""
DECLARED = {"tune_new_entries": False, "allow_new_entries": False}
"""The space is what was declared beforehand, whatever a model's builder asks for."""
BATCH = 4
"""Trials that the Bayesian tuner proposes before it looks at scores again: fixed, so that workers do not matter."""


class Hyperband(Scheduled, HyperbandOracle):  # type: ignore[misc]
    """Keras Tuner's Hyperband; rungs are promoted when they are complete."""

    repeats_brackets = True

    def __init__(
        self,
        objective: Objective,
        hyperparameters: HyperParameters | None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        seed: int = 0,
        max_trials: int | None = None,
        starts: Sequence[Values] = (),
        new_entries: Mapping[str, bool] = DECLARED,
    ) -> None:
        super().__init__(
            objective=objective,
            max_epochs=max_epochs,
            factor=factor,
            hyperband_iterations=hyperband_iterations,
            hyperparameters=hyperparameters,
            **new_entries,
        )
        plans = [
            BracketPlan(iteration, bracket, self._rungs(bracket))
            for iteration in range(hyperband_iterations)
            for bracket in reversed(range(self._get_num_brackets()))
        ]
        self._start(plans, seed, max_trials, self._known(starts, seed))

    def _rungs(self, bracket: int) -> tuple[RungPlan, ...]:
        rungs, initial = [], 0
        for number in range(self._get_num_rounds(bracket)):
            epochs = int(self._get_epochs(bracket, number))
            rungs.append(RungPlan(self._get_size(bracket, number), initial, epochs))
            initial = epochs
        return tuple(rungs)


class RandomSearch(Scheduled, RandomSearchOracle):  # type: ignore[misc]
    """Configurations drawn at random, each trained for all epochs."""

    def __init__(
        self,
        objective: Objective,
        hyperparameters: HyperParameters,
        max_epochs: int = 100,
        seed: int = 0,
        max_trials: int | None = None,
        starts: Sequence[Values] = (),
    ) -> None:
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            tune_new_entries=False,
            allow_new_entries=False,
        )
        trials = max_trials or DEFAULT_TRIALS
        plans = [BracketPlan(0, 0, (RungPlan(trials, 0, max_epochs),))]
        self._start(plans, seed, max_trials, self._known(starts, seed))


class BayesianOptimization(Scheduled, BayesianOptimizationOracle):  # type: ignore[misc]
    """Keras Tuner's Gaussian process, asked in batches of fixed size."""

    def __init__(
        self,
        objective: Objective,
        hyperparameters: HyperParameters,
        max_epochs: int = 100,
        seed: int = 0,
        max_trials: int | None = None,
        num_initial_points: int | None = None,
        starts: Sequence[Values] = (),
    ) -> None:
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            num_initial_points=num_initial_points,
            seed=derive_seed(seed, "bayesian"),
            tune_new_entries=False,
            allow_new_entries=False,
        )
        trials = max_trials or DEFAULT_TRIALS
        self.initial_points = min(trials, num_initial_points or max(2 * len(hyperparameters.space), BATCH))
        sizes = [self.initial_points]
        while sum(sizes) < trials:
            sizes.append(min(BATCH, trials - sum(sizes)))
        plans = [
            BracketPlan(0, number, (RungPlan(size, 0, max_epochs),), waits=number > 0)
            for number, size in enumerate(sizes)
        ]
        self._start(plans, seed, max_trials, self._known(starts, seed))

    def propose_values(self, slot: Slot) -> dict[str, Any] | None:
        """From the model of all scores so far, once the first batch is complete."""
        if slot.bracket == 0 or slot.attempt or slot.number in self._starts:
            return super().propose_values(slot)
        values = self._modelled_values(slot)
        if values is None or not self._is_new(slot, values, True):
            return super().propose_values(slot)
        self._remember(slot.number, values)
        return values

    def _modelled_values(self, slot: Slot) -> dict[str, Any] | None:
        """What Keras Tuner's process proposes when it knows what is the same in every order of finishing."""
        first_of_batch = slot.number - slot.position
        earlier = {
            trial_id: self.trials[trial_id]
            for trial_id in sorted(self.trials)
            if self._slots[trial_id].number < first_of_batch
        }
        if sum(trial.status == TrialStatus.COMPLETED for trial in earlier.values()) < 2:
            return None
        # Trials of this batch count as ongoing, ended or not: the process then proposes somewhere else. Their
        # replacements come whenever a failure comes, and are left out.
        batch = {
            trial_id: trial
            for trial_id, trial in self.trials.items()
            if self._slots[trial_id].number >= first_of_batch and "." not in trial_id
        }
        everything, ongoing = self.trials, self.ongoing_trials
        self.trials, self.ongoing_trials = earlier | batch, batch
        self.num_initial_points = 1  # 0 would be taken for the default
        self._random_state = np.random.RandomState(derive_seed(self.seed, "bayesian", slot.number))
        try:
            # Matrices this small are slower with several threads, and might come out different.
            with threadpool_limits(1):
                values = BayesianOptimizationOracle.populate_space(self, "")["values"]
        finally:
            self.trials, self.ongoing_trials = everything, ongoing
        return {
            hp.name: within(hp, values[hp.name]) for hp in self.hyperparameters.space if hp.name in values
        }


class GridSearch(Scheduled, GridSearchOracle):  # type: ignore[misc]
    """Every combination in Keras Tuner's order, known ones first, each trained for all epochs."""

    replaces_failures = False  # every configuration has its place already

    def __init__(
        self,
        objective: Objective,
        hyperparameters: HyperParameters,
        max_epochs: int = 100,
        seed: int = 0,
        max_trials: int | None = None,
        starts: Sequence[Values] = (),
    ) -> None:
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            tune_new_entries=False,
            allow_new_entries=False,
        )
        known = self._known(starts, seed)
        first = [start.values for start in known]
        others = (values for values in _combinations(hyperparameters) if values not in first)
        self._combinations = list(islice(chain(first, others), max_trials))
        plan = BracketPlan(0, 0, (RungPlan(len(self._combinations), 0, max_epochs),))
        self._start([plan], seed, max_trials, known)

    def propose_values(self, slot: Slot) -> dict[str, Any] | None:
        return dict(self._combinations[slot.number])


def _combinations(space: HyperParameters) -> Iterator[dict[str, Any]]:
    """The last parameter changes fastest and a parameter's default comes first, as Keras Tuner has it."""
    hps = copy.copy(space)
    hps.values = {}

    def walk(left: list[Any]) -> Iterator[dict[str, Any]]:
        if not left:
            yield dict(hps.values)
        elif not hps.is_active(left[0]):
            yield from walk(left[1:])
        else:
            for value in dict.fromkeys([left[0].default, *left[0].values]):
                hps.values[left[0].name] = value
                yield from walk(left[1:])
            del hps.values[left[0].name]

    return walk(hps.space)


Tuner = Hyperband | RandomSearch | BayesianOptimization | GridSearch


def make_oracle(space: Space) -> Tuner:
    """The oracle that a space's search settings ask for."""
    settings = space.search
    common: dict[str, Any] = {
        "objective": Objective(space.objective.name, space.objective.direction),
        "hyperparameters": to_hyperparameters(space),
        "max_epochs": settings.max_epochs,
        "seed": settings.seed,
        "max_trials": settings.max_trials,
        "starts": space.start,
    }
    match settings.tuner:
        case "hyperband":
            return Hyperband(factor=settings.factor, hyperband_iterations=settings.iterations, **common)
        case "random":
            return RandomSearch(**common)
        case "bayesian":
            return BayesianOptimization(**common)
        case "grid":
            return GridSearch(**common)
