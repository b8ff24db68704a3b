"""Results as text for people and as JSON for programs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.cli.tables import fitted, short, table
from tunekit.report.failures import counts_by_cause
from tunekit.report.wording import counted
from tunekit.results import Evaluation, Outcome, TrialRecord

if TYPE_CHECKING:
    from tunekit.study.look import Listing
    from tunekit.study.overview import Report

SHOWN = 5
"""Best trials in the table."""


def report_json(report: Report) -> str:
    return json.dumps(report_plain(report), indent=2)


def report_plain(report: Report) -> dict[str, Any]:
    evaluation = report.evaluation
    return {
        "search": report.search,
        "home": report.home,
        "status": report.facts["status"],
        "trials": [trial_plain(record, report.reached.get(record.trial.id)) for record in report.records],
        "best": trial_plain(report.best) if report.best else None,
        "test": evaluation.metrics if evaluation else None,
        "config": report.config,
        "finalists": report.facts["finalists"],
        "mlflow": report.mlflow,
    }


def trial_plain(record: TrialRecord, reached: int | None = None) -> dict[str, Any]:
    """`reached` is the epoch that a running trial has ended last."""
    trial = record.trial
    plain: dict[str, Any] = {
        "id": trial.id,
        "parent": trial.parent,
        "values": dict(trial.values),
        "bracket": trial.bracket,
        "round": trial.round,
        "epochs": trial.epochs,
        "status": record.status,
        "score": record.score,
        "run_id": record.run_id,
    }
    if record.outcome is not None and record.outcome.scores:
        plain["executions"] = {
            "scores": list(record.outcome.scores),
            "deviation": record.outcome.deviation,
            "best": record.outcome.execution + 1,
        }
    if reached is not None:
        plain["epoch"] = reached
    if record.kind != "trial":
        plain["kind"] = record.kind
    if trial.start is not None:
        plain["start"] = trial.start
    if record.failure is not None:
        plain["cause"] = record.failure.cause
        plain["message"] = record.failure.message
    return plain


def report_text(report: Report, every_trial: bool = False) -> str:
    """The best trials, or all, the winner's values, its scores, and where to look next."""
    from tunekit.search.winner import ranked

    objective = report.space.objective
    if every_trial:
        blocks = [_every_trial(report)]
    else:
        best = ranked([record for record in report.records if record.kind == "trial"], objective)
        rows = [trial_row(record) for record in best[:SHOWN]]
        blocks = [table(rows, ["trial", "epochs", objective.name, "values"])]
    failures = [record for record in report.records if record.failure]
    if failures:
        blocks.append(fitted(failures_text(failures)))
    if report.best is not None:
        blocks.append(fitted(winner_text(report)))
    if not report.complete and report.facts["status"] == "STOPPED":
        blocks.append(fitted("The time budget ended the search before its plan; resuming it goes on."))
    blocks.append(next_steps(report))
    return "\n\n".join(block for block in blocks if block)


def _every_trial(report: Report) -> str:
    """A table of all trials; with a column for known configurations where there are any."""
    headings = [
        "trial",
        "parent",
        "bracket",
        "rung",
        "epochs",
        "status",
        report.space.objective.name,
        "values",
    ]
    rows = []
    for record in report.records:
        name, *others = _state_row(record, report.reached.get(record.trial.id))
        rows.append([name, record.trial.parent or "", *others])
    if report.space.start:
        headings.insert(2, "start")
        for row, record in zip(rows, report.records, strict=True):
            row.insert(2, str(record.trial.start or ""))
    return table(rows, headings)


def trial_row(record: TrialRecord) -> list[str]:
    values = " ".join(f"{name}={short(value)}" for name, value in record.trial.values.items())
    score = "" if record.score is None else f"{record.score:.4f}"
    return [record.trial.id, str(record.trial.epochs), score, values]


def _state_row(record: TrialRecord, reached: int | None) -> list[str]:
    trial = record.trial
    name, epochs, score, values = trial_row(record)
    status = f"failed: {record.failure.cause}" if record.failure else record.status.lower()
    if reached is not None:
        status += f", epoch {reached}"
    return [name, str(trial.bracket), str(trial.round), epochs, status, score, values]


def failures_text(failures: list[TrialRecord]) -> str:
    return f"Failed trials: {counts_by_cause(failures)}. Their tracebacks are in MLflow."


