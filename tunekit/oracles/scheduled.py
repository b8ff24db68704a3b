"""What the mended oracles share: Keras Tuner's `Oracle` driven by a schedule.

Mended against Keras Tuner 1.4.8: the outcome does not depend on the order in which trials finish; seed 0 is a seed;
a failed first-rung trial is replaced by a fresh configuration; failures in a row do not end the search; an infinite
score is a failure; a space smaller than a rung is promoted all the same; nothing is written to disk here.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from keras_tuner import Oracle
from keras_tuner.engine.hyperparameters import Fixed
from keras_tuner.engine.trial import Trial as TunerTrial
from keras_tuner.engine.trial import TrialStatus

from tunekit.oracles.hyperparameters import within
from tunekit.oracles.schedule import BracketPlan, Schedule, Slot
from tunekit.oracles.seeds import derive_seed
from tunekit.oracles.starts import Start, whole_starts
from tunekit.results import Trial, Values

MAX_COLLISIONS = 200
"""Draws of one slot that may repeat earlier configurations before the space counts as exhausted."""


class Scheduled(Oracle):  # type: ignore[misc]
    """Mix-in before one of Keras Tuner's oracles, which supplies the configurations."""

    replaces_failures = True
    repeats_brackets = False
    """Whether a bracket takes configurations of earlier ones where the space has no others left."""
    trials: dict[str, TunerTrial]
    ongoing_trials: dict[str, TunerTrial]

    def _start(
        self,
        plans: Sequence[BracketPlan],
        seed: int,
        max_trials: int | None,
        starts: Sequence[Start] = (),
    ) -> None:
        """Call last in the constructor: Keras Tuner's own takes seed 0 for no seed."""
        self.seed = seed
        self.max_trials = None
        self.verbose = 0
        self.schedule = Schedule(plans, self.objective.direction == "max", max_trials)
        self._slots: dict[str, Slot] = {}
        self._first: dict[int, dict[str, Any] | None] = {}
        self._first_draws: dict[str, list[int]] = {}
        self._slot_draws: set[tuple[int, str]] = set()
        self._exhausted_at: int | None = None
        self._starts = dict(zip(self.schedule.fresh(), starts, strict=False))
        self.starts_left_out = [start.number for start in starts[len(self._starts) :]]
        """Known configurations that the plan has no place for."""
        for number, start in self._starts.items():
            self._remember(number, start.values)

    def _known(self, starts: Sequence[Values], seed: int) -> list[Start]:
        """The space's known configurations, whole and each once."""

        def draw(given: Values, *parts: object) -> dict[str, Any]:
            return self._sample(derive_seed(seed, "start", *parts), given)

        several = {hp.name for hp in self.hyperparameters.space if not isinstance(hp, Fixed)}
        return whole_starts(starts, several, draw, self._compute_values_hash, MAX_COLLISIONS)

    # For the coordinator

    def ask(self) -> Trial | None:
        """The next trial to run; None while all wait for others, and when the search is complete."""
        slot, values = self._next_proposal()
        if slot is None or values is None:
            return None
        return self._begin(slot, values)

    def finish(self, trial_id: str, score: float) -> None:
        """A trial completed with this score."""
        self._end(trial_id, score)

    def fail(self, trial_id: str) -> None:
        """A trial failed for good."""
        self._end(trial_id, None)

    @property
    def complete(self) -> bool:
        return self.schedule.complete

    def may_continue(self, trial_id: str) -> bool:
        """Whether a later rung can still need the trial's checkpoint."""
        slot = self._slots[trial_id]
        return self.schedule.trial_id(slot) == trial_id and self.schedule.may_continue(slot)

    def released(self) -> list[str]:
        """The completed trials that no later rung can need any more since this was last asked."""
        return [self.schedule.trial_id(slot) for slot in self.schedule.released()]

    # For a Keras Tuner `Tuner`

    def create_trial(self, tuner_id: str) -> TunerTrial:
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        asked = self.ask()
        if asked is None:
            status = TrialStatus.STOPPED if self.complete else TrialStatus.IDLE
            return TunerTrial(hyperparameters=self.get_space(), trial_id="", status=status)
        trial = self.trials[asked.id]
        # A model's builder may declare parameters of its own: not in the space that all trials share.
        trial.hyperparameters = trial.hyperparameters.copy()
        self.ongoing_trials[tuner_id] = trial
        return trial

    def end_trial(self, trial: TunerTrial) -> None:
        known = self.trials[trial.trial_id]
        known.message = trial.message
        score = None
        if trial.status == TrialStatus.COMPLETED:
            self.score_trial(known)
            score = known.score
        self._end(trial.trial_id, score)
        self.ongoing_trials = {
            tuner: ongoing
            for tuner, ongoing in self.ongoing_trials.items()
            if ongoing.trial_id != trial.trial_id
        }

    def _save_trial(self, trial: TunerTrial) -> None:
        """The coordinator keeps the state; Keras Tuner's files break under a kill."""

    def save(self) -> None:
        """See `_save_trial`."""

    # Configurations

    def propose_values(self, slot: Slot) -> dict[str, Any] | None:
        """A fresh configuration for a first-rung slot; None where the space is exhausted."""
        if not slot.attempt:
            return self._first_values(slot)
        if self._foresees(slot):
            for later in self.schedule.brackets[slot.bracket].rungs[0][slot.position + 1 :]:
                self._first_values(later)
        return self._draw(slot)

    def _foresees(self, slot: Slot) -> bool:
        """Whether a replacement keeps clear of what later slots of its rung draw, asked for already or not."""
        return slot.attempt > 0 and not self.schedule.brackets[slot.bracket].plan.waits

    def _first_values(self, slot: Slot) -> dict[str, Any] | None:
        if slot.number not in self._first:
            self._remember(slot.number, self._draw(slot))
        return self._first[slot.number]

    def _remember(self, number: int, values: dict[str, Any] | None) -> None:
        self._first[number] = values
        if values is not None:
            self._first_draws.setdefault(self._compute_values_hash(values), []).append(number)

    def _draw(self, slot: Slot) -> dict[str, Any] | None:
        for within_search in self._scopes(slot):
            for collision in range(MAX_COLLISIONS):
                seed = derive_seed(self.seed, "values", slot.number, slot.attempt, collision)
                values = self._sample(seed)
                if self._is_new(slot, values, within_search):
                    return values
            if self._exhausted_at is None and not slot.attempt:
                self._exhausted_at = slot.number
        return None

    def _scopes(self, slot: Slot) -> tuple[bool, ...]:
        """New within the whole search first, then within its bracket; the first is not tried again in vain."""
        exhausted = self._exhausted_at is not None and self._exhausted_at < slot.number
        scopes = () if exhausted else (True,)
        return (*scopes, False) if self.repeats_brackets else scopes

    def _sample(self, seed: int, given: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """Values drawn for all active parameters but those that are given."""
        hps = copy.copy(self.hyperparameters)
        hps.values = {}
        for offset, hp in enumerate(hps.space):
            if hps.is_active(hp):
                drawn = given[hp.name] if hp.name in given else hp.random_sample(seed + offset)
                hps.values[hp.name] = within(hp, drawn)
        return dict(hps.values)

    def _is_new(self, slot: Slot, values: dict[str, Any], within_search: bool) -> bool:
        """Compared with first draws of slots and with this slot's own: never with what time decides."""
        key = self._compute_values_hash(values)
        if (slot.number, key) in self._slot_draws:
            return False
        rung = self.schedule.brackets[slot.bracket].plan.rungs[0]
        first = slot.number - slot.position
        since = 0 if within_search else first
        end = first + rung.size
        until = end if self._foresees(slot) else slot.number
        # Known configurations are there from the beginning: what comes before them keeps clear of them too.
        return not any(
            since <= number < until
            or (number in self._starts and since <= number and (within_search or number < end))
            for number in self._first_draws.get(key, ())
        )

    def _compute_values_hash(self, values: dict[str, Any]) -> str:
        plain = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        return str(Oracle._compute_values_hash(self, plain))

    # The walk

    def _next_proposal(self) -> tuple[Slot | None, dict[str, Any] | None]:
        while (slot := self.schedule.next_slot()) is not None:
            if slot.parent is not None:
                return slot, self._plain_values(slot.parent)
            values = self.propose_values(slot)
            if values is not None:
                return slot, values
            self.schedule.exhaust(slot)
        return None, None

    def _plain_values(self, slot: Slot) -> dict[str, Any]:
        values = self.trials[self.schedule.trial_id(slot)].hyperparameters.values
        return {name: value for name, value in values.items() if not name.startswith("tuner/")}

    def _begin(self, slot: Slot, values: dict[str, Any]) -> Trial:
        trial_id = self.schedule.trial_id(slot)
        plan = self.schedule.brackets[slot.bracket].plan
        rung = plan.rungs[slot.round]
        parent = self.schedule.trial_id(slot.parent) if slot.parent else None
        if parent is None:
            self._slot_draws.add((slot.number, self._compute_values_hash(values)))
        slot.state = "RUNNING"
        self._slots[trial_id] = slot
        # The declared space is shared: copying it through its configuration costs a millisecond a trial.
        hyperparameters = copy.copy(self.hyperparameters)
        hyperparameters.values = values | {
            "tuner/epochs": rung.epochs,
            "tuner/initial_epoch": rung.initial_epoch,
            "tuner/bracket": plan.number,
            "tuner/round": slot.round,
            **({"tuner/trial_id": parent} if parent else {}),
        }
        trial = TunerTrial(hyperparameters=hyperparameters, trial_id=trial_id, status=TrialStatus.RUNNING)
        self.trials[trial_id] = trial
        self.start_order.append(trial_id)
        return Trial(
            id=trial_id,
            values=_plain(values),
            seed=derive_seed(self.seed, "trial", self.schedule.trial_id(slot.root)),
            initial_epoch=rung.initial_epoch,
            epochs=rung.epochs,
            bracket=plan.number,
            round=slot.round,
            iteration=plan.iteration,
            parent=parent,
            start=self._start_of(slot.root),
        )

    def _start_of(self, slot: Slot) -> int | None:
        """Which known configuration a first-rung slot holds; what replaces a failed one is drawn."""
        return self._starts[slot.number].number if slot.number in self._starts and not slot.attempt else None

    def _end(self, trial_id: str, score: float | None) -> None:
        slot = self._slots[trial_id]
        if slot.state != "RUNNING" or self.schedule.trial_id(slot) != trial_id:
            raise ValueError(f"trial {trial_id} is not running: it ended before")
        score = score if score is not None and math.isfinite(score) else None
        trial = self.trials[trial_id]
        trial.score = score
        trial.status = TrialStatus.FAILED if score is None else TrialStatus.COMPLETED
        self.end_order.append(trial_id)
        self.schedule.end(slot, score, self.replaces_failures)


def _plain(values: dict[str, Any]) -> Values:
    """Without NumPy's scalars, which neither JSON nor YAML knows."""
    return {name: value.item() if hasattr(value, "item") else value for name, value in values.items()}
