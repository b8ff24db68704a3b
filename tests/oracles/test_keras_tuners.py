"""The oracle in Keras Tuner's own tuners: in one that trains, and in ones whose trials only compute a score."""

from __future__ import annotations

import inspect
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from keras_tuner.oracles import HyperbandOracle

from tests.cli.test_main import modules_after
from tests.study.commands import environment
from tunekit.errors import SearchError
from tunekit.oracles import Hyperband

Score = Callable[[Any, int], float]


def wave(hp: Any, call: int) -> float:
    """Of the values alone, and better with every epoch."""
    value = math.sin(9 * hp["x"]) + (0.3 if hp["kind"] == "b" else 0.0)
    return value + hp.values["tuner/epochs"] / 100


class Box(keras_tuner.Tuner):  # type: ignore[misc]
    """A tuner as Keras Tuner's documentation makes one for anything that is not a model."""

    def __init__(self, score: Score, folder: Path, **settings: Any) -> None:
        self.calls = 0
        self._score = score
        hp = keras_tuner.HyperParameters()
        hp.Float("x", 0.0, 1.0)
        hp.Choice("kind", ["a", "b"])
        given = {"objective": keras_tuner.Objective("score", "max"), "max_epochs": 9, "factor": 3, "seed": 0}
        oracle = Hyperband(hyperparameters=hp, **(given | settings))
        super().__init__(oracle=oracle, directory=folder, project_name="box")

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return {"score": self._score(trial.hyperparameters, self.calls)}


def searched(tuner: Box) -> Box:
    tuner.search(verbose=0)
    return tuner


def trials_of(tuner: Box) -> dict[str, Any]:
    return {
        name: (trial.hyperparameters.values, trial.score, trial.status)
        for name, trial in sorted(tuner.oracle.trials.items())
    }


def test_its_arguments_are_keras_tuners() -> None:
    ours, theirs = (list(inspect.signature(oracle).parameters) for oracle in (Hyperband, HyperbandOracle))
    assert ours == theirs
    assert isinstance(Hyperband("val_accuracy"), HyperbandOracle)


def test_the_room_is_light_without_them(tmp_path: Path) -> None:
    assert "keras_tuner" not in modules_after("import tunekit.oracles.schedule", tmp_path)


def test_a_whole_search(tmp_path: Path) -> None:
    tuner = searched(Box(wave, tmp_path))
    assert tuner.calls == len(tuner.oracle.trials) == 23
    (best,) = tuner.oracle.get_best_trials()
    longest = [trial for trial in tuner.oracle.trials.values() if trial.hyperparameters["tuner/epochs"] == 9]
    assert best.score == max(trial.score for trial in longest)
    assert tuner.get_best_hyperparameters()[0]["x"] == best.hyperparameters["x"]
    for trial in tuner.oracle.trials.values():
        parent = trial.hyperparameters.values.get("tuner/trial_id")
        if parent:
            assert tuner.oracle.trials[parent].hyperparameters["x"] == trial.hyperparameters["x"]


def test_seed_0_is_a_seed(tmp_path: Path) -> None:
    one, other, without = (
        trials_of(searched(Box(wave, tmp_path / str(place), seed=seed)))
        for place, seed in enumerate((0, 0, None))
    )
    assert one == other
    assert one != without


class Killed(BaseException):
    """Neither Keras Tuner nor the oracle gets to do anything about it."""


@pytest.mark.parametrize("at", [1, 2, 10, 15, 23])
def test_a_killed_search_goes_on_and_comes_out_the_same(at: int, tmp_path: Path) -> None:
    def dying(hp: Any, call: int) -> float:
        if call == at:
            raise Killed
        return wave(hp, call)

    with pytest.raises(Killed):
        searched(Box(dying, tmp_path / "killed"))
    again = Box(wave, tmp_path / "killed")
    assert sum(trial.status == "COMPLETED" for trial in again.oracle.trials.values()) == at - 1
    searched(again)
    assert again.calls == 23 - (at - 1)
    assert trials_of(again) == trials_of(searched(Box(wave, tmp_path / "whole")))


def test_a_finished_search_has_its_results_when_it_is_opened_again(tmp_path: Path) -> None:
    whole = searched(Box(wave, tmp_path))
    again = Box(wave, tmp_path)
    assert trials_of(again) == trials_of(whole)
    assert searched(again).calls == 0


def test_changed_settings_are_refused(tmp_path: Path) -> None:
    searched(Box(wave, tmp_path))
    with pytest.raises(SearchError, match="max_epochs: was 9, is 3"):
        Box(wave, tmp_path, max_epochs=3)
    with pytest.raises(SearchError, match="seed: was 0, is 1"):
        Box(wave, tmp_path, seed=1)


