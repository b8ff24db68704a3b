"""Results as text for people and as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tunekit.cli.progress import duration, short
from tunekit.results import TrialRecord

if TYPE_CHECKING:
    from tunekit.study.search import Report

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
        "trials": [trial_plain(record) for record in report.records],
        "best": trial_plain(report.best) if report.best else None,
        "test": {"accuracy": evaluation.accuracy, "loss": evaluation.loss} if evaluation else None,
        "config": report.config,
        "finalists": report.facts["finalists"],
        "mlflow": report.mlflow,
    }


def trial_plain(record: TrialRecord) -> dict[str, Any]:
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
    if record.kind != "trial":
        plain["kind"] = record.kind
    if record.failure is not None:
        plain["cause"] = record.failure.cause
        plain["message"] = record.failure.message
    return plain


def report_text(report: Report) -> str:
    """The best trials, the winner's values, its scores, and where to look next."""
    from tunekit.search.winner import ranked

    objective = report.space.objective
    best = ranked([record for record in report.records if record.kind == "trial"], objective)
    blocks = [table([trial_row(record) for record in best[:SHOWN]], ["trial", "epochs", objective.name, "values"])]
    failures = [record for record in report.records if record.failure]
    if failures:
        blocks.append(failures_text(failures))
    if report.best is not None:
        blocks.append(winner_text(report))
    if not report.complete and report.facts["status"] == "STOPPED":
        blocks.append("The time budget ended the search before its plan; resuming it goes on.")
    blocks.append(next_steps(report))
    return "\n\n".join(block for block in blocks if block)


def trial_row(record: TrialRecord) -> list[str]:
    values = " ".join(f"{name}={short(value)}" for name, value in record.trial.values.items())
    score = "" if record.score is None else f"{record.score:.4f}"
    return [record.trial.id, str(record.trial.epochs), score, values]


def failures_text(failures: list[TrialRecord]) -> str:
    causes: dict[str, int] = {}
    for record in failures:
        assert record.failure is not None
        causes[record.failure.cause] = causes.get(record.failure.cause, 0) + 1
    counted = ", ".join(f"{count} {cause}" for cause, count in sorted(causes.items()))
    return f"Failed trials: {counted}. Their tracebacks are in MLflow."


def winner_text(report: Report) -> str:
    assert report.best is not None
    best, objective = report.best, report.space.objective
    lines = [f"Best: trial {best.trial.id}, {best.trial.epochs} epochs"]
    width = max((len(name) for name in best.trial.values), default=0)
    lines += [f"  {name:<{width}}  {short(value)}" for name, value in best.trial.values.items()]
    assert best.outcome is not None
    lines.append(f"{objective.name} {best.outcome.score:.4f} (epoch {best.outcome.best_epoch})")
    if report.evaluation is not None:
        evaluation = report.evaluation
        line = f"test accuracy {evaluation.accuracy:.4f}, test loss {evaluation.loss:.4f}"
        if objective.name == "val_accuracy":
            line += f" (validation minus test: {best.outcome.score - evaluation.accuracy:+.4f})"
        lines.append(line)
    for row in report.facts["finalists"] or []:
        lines.append(
            f"finalist {row['trial']}: {row['mean']:.4f} ± {row['deviation']:.4f} over {len(row['scores'])} seeds "
            f"(searched: {row['searched']:.4f})"
        )
    return "\n".join(lines)


def next_steps(report: Report) -> str:
    home = "" if report.home.endswith("/mlruns") else f" --home {report.home}"
    lines = []
    if report.config:
        lines.append(f"Configuration  {report.config}")
    lines.append(f"MLflow         tunekit ui{home}")
    lines.append(f"Trials         tunekit show {report.search}{home}")
    if report.config:
        lines.append(f"Train again    tunekit train {report.config}{home}")
    return "\n".join(lines)


def table(rows: list[list[str]], headings: list[str]) -> str:
    """Columns as wide as their widest entry; the last one is not padded."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [headings, *rows]
    )


__all__ = ["duration", "report_json", "report_plain", "report_text", "table", "trial_plain", "trial_row"]
