"""A trial trained several times: each as if alone, its score their mean, continued to the bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from tunekit.failpoints import armed
from tunekit.oracles.seeds import derive_seed
from tunekit.results import Epoch, Outcome, Trial
from tunekit.trial.executions import execution, folder_of, folders, mean_curve, muffled, trial_of
from tunekit.trial.jobs import EpochDone, Split, Step, TrainJob
from tunekit.trial.train import NotFinite, train

from .helpers import TINY, differences, run, stored, train_job

VALUES = {**TINY, "dropout": 0.3, "batch_norm": True}
"""Of which the random state and the statistics have to be kept apart too."""


def several(job: TrainJob, count: int = 3) -> TrainJob:
    return dataclasses.replace(job, executions=count)


def checkpoints(folder: Path) -> dict[str, Any]:
    """All that every execution has left, by its place."""
    return {
        str(path.relative_to(folder)): stored(path)
        for path in sorted(folder.rglob("*.npz"))
        if path.name != "features.npz"
    }


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert list(one) == list(other)
    assert [name for name in one if differences(one[name], other[name])] == []


@pytest.fixture(scope="module")
def whole(part: Split, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainJob, Outcome, list[EpochDone]]:
    folder = tmp_path_factory.mktemp("whole")
    job = several(train_job(part, folder / "trial", 2, values=VALUES, pictures=folder / "pictures"))
    return job, *run(job)


def test_seeds_and_folders_follow_from_the_trials() -> None:
    trial = Trial("1", {}, 5, 0, 1)
    assert trial_of(trial, 0) == trial
    seeds = [trial_of(trial, number).seed for number in range(4)]
    assert len(set(seeds)) == 4
    assert seeds[1] == derive_seed(5, "execution", 1)
    assert [folder_of(Path("a"), number) for number in range(3)] == [
        Path("a"),
        Path("a/execution-2"),
        Path("a/execution-3"),
    ]


def test_a_mean_by_hand() -> None:
    one = [Epoch(3, {"loss": 1.0, "val_f1": 0.5}, 2.0), Epoch(4, {"loss": 0.5, "val_f1": 0.75}, 1.0)]
    other = [Epoch(3, {"loss": 3.0, "val_f1": 0.25}, 1.0), Epoch(4, {"loss": 1.5, "val_f1": 0.75}, 1.0)]
    assert mean_curve([one, other]) == [
        Epoch(3, {"loss": 2.0, "val_f1": 0.375}, 3.0),
        Epoch(4, {"loss": 1.0, "val_f1": 0.75}, 2.0),
    ]


def test_signs_of_life_tell_of_the_whole_trial(part: Split, tmp_path: Path) -> None:
    """Two executions of the epochs 3 and 4: half of the second one's first epoch is 5 / 8 of the way."""
    job = several(train_job(part, tmp_path, 4, initial_epoch=2), 2)
    told: list[Any] = []
    muffled(told.append, job, 0)(Step(3, 0.5))
    muffled(told.append, job, 1)(Step(3, 0.5))
    muffled(told.append, job, 1)(EpochDone(Epoch(3, {}, 1.0)))
    assert told == [Step(3, 0.25), Step(4, 0.25)]


def test_each_is_trained_as_if_alone(
    whole: tuple[TrainJob, Outcome, list[EpochDone]], part: Split, tmp_path: Path
) -> None:
    job, outcome, told = whole
    alone = []
    for number in range(3):
        seed = trial_of(job.trial, number).seed
        found, epochs = run(train_job(part, tmp_path / str(number), 2, values=VALUES, seed=seed))
        alone.append(found.score)
        assert_same(
            checkpoints(tmp_path / str(number)),
            {path.name: stored(path) for path in sorted(folder_of(job.folder, number).glob("[bl]*.npz"))},
        )
        assert len(epochs) == len(told) == 2

    assert outcome.scores == tuple(alone)
    assert len(set(alone)) > 1
    assert outcome.score == fmean(alone)
    assert outcome.deviation == stdev(alone)
    assert outcome.own_score == max(alone) == alone[outcome.execution]


