"""Several searches side by side: what their winners score and cost, and whether the scores may be compared."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunekit.results import Evaluation, Scalar, TimedEpoch, TrialRecord
from tunekit.space.space import Objective, Space

TOP = 3
"""Trials whose spread stands in where no finalist was trained again."""


@dataclass(frozen=True)
class Point:
    """One epoch of a winner's curve."""

    epoch: int
    value: float


@dataclass(frozen=True)
class Entry:
    """One search, summed up."""

    search: str
    model: str
    status: str
    trials: int
    failed: int
    objective: Objective
    score: float | None
    """Of the winner, on the validation images."""
    test_accuracy: float | None
    test_loss: float | None
    test: float | None
    """Of the winner, in the objective's metric."""
    spread: float | None
    """A standard deviation."""
    spread_of: str
    """What it is the standard deviation of."""
    weights: int | None
    """Of the winner's model."""
    winner: str | None
    values: Mapping[str, Scalar]
    epoch_seconds: float | None
    """Median over all epochs of the search."""
    seconds: float
    """All trials together, one after the other."""
    epochs: int
    """Trained in all."""
    curve: tuple[Point, ...]
    data: str
    data_sha256: str
    validation: float
    limit: int | None
    seed: int


@dataclass(frozen=True)
class Comparison:
    """Searches in the order they were asked for."""

    entries: tuple[Entry, ...]
    differences: tuple[str, ...]
    """Why the scores may not be compared; empty where they may."""
    notes: tuple[str, ...]

    @property
    def comparable(self) -> bool:
        return not self.differences

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return {"comparable": self.comparable, **dataclasses.asdict(self)}


def summed_up(
    search: str,
    space: Space,
    status: str,
    records: Sequence[TrialRecord],
    best: TrialRecord | None,
    epochs: Mapping[str, Sequence[TimedEpoch]],
    curve: Sequence[TimedEpoch],
    facts: Mapping[str, Any],
    evaluation: Evaluation | None,
) -> Entry:
    """`epochs` are those that each trial trained itself, `curve` the winner's whole, its ancestors' included."""
    trials = [record for record in records if record.kind == "trial"]
    spread, spread_of = _spread(space.objective, trials, best, facts.get("finalists") or ())
    executions = {
        record.trial.id: space.search.executions_per_trial if record.kind == "trial" else 1
        for record in records
    }
    trained = [
        timed.epoch.seconds / count
        for trial, count in executions.items()
        for timed in epochs.get(trial, ())
        for _ in range(count)
    ]
    outcome = best.outcome if best else None
    return Entry(
        search=search,
        model=_model(space, best),
        status=status,
        trials=len(trials),
        failed=sum(record.status == "FAILED" for record in trials),
        objective=space.objective,
        score=best.score if best else None,
        test_accuracy=evaluation.accuracy if evaluation else None,
        test_loss=evaluation.loss if evaluation else None,
        test=evaluation.metrics.get(space.objective.metric) if evaluation else None,
        spread=spread,
        spread_of=spread_of,
        weights=outcome.parameters if outcome else None,
        winner=best.trial.id if best else None,
        values=dict(best.trial.values) if best else {},
        epoch_seconds=statistics.median(trained) if trained else None,
        seconds=sum(_seconds(record, epochs.get(record.trial.id, ())) for record in records),
        epochs=len(trained),
        curve=tuple(
            Point(timed.epoch.number, timed.epoch.metrics[space.objective.name])
            for timed in curve
            if space.objective.name in timed.epoch.metrics
        ),
        data=str(facts.get("data_name")),
        data_sha256=str(facts.get("data_sha256")),
        validation=space.data.validation,
        limit=space.search.limit,
        seed=space.search.seed,
    )


def side_by_side(entries: Sequence[Entry]) -> Comparison:
    """The searches, and what keeps their scores from being compared."""
    aspects = {
        "the objective": {entry.search: entry.objective.name for entry in entries},
        "the data": {entry.search: f"{entry.data} ({entry.data_sha256[:12]})" for entry in entries},
        "the share held out for validation": {entry.search: f"{entry.validation:g}" for entry in entries},
        "the limit of training images": {
            entry.search: "none" if entry.limit is None else f"{entry.limit}" for entry in entries
        },
    }
    differences = [
        f"{aspect} differs: " + ", ".join(f"{name} {value}" for name, value in found.items())
        for aspect, found in aspects.items()
        if len(set(found.values())) > 1
    ]
    notes = []
    if len({entry.seed for entry in entries}) > 1 and not differences:
        notes.append(
            "The seeds differ, and with them the images held out for validation; the test images are the same."
        )
    unfinished = [f"{entry.search} ({entry.status})" for entry in entries if entry.status != "finished"]
    if unfinished:
        notes.append(f"Not finished: {', '.join(unfinished)}.")
    return Comparison(tuple(entries), tuple(differences), tuple(notes))


def _model(space: Space, best: TrialRecord | None) -> str:
    """A recurrent net by its cell, which is what one compares."""
    cell = best.trial.values.get("cell") if best and space.model == "recurrent" else None
    return f"{space.model} ({cell})" if cell else space.model


def _spread(
    objective: Objective,
    trials: Sequence[TrialRecord],
    best: TrialRecord | None,
    finalists: Sequence[Mapping[str, Any]],
) -> tuple[float | None, str]:
    """Of the winner over seeds where it was trained several times; else of the best trials of the last rung."""
    if finalists and len(finalists[0]["scores"]) > 1:
        return float(finalists[0]["deviation"]), f"{len(finalists[0]['scores'])} seeds of the winner"
    if best and best.outcome and best.outcome.deviation is not None:
        return best.outcome.deviation, f"{len(best.outcome.scores)} executions of the winner"
    scored = [(record.trial.epochs, record.score) for record in trials if record.score is not None]
    most = max((epochs for epochs, _ in scored), default=0)
    last = sorted((score for epochs, score in scored if epochs == most), reverse=objective.direction == "max")
    top = last[:TOP]
    if len(top) < 2:
        return None, "too few trials of the last rung"
    return statistics.stdev(top), f"the best {len(top)} trials of {most} epochs"


def _seconds(record: TrialRecord, own: Sequence[TimedEpoch]) -> float:
    return record.outcome.seconds if record.outcome else sum(timed.epoch.seconds for timed in own)