def test_a_project_of_keras_tuners_own_oracle_is_refused(tmp_path: Path) -> None:
    searched(Box(wave, tmp_path))
    (tmp_path / "box" / "oracle.json").write_text(json.dumps({"seed": 3}))
    with pytest.raises(SearchError, match="expected the state of"):
        Box(wave, tmp_path)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_fails_the_trial_and_another_takes_its_place(
    value: float, tmp_path: Path
) -> None:
    tuner = searched(Box(lambda hp, call: value if call in (2, 3, 4, 5) else wave(hp, call), tmp_path))
    states = [trial.status for trial in tuner.oracle.trials.values()]
    assert states.count("FAILED") == 4
    assert states.count("COMPLETED") == 23
    assert math.isfinite(tuner.oracle.get_best_trials()[0].score)


def test_a_search_that_only_fails_ends(tmp_path: Path) -> None:
    def broken(hp: Any, call: int) -> float:
        raise ValueError("no such layer")

    tuner = Box(broken, tmp_path)
    with pytest.raises(RuntimeError, match=r"(?s)The first 10 trials all failed.*no such layer"):
        searched(tuner)
    assert tuner.calls == 10


def test_a_trial_is_tried_again(tmp_path: Path) -> None:
    tuner = searched(
        Box(lambda hp, call: math.nan if call == 2 else wave(hp, call), tmp_path, max_retries_per_trial=1)
    )
    assert tuner.calls == 24
    assert trials_of(tuner) == trials_of(searched(Box(wave, tmp_path / "other")))


def test_a_space_that_is_found_as_it_is_searched(tmp_path: Path) -> None:
    class Finds(Box):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
            trial.hyperparameters.Int("late", 1, 100)
            return super().run_trial(trial)

    def values(folder: Path) -> list[int]:
        tuner = searched(Finds(wave, folder))
        return [trial.hyperparameters["late"] for _, trial in sorted(tuner.oracle.trials.items())]

    first = values(tmp_path)
    assert first[0] == 1, "the default, before it was known"
    assert len(set(first)) > 5
    assert values(tmp_path) == first


TRAINING = """
import json, sys
import keras, keras_tuner, numpy as np
from tunekit.oracles import Hyperband, HyperbandTuner

random = np.random.default_rng(0)
x = random.normal(size=(96, 4)).astype("float32")
y = (x.sum(axis=1) > 0).astype("int32")
iterations = []

def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Choice("units", [4, 8]), activation="relu")])
    if hp.Boolean("wider"):
        with hp.conditional_scope("wider", [True]):
            model.add(keras.layers.Dense(hp.Int("more", 2, 16)))
    model.add(keras.layers.Dense(2, activation="softmax"))
    rate = hp.Float("rate", 1e-4, 1e-1, sampling="log")
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model

class Watch(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        iterations.append(int(self.model.optimizer.iterations.value))

made = dict(hypermodel=build, directory="tuning")
plain = keras_tuner.Tuner(oracle=Hyperband("val_accuracy", max_epochs=3, seed=0), project_name="plain", **made)
plain.search(x, y, validation_split=0.25, epochs=1, verbose=0, callbacks=[])
rungs = HyperbandTuner(oracle=Hyperband("val_accuracy", max_epochs=3, seed=0), project_name="rungs", **made)
rungs.search(x, y, validation_split=0.25, batch_size=24, verbose=0, callbacks=[Watch()])
again = HyperbandTuner(oracle=Hyperband("val_accuracy", max_epochs=3, seed=0), project_name="rungs", **made)
model = again.get_best_models()[0]
trials = {
    name: [trial.status, trial.hyperparameters.values] for name, trial in sorted(again.oracle.trials.items())
}
answers = {
    "plain": [trial.status for trial in plain.oracle.trials.values()],
    "space": sorted(hp.name for hp in plain.oracle.get_space().space),
    "trials": trials, "iterations": iterations, "outputs": model(x).shape[1],
}
print(json.dumps(answers), file=sys.stderr)
"""


def test_a_real_run(tmp_path: Path) -> None:
    """On JAX, with which Keras Tuner does not ask for tensorboard."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAINING],
        cwd=tmp_path,
        env=environment(KERAS_BACKEND="jax"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["plain"] == ["COMPLETED"] * 6
    assert found["space"] == ["more", "rate", "units", "wider"]
    assert [status for status, _ in found["trials"].values()] == ["COMPLETED"] * 6
    promoted = [name for name, (_, values) in found["trials"].items() if "tuner/trial_id" in values]
    assert promoted == ["3"]
    # 72 examples in batches of 24 are three steps an epoch: the parent's one epoch is behind its optimizer.
    assert [count for count in found["iterations"] if count] == [3]
    assert found["outputs"] == 2
