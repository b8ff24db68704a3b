"""Trials and curves as columns and rows, which a data frame is made of."""

from __future__ import annotations

from typing import Any

from tunekit.results import TrialRecord
from tunekit.search.state import State
from tunekit.study.overview import Report

Row = dict[str, Any]
TRIAL = (
    "trial", "parent", "kind", "bracket", "round", "epochs", "status", "score", "best_epoch", "parameters",
    "seconds", "cause", "message", "run_id",
)  # fmt: skip


def trial_rows(report: Report) -> tuple[list[str], list[Row]]:
    """By trial; a hyperparameter that a trial does not have is absent from its row."""
    columns = [*TRIAL, *(_free(parameter.name) for parameter in report.space.parameters)]
    return columns, [_trial_row(record) for record in report.records]


def _trial_row(record: TrialRecord) -> Row:
    trial, outcome, failure = record.trial, record.outcome, record.failure
    row: Row = {
        "trial": trial.id,
        "parent": trial.parent,
        "kind": record.kind,
        "bracket": trial.bracket,
        "round": trial.round,
        "epochs": trial.epochs,
        "status": record.status,
        "score": record.score,
        "best_epoch": outcome.best_epoch if outcome else None,
        "parameters": outcome.parameters if outcome else None,
        "seconds": outcome.seconds if outcome else None,
        "cause": failure.cause if failure else None,
        "message": failure.message if failure else None,
        "run_id": record.run_id,
    }
    return row | {_free(name): value for name, value in trial.values.items()}


def _free(parameter: str) -> str:
    """A column's name that no other column has."""
    return f"{parameter}_" if parameter in TRIAL else parameter


def curve_rows(state: State) -> tuple[list[str], list[Row]]:
    """By trial and epoch, with each metric in a column of its own."""
    rows = [
        {
            "trial": record.trial.id,
            "epoch": timed.epoch.number,
            **timed.epoch.metrics,
            "seconds": timed.epoch.seconds,
        }
        for record in state.records()
        for timed in state.curve(record.trial.id)
    ]
    metrics = dict.fromkeys(name for row in rows for name in row if name != "seconds")
    return [*(metrics or ("trial", "epoch")), "seconds"], rows
