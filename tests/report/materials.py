"""Searches small enough to work out by hand, and one as large as wanted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from tunekit.report.charts import charts
from tunekit.report.figures import compute
from tunekit.report.material import Material
from tunekit.report.page import render
from tunekit.results import (
    ClassScores,
    Epoch,
    Evaluation,
    Failure,
    Metrics,
    Outcome,
    Scalar,
    TimedEpoch,
    Trial,
    TrialRecord,
)
from tunekit.space.parameters import Choice, Fixed, Range
from tunekit.space.space import DataSpec, Objective, SearchSettings, Space

SPACE = Space(
    name="small",
    model="lenet5",
    data=DataSpec("digits", validation=0.2),
    parameters=(
        Choice("optimizer", ("adam", "momentum")),
        Range("learning_rate", 1e-3, 1e-1, scale="log"),
        Range("momentum", 0.5, 0.9, when={"optimizer": ("momentum",)}),
        Choice("units", (16, 32, 64)),
        Fixed("batch_size", 32),
    ),
    objective=Objective("val_accuracy", "max"),
    search=SearchSettings(max_epochs=3, factor=3),
)
FACTS: dict[str, Any] = {
    "data_name": "digits",
    "data_sha256": "ab" * 32,
    "data_count": 1438,
    "data_shape": [8, 8, 1],
    "versions": {"tunekit": "0.1.0", "keras": "3.13.2"},
    "backend": "tensorflow",
    "machine": "Linux x86_64",
    "threads": 1,
    "deterministic": True,
    "run_id": "0" * 32,
    "seconds_recording": 1.5,
}
BEGAN = 1000.0


def record(
    trial_id: str,
    score: float | None = None,
    *,
    values: dict[str, Scalar] | None = None,
    parent: str | None = None,
    epochs: tuple[int, int] = (0, 1),
    bracket: int = 1,
    round: int = 0,
    iteration: int = 0,
    at: tuple[float, float | None] = (0.0, 10.0),
    seconds: float = 9.0,
    looking: float = 1.0,
    failure: Failure | None = None,
    kind: Any = "trial",
) -> TrialRecord:
    """`at` counts from the beginning of the search."""
    trial = Trial(
        trial_id,
        values if values is not None else {"optimizer": "adam", "learning_rate": 0.01, "units": 16},
        7,
        epochs[0],
        epochs[1],
        bracket,
        round,
        iteration,
        parent,
    )
    outcome = None if score is None else Outcome(score, epochs[1], 1234, seconds, {}, looking)
    status: Any = "FAILED" if failure else "RUNNING" if score is None else "COMPLETED"
    ended = None if at[1] is None else BEGAN + at[1]
    return TrialRecord(trial, status, BEGAN + at[0], ended, outcome, failure, kind=kind)


def timed(number: int, seconds: float, ended: float, **metrics: float) -> TimedEpoch:
    values: Metrics = metrics
    return TimedEpoch(Epoch(number, values, seconds), BEGAN + ended)


def material(*records: TrialRecord, **changes: Any) -> Material:
    done = [one for one in records if one.score is not None and one.kind == "trial"]
    order = sorted(done, key=lambda one: (-one.trial.epochs, -(one.score or 0.0), one.trial.id))
    made = Material(
        search="small",
        space=SPACE,
        status="finished",
        created=BEGAN,
        written=BEGAN + 100,
        records=records,
        ranked=tuple(order),
        best=order[0] if order else None,
        epochs={},
        facts=FACTS,
        commands={"resume": "tunekit resume small", "show": "tunekit show small", "ui": "tunekit ui"},
    )
    return replace(made, **changes)


HALVED = (
    record("0", 0.5, at=(0, 10)),
    record("1", 0.9, at=(0, 10), values={"optimizer": "momentum", "learning_rate": 0.05, "momentum": 0.7, "units": 64}),
    record("2", 0.7, at=(10, 20), values={"optimizer": "adam", "learning_rate": 0.002, "units": 32}),
    record("3", 0.95, parent="1", epochs=(1, 3), round=1, at=(20, 40), seconds=19.0,
           values={"optimizer": "momentum", "learning_rate": 0.05, "momentum": 0.7, "units": 64}),
    record("4", 0.8, epochs=(0, 3), bracket=0, at=(20, 50), seconds=28.0),
)  # fmt: skip
"""Bracket 1: three trials of one epoch, of which trial 1 goes on as 3; bracket 0: one of three epochs."""


def evaluation(names: tuple[str, ...] = ("cat", "dog")) -> Evaluation:
    classes = tuple(ClassScores(name, 0.9, 0.8, 0.85, 10) for name in names)
    confusion = tuple(
        tuple(
            8 if row == column else 2 if column == (row + 1) % len(names) else 0
            for column in range(len(names))
        )
        for row in range(len(names))
    )
    return Evaluation(0.3, 0.8, classes, confusion, "cd" * 32)


def page_text(given: Material) -> str:
    figures = compute(given)
    return render(given, figures, charts(given, figures))


@cache
def large_page() -> str:
    """A thousand trials on a page, which takes seconds to make."""
    return page_text(large(1000))


def large(count: int) -> Material:
    """So many trials in one bracket of two rungs, a third promoted."""
    draw = Random(0)
    records, epochs = [], {}
    first = [_random_record(draw, number) for number in range(count * 3 // 4)]
    best = sorted(first, key=lambda one: -(one.score or 0.0))[: count - len(first)]
    records += first
    for number, parent in enumerate(best, len(first)):
        score = min(1.0, (parent.score or 0.0) + 0.01)
        records.append(
            record(f"{number:04d}", score, values=dict(parent.trial.values), parent=parent.trial.id,
                   epochs=(9, 27), round=1, at=(number, number + 5))
        )  # fmt: skip
    for one in records:
        numbers = range(one.trial.initial_epoch + 1, one.trial.epochs + 1)
        epochs[one.trial.id] = [
            timed(n, 0.1, 1.0, val_accuracy=(one.score or 0.0) * n / (n + 1)) for n in numbers
        ]
    return material(*records, epochs=epochs, evaluation=evaluation())


def _random_record(draw: Random, number: int) -> TrialRecord:
    values: dict[str, Scalar] = {
        "optimizer": draw.choice(["adam", "momentum"]),
        "learning_rate": 10 ** draw.uniform(-3, -1),
        "units": draw.choice([16, 32, 64]),
    }
    if values["optimizer"] == "momentum":
        values["momentum"] = draw.uniform(0.5, 0.9)
    return record(f"{number:04d}", draw.random(), values=values, epochs=(0, 9), at=(number, number + 5))