def _trained(report: Report, best: TrialRecord) -> str:
    if best.kind != "snapshot":
        return counted(best.trial.epochs, "epoch")
    whole = next(record.trial for record in report.records if record.trial.id == best.trial.parent)
    return f"that is trial {whole.id} after {best.trial.epochs} of {whole.epochs} epochs: the time budget broke it off"


def winner_text(report: Report) -> str:
    assert report.best is not None
    best, objective = report.best, report.space.objective
    lines = [f"Best: trial {best.trial.id}, {_trained(report, best)}"]
    width = max((len(name) for name in best.trial.values), default=0)
    lines += [f"  {name:<{width}}  {short(value)}" for name, value in best.trial.values.items()]
    assert best.outcome is not None
    lines.append(f"{objective.name} {score_text(best.outcome)} (epoch {best.outcome.best_epoch})")
    if report.evaluation is not None:
        evaluation = report.evaluation
        line = test_line(evaluation)
        gap = objective.validation_minus_test(best.outcome.own_score, evaluation.metrics)
        if gap is not None:
            line += f" (validation minus test: {gap:+.4f})"
        lines.append(line)
    tested = report.facts["tested"] or []
    if len(tested) > 1:
        lines.append(
            f"The test set was opened {len(tested)} times, for the trials {', '.join(tested)}: "
            "the search went on after its time budget."
        )
    for row in report.facts["finalists"] or []:
        lines.append(
            f"finalist {row['trial']}: {row['mean']:.4f} ± {row['deviation']:.4f} over {len(row['scores'])} seeds "
            f"(searched: {row['searched']:.4f})"
        )
    return "\n".join(lines)


def score_text(outcome: Outcome) -> str:
    """A score, and of several executions how far they are apart and which model was kept."""
    if outcome.deviation is None:
        return f"{outcome.score:.4f}"
    return (
        f"{outcome.score:.4f} ± {outcome.deviation:.4f} over {len(outcome.scores)} executions, "
        f"{outcome.own_score:.4f} of the best, whose model is kept"
    )


def test_line(evaluation: Evaluation) -> str:
    return ", ".join(f"test {name} {value:.4f}" for name, value in evaluation.metrics.items())


def next_steps(report: Report) -> str:
    from tunekit.study.home import Home, home_option

    home = home_option(near(report.home))
    page = Home(near(report.home)).folder(report.search).report
    lines = []
    if report.config:
        lines.append(f"Configuration  {near(report.config)}")
    if page.exists():
        lines.append(f"Report         {page}")
    lines.append(f"MLflow         tunekit ui{home}")
    lines.append(f"Trials         tunekit show {report.search}{home}")
    if report.config:
        lines.append(f"Train again    tunekit train {near(report.config)}{home}")
    return "\n".join(lines)


def near(path: str) -> Path:
    """As it is named from here, where it lies below the working folder."""
    here = Path.cwd()
    return Path(path).relative_to(here) if Path(path).is_relative_to(here) else Path(path)


def listing_plain(listing: Listing) -> dict[str, Any]:
    plain: dict[str, Any] = {"search": listing.name, "status": listing.status}
    if listing.report is None:
        return plain | {"problem": listing.problem}
    whole = report_plain(listing.report)
    counts = {
        status: sum(record.status == status for record in listing.report.records)
        for status in ("COMPLETED", "FAILED", "RUNNING")
    }
    return plain | {
        "space": listing.report.space.name,
        "created": listing.report.facts["created"],
        "trials": counts,
        **{name: whole[name] for name in ("home", "best", "test", "config", "mlflow")},
    }


def listing_text(listings: list[Listing]) -> str:
    rows = []
    for listing in listings:
        report = listing.report
        if report is None:
            rows.append(
                [listing.name, listing.status, "", "", "", "", (listing.problem or "").splitlines()[0]]
            )
            continue
        done = sum(record.status != "RUNNING" for record in report.records)
        best = f"{report.best.score:.4f}" if report.best and report.best.score is not None else ""
        test = f"{report.evaluation.accuracy:.4f}" if report.evaluation else ""
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.facts["created"]))
        rows.append([listing.name, listing.status, str(done), report.space.objective.name, best, test, began])
    return table(rows, ["search", "status", "trials", "objective", "best", "test", "began"])