def test_the_curve_told_is_the_mean(whole: tuple[TrainJob, Outcome, list[EpochDone]]) -> None:
    job, _, told = whole
    last = [stored(folder / "last.npz")["curve"] for folder in folders(job.folder)]
    assert len(last) == 3
    for number, event in enumerate(told):
        assert [event.epoch.number, *event.epoch.metrics.values()] == pytest.approx(
            [fmean(curve[number, column] for curve in last) for column in range(5)]
        )


def test_the_pictures_are_of_the_best(whole: tuple[TrainJob, Outcome, list[EpochDone]]) -> None:
    job, outcome, _ = whole
    assert job.pictures is not None
    assert {"curves.png", "summary.txt"} <= {path.name for path in job.pictures.iterdir()}
    assert not (job.pictures / "fault.txt").exists()
    assert outcome.insight["health/update_ratio"] > 0


@pytest.mark.parametrize("kill", [1, 4, 6, 9])
def test_a_kill_loses_at_most_an_epoch_and_changes_nothing(
    whole: tuple[TrainJob, Outcome, list[EpochDone]], tmp_path: Path, kill: int
) -> None:
    """Wherever it comes: within an execution, or between two of them."""
    before, outcome, told = whole
    job = dataclasses.replace(before, folder=tmp_path, pictures=None)
    left = kill

    def raises(name: str) -> None:
        nonlocal left
        left -= name == "checkpoint.save.after"
        if not left:
            raise KeyboardInterrupt

    with armed(raises), pytest.raises(KeyboardInterrupt):
        train(job, lambda event: None)
    again, events = run(job)

    assert_same(checkpoints(tmp_path), checkpoints(before.folder))
    assert (again.score, again.scores, again.execution) == (outcome.score, outcome.scores, outcome.execution)
    assert [event.epoch.metrics for event in events] == [event.epoch.metrics for event in told]


def test_a_promoted_trial_continues_each(
    whole: tuple[TrainJob, Outcome, list[EpochDone]], part: Split, tmp_path: Path
) -> None:
    straight, outcome, _ = whole
    first = several(train_job(part, tmp_path / "first", 1, values=VALUES))
    run(first)
    second = several(
        train_job(part, tmp_path / "second", 2, values=VALUES, parent=tmp_path / "first", initial_epoch=1)
    )
    found, told = run(second)

    assert [event.epoch.number for event in told] == [2]
    assert (found.scores, found.execution) == (outcome.scores, outcome.execution)
    last = {name: each for name, each in checkpoints(tmp_path / "second").items() if "last" in name}
    assert_same(last, {name: each for name, each in checkpoints(straight.folder).items() if "last" in name})


def test_a_model_of_ones_own(part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is built anew for each."""
    (tmp_path / "own_repeated.py").write_text(
        "import keras\n\n\ndef model(values, data):\n"
        "    inputs = keras.Input(data.shape, dtype=data.dtype)\n"
        "    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))\n"
        "    x = keras.layers.Dropout(0.2)(x)\n"
        "    return keras.Model(inputs, keras.layers.Dense(data.classes, activation='softmax')(x))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    own: Any = {"model": "own_repeated:model", "values": {"batch_size": 40}}
    job = several(train_job(part, tmp_path / "trial", 1, **own), 2)
    outcome, _ = run(job)
    alone, _ = run(dataclasses.replace(execution(job, 1), folder=tmp_path / "alone"))
    assert outcome.scores[1] == alone.score


def test_one_that_fails_fails_the_trial(part: Split, tmp_path: Path) -> None:
    rate = {**TINY, "learning_rate": 1e30, "optimizer": "sgd"}
    with pytest.raises(NotFinite):
        train(several(train_job(part, tmp_path, 1, values=rate), 2), lambda event: None)
