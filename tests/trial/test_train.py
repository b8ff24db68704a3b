"""One trial in this process: what it tells, keeps and draws, and that its best epoch is kept apart."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tunekit.insight.album import draw_later
from tunekit.models.build import build
from tunekit.results import Outcome
from tunekit.space.space import Objective
from tunekit.space.vocabulary import complete
from tunekit.trial import allowance, checkpoint, health, history
from tunekit.trial.inside import examples
from tunekit.trial.jobs import LATER, EpochDone, Split, Step
from tunekit.trial.train import arrays, image_shape, train, validation_arrays
from tunekit.trial.training import compile_model

from .helpers import TINY, run, train_job

WORST = Objective("val_loss", "max")
"""Sought on purpose: its best epoch is an early one, and so not the last."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("train")


@pytest.fixture(scope="module")
def trained(part: Split, folder: Path) -> tuple[Outcome, list[EpochDone]]:
    job = train_job(part, folder, 3, id="0007", objective=WORST, pictures=folder / "pictures")
    return run(job)


def test_each_epoch_is_told_in_order(trained: tuple[Outcome, list[EpochDone]]) -> None:
    _, told = trained

    assert [event.epoch.number for event in told] == [1, 2, 3]
    for event in told:
        assert set(event.epoch.metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert event.epoch.seconds > 0


def test_it_learns(trained: tuple[Outcome, list[EpochDone]]) -> None:
    first, *_, last = trained[1]

    assert last.epoch.metrics["loss"] < first.epoch.metrics["loss"]
    assert last.epoch.metrics["val_accuracy"] > 0.15


def test_the_outcome_names_the_best_epoch(trained: tuple[Outcome, list[EpochDone]]) -> None:
    outcome, told = trained
    losses = [event.epoch.metrics["val_loss"] for event in told]

    assert outcome.score == max(losses)
    assert outcome.best_epoch == 1 + losses.index(max(losses)) < 3
    # 3*3*1*2+2, 3*3*2*4+4, 2*2*4*8+8, 8*10+10
    assert outcome.parameters == 20 + 76 + 136 + 90
    assert outcome.seconds > 0


def test_the_best_epochs_weights_are_kept_apart(
    trained: tuple[Outcome, list[EpochDone]], part: Split, folder: Path
) -> None:
    outcome, told = trained
    values = complete("lenet5", TINY)
    model = build("lenet5", TINY, image_shape(part.prepared), seed=99)
    compile_model(model, values, steps_per_epoch=4, max_epochs=9)
    x, y = validation_arrays(part)

    checkpoint.load(folder / checkpoint.BEST, checkpoint.model_variables(model))
    best = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]
    checkpoint.load(folder / checkpoint.LAST, checkpoint.all_variables(model))
    last = model.evaluate(x, y, verbose=0, return_dict=True)["loss"]

    assert best == pytest.approx(outcome.score, rel=1e-5)
    assert last == pytest.approx(told[-1].epoch.metrics["val_loss"], rel=1e-5)


def test_a_snapshot_is_its_parent_as_the_best_epoch_left_it(
    trained: tuple[Outcome, list[EpochDone]], part: Split, folder: Path, tmp_path: Path
) -> None:
    outcome, _ = trained
    best = outcome.best_epoch
    job = train_job(
        part, tmp_path, best, parent=folder, initial_epoch=best, objective=WORST, pictures=tmp_path / "p"
    )
    taken, told = run(job)

    assert told == []
    assert (taken.score, taken.best_epoch, taken.parameters) == (outcome.score, best, outcome.parameters)
    assert (tmp_path / checkpoint.BEST).read_bytes() == (folder / checkpoint.BEST).read_bytes()
    assert list(history.load(tmp_path)) == [epoch for epoch in history.load(folder) if epoch <= best]
    assert (tmp_path / "p" / "curves.png").exists()
    assert not (tmp_path / "p" / "fault.txt").exists()


