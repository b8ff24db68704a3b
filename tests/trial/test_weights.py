"""Classes that count more or less: in the training loss, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tunekit.trial import checkpoint
from tunekit.trial.jobs import Split

from .helpers import TINY, differences, run, stored, train_job

STILL = TINY | {"learning_rate": 1e-8}


def test_the_training_loss_alone_is_weighted(part: Split, tmp_path: Path) -> None:
    names = part.prepared.class_names
    doubled = replace(part, weights=tuple((name, 2.0) for name in names))
    plain, weighted = (
        run(train_job(each, tmp_path / str(number), 1, values=STILL))[1][0].epoch.metrics
        for number, each in enumerate((part, doubled))
    )
    assert weighted["loss"] == pytest.approx(2 * plain["loss"], rel=1e-5)
    for name in ("accuracy", "val_loss", "val_accuracy"):
        assert weighted[name] == pytest.approx(plain[name], rel=1e-5), name


def test_a_heavy_class_is_learnt_first(part: Split, tmp_path: Path) -> None:
    heavy = replace(part, weights=(("7", 1000.0),))
    metrics = run(train_job(heavy, tmp_path / "heavy", 2))[1][-1].epoch.metrics
    assert metrics["val_accuracy"] == pytest.approx(0.1, abs=0.06)  # it says 7 of everything


def test_a_weighted_trial_goes_on_exactly(part: Split, tmp_path: Path) -> None:
    balanced = replace(part, weights="balanced")
    run(train_job(balanced, tmp_path / "whole", 3, values=TINY | {"label_smoothing": 0.1}))
    values = TINY | {"label_smoothing": 0.1}
    run(train_job(balanced, tmp_path / "first", 1, values=values))
    run(train_job(balanced, tmp_path / "rest", 3, values=values, parent=tmp_path / "first", initial_epoch=1))
    one, other = (stored(tmp_path / folder / checkpoint.LAST) for folder in ("whole", "rest"))
    assert differences(one, other) == []
