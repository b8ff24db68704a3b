"""The best trials trained again from scratch with several seeds, so that luck does not pick the winner."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from tunekit.oracles.seeds import derive_seed
from tunekit.results import Trial, TrialRecord
from tunekit.study.beyond import run_beyond
from tunekit.study.recording import Recording
from tunekit.study.session import Session


def retrain_finalists(
    session: Session, recording: Recording, finalists: Sequence[TrialRecord], repeats: int
) -> TrialRecord:
    """The best repeat of the finalist with the best mean."""
    session.reporter.stage(f"Training the best {len(finalists)} again with {repeats} seeds each")
    trials = [
        Trial(
            id=f"{record.trial.id}-repeat{number}",
            values=record.trial.values,
            seed=derive_seed(session.space.search.seed, "repeat", record.trial.id, number),
            initial_epoch=0,
            epochs=record.trial.epochs,
            bracket=record.trial.bracket,
            round=record.trial.round,
            iteration=record.trial.iteration,
        )
        for record in finalists
        for number in range(1, repeats + 1)
    ]
    run_beyond(session, recording, trials, "repeat", session.disk_max)
    table = [_summary(session, record, repeats) for record in finalists]
    sign = -1 if session.space.objective.direction == "max" else 1
    table = [row for row in table if row["scores"]]
    table.sort(key=lambda row: sign * row["mean"])
    if not table:
        return finalists[0]
    session.state.set_facts(finalists=table)
    best = max if sign < 0 else min
    records = [record for record in _repeats(session, table[0]["trial"], repeats) if record.score is not None]
    return best(records, key=lambda record: record.score or 0.0)


def _repeats(session: Session, trial_id: str, repeats: int) -> list[TrialRecord]:
    found = [session.state.find(f"{trial_id}-repeat{number}") for number in range(1, repeats + 1)]
    return [record for record in found if record is not None]


def _summary(session: Session, record: TrialRecord, repeats: int) -> dict[str, Any]:
    scores = [
        repeat.score for repeat in _repeats(session, record.trial.id, repeats) if repeat.score is not None
    ]
    return {
        "trial": record.trial.id,
        "searched": record.score,
        "scores": scores,
        "mean": statistics.fmean(scores) if scores else None,
        "deviation": statistics.stdev(scores) if len(scores) > 1 else 0.0,
    }
