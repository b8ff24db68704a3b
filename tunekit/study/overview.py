"""What a search came to, or has come to so far, as its state has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunekit.results import Evaluation, TrialRecord
from tunekit.search.state import State
from tunekit.search.winner import ranked
from tunekit.space.space import Space
from tunekit.study.finish import evaluation_from
from tunekit.study.home import SearchFolder


@dataclass(frozen=True)
class Report:
    """What a search came to."""

    search: str
    home: str
    space: Space
    records: tuple[TrialRecord, ...]
    best: TrialRecord | None
    evaluation: Evaluation | None
    config: str | None
    mlflow: dict[str, str]
    complete: bool
    facts: dict[str, Any]
    reached: Mapping[str, int] = field(default_factory=dict)
    """By running trial: the last epoch that it has ended."""


def make_report(folder: SearchFolder, state: State, space: Space, home: str) -> Report:
    """What the state says of a search, running or finished."""
    records = tuple(state.records())
    best_id = state.fact("best")
    trials = [record for record in records if record.kind == "trial"]
    best = next((record for record in records if record.trial.id == best_id), None)
    if best is None:
        best = next(iter(ranked(trials, space.objective)), None)
    evaluation = state.fact("evaluation")
    return Report(
        search=folder.name,
        home=home,
        space=space,
        records=records,
        best=best,
        evaluation=evaluation_from(evaluation) if evaluation else None,
        config=folder.best_config.absolute().as_posix() if folder.best_config.exists() else None,
        mlflow={name: str(state.fact(name)) for name in ("tracking_uri", "experiment_id", "run_id")},
        complete=state.fact("status") == "FINISHED",
        facts={name: state.fact(name) for name in ("status", "created", "finalists", "threads", "tested")},
        reached={
            record.trial.id: epochs[-1].epoch.number
            for record in records
            if record.status == "RUNNING" and (epochs := state.own_epochs(record.trial.id))
        },
    )
