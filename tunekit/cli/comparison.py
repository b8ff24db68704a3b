"""A comparison as text."""

from __future__ import annotations

from tunekit.cli.tables import short, table
from tunekit.report.comparison import Comparison, Entry
from tunekit.report.wording import duration


def comparison_text(found: Comparison) -> str:
    """A table, what its spreads are of, the winners' values, and what to mind."""
    objective = found.entries[0].objective
    headings = [
        "search", "model", "trials", objective.name, "± spread", "test", "weights", "s/epoch", "trial time", "epochs",
    ]  # fmt: skip
    blocks = [table([_row(entry) for entry in found.entries], headings)]
    about = [f"test: test {objective.metric}. s/epoch: median. trial time: all trials, one after the other."]
    about += [f"spread of {entry.search}: {_spread(entry)}" for entry in found.entries]
    blocks.append("\n".join(about))
    winners = [
        f"{entry.search}, trial {entry.winner}: "
        + " ".join(f"{name}={short(value)}" for name, value in entry.values.items())
        for entry in found.entries
        if entry.winner
    ]
    blocks.append("\n".join(winners))
    blocks.append("\n".join(found.notes))
    return "\n\n".join(block for block in blocks if block)


def _row(entry: Entry) -> list[str]:
    return [
        entry.search,
        entry.model,
        f"{entry.trials} ({entry.failed} failed)" if entry.failed else str(entry.trials),
        _number(entry.score),
        _number(entry.spread),
        _number(entry.test),
        "-" if entry.weights is None else f"{entry.weights:,}",
        "-" if entry.epoch_seconds is None else f"{entry.epoch_seconds:.2g}",
        duration(entry.seconds),
        str(entry.epochs),
    ]


def _spread(entry: Entry) -> str:
    if entry.spread is None:
        return f"unknown, {entry.spread_of}"
    return f"standard deviation of {entry.spread_of}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
