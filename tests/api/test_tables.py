"""Columns of the data frames."""

from __future__ import annotations

from pathlib import Path

from tunekit.api.tables import curve_rows, trial_rows
from tunekit.results import Epoch, Failure, Trial, TrialRecord
from tunekit.search.state import State
from tunekit.space.parameters import Choice
from tunekit.space.space import DataSpec, Space
from tunekit.study.overview import Report


def test_a_hyperparameter_with_the_name_of_a_column_stays_apart() -> None:
    space = Space(
        "own", "mine:build", DataSpec("digits"), (Choice("epochs", (7, 8)), Choice("width", (1, 2)))
    )
    trial = Trial("0", {"epochs": 7}, seed=1, initial_epoch=0, epochs=3)
    record = TrialRecord(trial, "FAILED", 0.0, failure=Failure("nan", "loss is nan"))
    report = Report("own", "home", space, (record,), None, None, None, {}, False, {})
    columns, (row,) = trial_rows(report)
    assert columns[-2:] == ["epochs_", "width"]
    assert (row["epochs"], row["epochs_"], row["cause"]) == (3, 7, "nan")
    assert "width" not in row


def test_a_promoted_trial_has_its_parents_epochs(tmp_path: Path) -> None:
    state = State.create(tmp_path / "state.db", {})
    assert curve_rows(state) == (["trial", "epoch", "seconds"], [])
    state.begin(Trial("0", {}, seed=1, initial_epoch=0, epochs=1))
    state.begin(Trial("1", {}, seed=1, initial_epoch=1, epochs=2, parent="0"))
    state.add_epoch("0", Epoch(1, {"loss": 2.0}, 0.5))
    state.add_epoch("1", Epoch(2, {"loss": 1.0, "val_loss": 1.5}, 0.25))
    columns, rows = curve_rows(state)
    state.close()
    assert columns == ["trial", "epoch", "loss", "val_loss", "seconds"]
    assert [(row["trial"], row["epoch"], row["loss"]) for row in rows] == [
        ("0", 1, 2.0),
        ("1", 1, 2.0),
        ("1", 2, 1.0),
    ]