def test_a_trial_too_short_for_its_pictures_leaves_them_for_later(
    trained: tuple[Outcome, list[EpochDone]],
    folder: Path,
    part: Split,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(allowance, "SHARE", 0.0)
    job = replace(train_job(part, tmp_path / "0001", 3, pictures=tmp_path / "pictures"), draw_all=False)
    outcome, _ = run(job)
    drawn = {path.name for path in (tmp_path / "pictures").rglob("*.png")}
    whole = {path.name for path in (folder / "pictures").rglob("*.png")}
    assert not drawn
    assert outcome.insight.keys() == trained[0].insight.keys()

    draw_later(tmp_path / "pictures" / LATER, tmp_path / "rest", tmp_path / "rest" / "images")
    rest = {path.name for path in (tmp_path / "rest").rglob("*.png")}
    assert rest == whole


def test_pictures_and_summary(trained: tuple[Outcome, list[EpochDone]], folder: Path) -> None:
    summary = (folder / "pictures" / "summary.txt").read_text(encoding="utf-8")

    assert "conv1" in summary
    assert any(path.suffix == ".png" for path in (folder / "pictures").iterdir())
    assert any(name.startswith("activation/conv1") for name in trained[0].insight)
    json.dumps(dict(trained[0].insight), allow_nan=False)
    assert sorted(path.name for path in (folder / "pictures" / "images").iterdir()) == [
        "filters_conv1.0.png",
        "filters_conv1.1.png",
        "filters_conv1.3.png",
        "filters_conv2.0.png",
        "filters_conv2.1.png",
        "filters_conv2.3.png",
    ]
    assert not (folder / "pictures" / "fault.txt").exists()


def test_health_is_among_the_metrics(trained: tuple[Outcome, list[EpochDone]]) -> None:
    insight = trained[0].insight

    assert 0 <= insight["health/dead"] <= 1
    assert insight["health/gradient_norm"] > 0
    # Adam moves each weight by about its learning rate of 0.01 a step.
    assert 0.001 < insight["health/update_ratio"] < 0.2
    assert {"gradient/conv1/norm", "update/output/ratio"} <= set(insight)


def test_watching_a_step_counts_as_looking(
    part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = health._weights

    def slowly(model: keras.Model) -> list[np.ndarray]:
        time.sleep(0.5)
        return weights(model)

    monkeypatch.setattr(health, "_weights", slowly)
    outcome, _ = run(train_job(part, tmp_path / "0001", 1, pictures=tmp_path / "pictures"))
    assert 1.0 <= outcome.looking_seconds < outcome.seconds


def test_a_promoted_trial_shows_its_first_epoch(part: Split, tmp_path: Path) -> None:
    run(train_job(part, tmp_path / "parent", 1))

    run(
        train_job(
            part,
            tmp_path / "own",
            3,
            parent=tmp_path / "parent",
            initial_epoch=1,
            pictures=tmp_path / "pictures",
        )
    )

    shown = {path.name for path in (tmp_path / "pictures" / "images").glob("filters_conv1.*")}
    assert shown == {"filters_conv1.0.png", "filters_conv1.1.png", "filters_conv1.3.png"}
    straight = tmp_path / "straight"
    run(train_job(part, straight, 3))
    own = history.load(tmp_path / "own")
    assert own.keys() == history.load(straight).keys() == {0, 1, 2, 3}
    for epoch, snapshot in history.load(straight).items():
        for name, array in snapshot.items():
            np.testing.assert_array_equal(own[epoch][name], array)


def test_a_tie_is_won_by_the_earlier_epoch(part: Split, tmp_path: Path) -> None:
    nothing = TINY | {"optimizer": "sgd", "learning_rate": 0.0}

    outcome, _ = run(train_job(part, tmp_path, 2, values=nothing))

    assert outcome.best_epoch == 1


def test_a_promoted_trial_adopts_its_parents_best(part: Split, tmp_path: Path, folder: Path) -> None:
    run(train_job(part, tmp_path / "parent", 1, objective=WORST))

    outcome, told = run(
        train_job(part, tmp_path / "own", 2, objective=WORST, parent=tmp_path / "parent", initial_epoch=1)
    )

    assert [event.epoch.number for event in told] == [2]
    assert outcome.best_epoch == 1
    names = ["best.npz", "features.npz", "last.npz"]
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == names
    parents_best = (tmp_path / "parent" / "best.npz").read_bytes()
    assert (tmp_path / "own" / "best.npz").read_bytes() == parents_best


def test_signs_of_life_within_an_epoch(part: Split, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunekit.trial.train.SIGN_OF_LIFE", 0.0)
    told: list[Any] = []

    train(train_job(part, tmp_path, 1), told.append)

    # 160 images in batches of 40; several batches may be told of at once.
    *steps, done = told
    assert isinstance(done, EpochDone)
    assert set(steps) <= {Step(1, 0.25), Step(1, 0.5), Step(1, 0.75), Step(1, 1.0)}
    assert steps
    assert steps == sorted(set(steps), key=lambda step: step.share)
    assert steps[-1] == Step(1, 1.0)


def test_the_split_is_the_searchs(part: Split) -> None:
    x, y, training, validation = arrays(part)

    assert (len(training), len(validation)) == (160, 40)
    assert not set(training) & set(validation)
    held_out, labels = validation_arrays(part)
    np.testing.assert_array_equal(held_out, x[validation])
    np.testing.assert_array_equal(labels, y[validation])


def test_the_mapped_images_are_never_written(part: Split) -> None:
    x = arrays(part)[0]

    assert not x.flags.writeable
    # What an epoch mirrors and moves is its own.
    assert not np.shares_memory(x[np.arange(3)], x)


def test_the_same_images_are_looked_at_for_every_trial(part: Split) -> None:
    images, labels = examples(*validation_arrays(part))
    again, _ = examples(*validation_arrays(part))

    np.testing.assert_array_equal(images, again)
    assert len(images) == 16
    assert set(labels[:10]) == set(range(10))
