"""The four oracles of Keras Tuner, mended and deterministic."""

from __future__ import annotations

import math
from itertools import count
from typing import Any

import numpy as np
from keras_tuner import HyperParameters, Objective
from keras_tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)

from tunekit.oracles.hyperparameters import to_hyperparameters
from tunekit.oracles.schedule import BracketPlan, RungPlan, Slot
from tunekit.oracles.scheduled import Scheduled, derive_seed
from tunekit.space.space import Space

DEFAULT_TRIALS = 20
"""Of the random and the Bayesian tuner where the space names no number."""
BATCH = 4
"""Trials that the Bayesian tuner proposes before it looks at scores again: fixed, so that workers do not matter."""


class Hyperband(Scheduled, HyperbandOracle):  # type: ignore[misc]
    """Keras Tuner's Hyperband; rungs are promoted when they are complete."""

    def __init__(
        self,
        objective: Objective,
        hyperparameters: HyperParameters,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        seed: int = 0,
        max_trials: int | None = None,
    ) -> None:
        super().__init__(
            objective=objective,
            max_epochs=max_epochs,
            factor=factor,
            hyperband_iterations=hyperband_iterations,
            hyperparameters=hyperparameters,
            tune_new_entries=False,
            allow_new_entries=False,
        )
        plans = [
            BracketPlan(iteration, bracket, self._rungs(bracket))
            for iteration in range(hyperband_iterations)
            for bracket in reversed(range(self._get_num_brackets()))
        ]
        self._start(plans, seed, max_trials)

    def _get_num_brackets(self) -> int:
        # Whole numbers: dividing as Keras Tuner does loses a bracket at 125/5 to rounding.
        epochs, brackets = int(self.max_epochs), 0
        while epochs >= self.min_epochs:
            epochs //= self.factor
            brackets += 1
        return brackets

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        end_size = self._get_num_brackets_ceiling() / (bracket_num + 1)
        return math.ceil(end_size * self.factor ** (bracket_num - round_num))

    def _get_num_brackets_ceiling(self) -> int:
        # ceil(1 + log_factor(max_epochs)) in whole numbers: the logarithm of 125 to base 5 is 3.0000000000000004.
        power, exponent = 1, 0
        while power < self.max_epochs:
            power, exponent = power * self.factor, exponent + 1
        return 1 + exponent

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
    ) -> None:
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            tune_new_entries=False,
            allow_new_entries=False,
        )
        trials = max_trials or DEFAULT_TRIALS
        self._start([BracketPlan(0, 0, (RungPlan(trials, 0, max_epochs),))], seed, max_trials)


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
        self._start(plans, seed, max_trials)

    def propose_values(self, slot: Slot) -> dict[str, Any] | None:
        """From the model of all scores so far, once the first batch is complete."""
        if slot.bracket == 0 or slot.attempt:
            return super().propose_values(slot)
        self.num_initial_points = 1  # 0 would be taken for the default
        self._random_state = np.random.RandomState(derive_seed(self.seed, "bayesian", slot.number))
        # Trials of this batch count as ongoing: the process then proposes somewhere else.
        self.ongoing_trials = {
            trial_id: self.trials[trial_id]
            for trial_id, other in sorted(self._slots.items())
            # Replacements come whenever a failure comes: they must not matter to the others.
            if other.bracket == slot.bracket and "." not in trial_id
        }
        values = self._modelled_values(slot)
        self.ongoing_trials = {}
        return values if values and self._is_new(slot, values, True) else super().propose_values(slot)

    def _modelled_values(self, slot: Slot) -> dict[str, Any] | None:
        completed = [trial for trial in self.trials.values() if trial.status == "COMPLETED"]
        if len(completed) < 2:
            return None
        everything = self.trials
        # In the plan's order, not in the order of finishing, and without this batch's early finishers.
        first_of_batch = slot.number - slot.position
        self.trials = {
            trial_id: everything[trial_id]
            for trial_id in sorted(everything)
            if int(trial_id.split(".")[0]) < first_of_batch or trial_id in self.ongoing_trials
        }
        try:
            response = BayesianOptimizationOracle.populate_space(self, self.schedule.trial_id(slot))
        finally:
            self.trials = everything
        return dict(response["values"]) if response.get("values") else None


class GridSearch(Scheduled, GridSearchOracle):  # type: ignore[misc]
    """Every combination in Keras Tuner's order, each trained for all epochs."""

    replaces_failures = False  # every configuration has its place already

    def __init__(
        self,
        objective: Objective,
        hyperparameters: HyperParameters,
        max_epochs: int = 100,
        seed: int = 0,
        max_trials: int | None = None,
    ) -> None:
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            tune_new_entries=False,
            allow_new_entries=False,
        )
        self._combinations = self._all_combinations(max_trials)
        plan = BracketPlan(0, 0, (RungPlan(len(self._combinations), 0, max_epochs),))
        self._start([plan], seed, max_trials)

    def propose_values(self, slot: Slot) -> dict[str, Any] | None:
        return dict(self._combinations[slot.number])

    def _all_combinations(self, max_trials: int | None) -> list[dict[str, Any]]:
        defaults = self.get_space()
        defaults.values = {hp.name: hp.default for hp in defaults.space}
        defaults.ensure_active_values()
        active = {hp.name for hp in defaults.space if defaults.is_active(hp)}
        values: dict[str, Any] | None = {name: defaults.values[name] for name in active}
        combinations: list[dict[str, Any]] = []
        for number in count():
            if values is None or number == max_trials:
                return combinations
            combinations.append(self._active(values))
            values = self._get_next_combination(values)
        raise AssertionError("unreachable")

    def _active(self, values: dict[str, Any]) -> dict[str, Any]:
        hps = self.get_space()
        hps.values = dict(values)
        return {hp.name: values[hp.name] for hp in hps.space if hps.is_active(hp) and hp.name in values}


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
    }
    if settings.tuner == "hyperband":
        return Hyperband(factor=settings.factor, hyperband_iterations=settings.iterations, **common)
    kinds = {"random": RandomSearch, "bayesian": BayesianOptimization, "grid": GridSearch}
    return kinds[settings.tuner](**common)
