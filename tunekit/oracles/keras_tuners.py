"""Hyperband for a Keras Tuner `Tuner`: takes its `HyperbandOracle`'s place and arguments, with what is mended here.

Beyond what `Scheduled` mends: its files are there whole or not at all; a project that goes on takes up every trial that
ended, and is refused where the settings are no longer the same; the best trial is one of the longest trained.
"""

from __future__ import annotations

import json
import math
import os
import random
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner import HyperParameters, Objective
from keras_tuner.engine.trial import Trial as TunerTrial
from keras_tuner.engine.trial import TrialStatus

from tunekit.errors import SearchError
from tunekit.oracles import tuners
from tunekit.oracles.schedule import Slot
from tunekit.results import Trial

FORMAT = "tunekit.oracles.Hyperband 1"
ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


class Hyperband(tuners.Hyperband):
    """`keras_tuner.oracles.HyperbandOracle`, mended.

    `max_consecutive_failed_trials` ends a search whose first trials all fail, and not one that has had a good trial.
    """

    def __init__(
        self,
        objective: str | Objective | list[str | Objective] | None = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 10,
    ) -> None:
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            max_epochs=max_epochs,
            factor=factor,
            hyperband_iterations=hyperband_iterations,
            seed=random.randrange(2**31) if seed is None else seed,
            new_entries={"allow_new_entries": allow_new_entries, "tune_new_entries": tune_new_entries},
        )
        self.max_retries_per_trial = max_retries_per_trial
        self.max_consecutive_failed_trials = max_consecutive_failed_trials
        self.verbose = 1
        self._settings = {
            "objective": str(self.objective),
            "max_epochs": max_epochs,
            "factor": factor,
            "hyperband_iterations": hyperband_iterations,
            "seed": seed,
        }
        self._earlier: dict[str, TunerTrial] = {}
        """Of the project's files: trials that have not been asked for again yet."""

    # Trials

    def create_trial(self, tuner_id: str) -> TunerTrial:
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        if self._retry_queue:
            trial = self.trials[self._retry_queue.pop()]
            self.ongoing_trials[tuner_id] = trial
        else:
            trial = super().create_trial(tuner_id)
        if trial.status == TrialStatus.RUNNING:
            self._save_trial(trial)
            self.save()
            self._display.on_trial_begin(trial)
        return trial

    def end_trial(self, trial: TunerTrial) -> None:
        known = self.trials[trial.trial_id]
        known.hyperparameters = trial.hyperparameters
        self.update_space(trial.hyperparameters)
        if trial.status == TrialStatus.COMPLETED:
            self.score_trial(known)
            if not math.isfinite(known.score):
                trial.status = TrialStatus.INVALID
        self._run_times[trial.trial_id] += 1
        if (
            trial.status == TrialStatus.INVALID
            and self._run_times[trial.trial_id] <= self.max_retries_per_trial
        ):
            self._try_again(trial)
            return
        super().end_trial(trial)
        self._save_trial(known)
        self.save()
        self._display.on_trial_end(known)
        self._stop_if_hopeless(known)

    def get_best_trials(self, num_trials: int = 1) -> list[TunerTrial]:
        """The longest trained first, and of these the best: a score after one epoch says little."""
        sign = -1 if self.objective.direction == "max" else 1

        def rank(trial: TunerTrial) -> tuple[int, float]:
            return -trial.hyperparameters.values["tuner/epochs"], sign * trial.score

        completed = [trial for trial in self.trials.values() if trial.status == TrialStatus.COMPLETED]
        return sorted(completed, key=rank)[:num_trials]

    def _try_again(self, trial: TunerTrial) -> None:
        known = TunerTrial(trial.hyperparameters, trial.trial_id, TrialStatus.RUNNING, trial.message)
        self.trials[trial.trial_id] = known
        self._retry_queue.append(trial.trial_id)
        self.ongoing_trials = {
            tuner: ongoing
            for tuner, ongoing in self.ongoing_trials.items()
            if ongoing.trial_id != trial.trial_id
        }

    def _stop_if_hopeless(self, latest: TunerTrial) -> None:
        failed = [
            trial.status == TrialStatus.FAILED for trial in self.trials.values() if trial.status in ENDED
        ]
        if all(failed) and len(failed) >= self.max_consecutive_failed_trials:
            raise RuntimeError(f"The first {len(failed)} trials all failed.\n{latest.message or ''}")

    # Going on with a project

    def ask(self) -> Trial | None:
        """Trials that ended before are taken as they ended: what comes next depends on nothing else."""
        while (asked := super().ask()) is not None:
            known = self._earlier.pop(asked.id, None)
            if known is None or known.status not in ENDED:
                return asked
            self.trials[asked.id] = known
            self._end(asked.id, known.score if known.status == TrialStatus.COMPLETED else None)
        return None

    def propose_values(self, slot: Slot) -> dict[str, Any] | None:
        """As they were: the space may have grown since."""
        known = self._earlier.get(self.schedule.trial_id(slot))
        if known is None:
            return super().propose_values(slot)
        values = {
            name: value
            for name, value in known.hyperparameters.values.items()
            if not name.startswith("tuner/")
        }
        if not slot.attempt:
            self._remember(slot.number, values)
        return values

    def get_state(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "settings": self._settings,
            "drawn_seed": self.seed,
            "hyperparameters": self.hyperparameters.get_config(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        if state.get("format") != FORMAT:
            raise SearchError(f"{self._begun_here}: expected the state of {FORMAT}, got another. {REMEDY}")
        before = state["settings"]
        changes = [
            f"{name}: was {before[name]}, is {now}"
            for name, now in self._settings.items()
            if before[name] != now
        ]
        if changes:
            raise SearchError(f"{self._begun_here}: the settings changed ({'; '.join(changes)}). {REMEDY}")
        self.seed = state["drawn_seed"]
        self.hyperparameters = HyperParameters.from_config(state["hyperparameters"])

    def save(self) -> None:
        if self._has_project:
            _write(Path(self._get_oracle_fname()), self.get_state())

    def reload(self) -> None:
        self.set_state(json.loads(Path(self._get_oracle_fname()).read_text(encoding="utf-8")))
        for path in sorted(Path(self._project_dir).glob("trial_*/trial.json")):
            trial = TunerTrial.load(str(path))
            self._earlier[trial.trial_id] = trial
        self.trials = dict(self._earlier)

    def _save_trial(self, trial: TunerTrial) -> None:
        if self._has_project:
            _write(Path(self._get_trial_dir(trial.trial_id)) / "trial.json", trial.get_state())

    @property
    def _has_project(self) -> bool:
        """An oracle without a tuner has no folder."""
        return getattr(self, "_project_name", None) is not None

    @property
    def _begun_here(self) -> str:
        return f"{self._project_dir}: the project cannot go on"


REMEDY = "Set it back, or give the tuner another project_name, or overwrite=True."


class HyperbandTuner(keras_tuner.Hyperband):  # type: ignore[misc]
    """`keras_tuner.Hyperband` with an oracle of one's choice; a promoted trial keeps its optimizer's state.

    Trials train for the epochs of their rungs. It needs no tensorboard.
    """

    def __init__(self, oracle: keras_tuner.Oracle, hypermodel: Any = None, **kwargs: Any) -> None:
        # Past the constructor of keras_tuner.Hyperband, which makes an oracle of its own.
        keras_tuner.Tuner.__init__(self, oracle=oracle, hypermodel=hypermodel, **kwargs)

    def _build_hypermodel(self, hp: HyperParameters) -> Any:
        model = keras_tuner.Tuner._build_hypermodel(self, hp)
        parent = hp.values.get("tuner/trial_id")
        if parent is None:
            return model
        if not model.built:
            model.build_from_config(json.loads(Path(self._get_build_config_fname(parent)).read_text()))
        if model.optimizer is not None:
            # Keras leaves out the state of an optimizer that has no variables yet.
            model.optimizer.build(model.trainable_variables)
        model.load_weights(self._get_checkpoint_fname(parent))
        return model

    def _configure_tensorboard_dir(self, callbacks: Any, trial: TunerTrial, execution: int = 0) -> None:
        if find_spec("tensorboard") is not None:
            super()._configure_tensorboard_dir(callbacks, trial, execution)


def _write(path: Path, state: dict[str, Any]) -> None:
    """Beside the file first, so that a kill at any instant leaves it whole."""
    beside = path.with_name(f".{path.name}")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(state, file, default=lambda value: value.item())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
