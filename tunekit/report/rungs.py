"""The way of a search's trials through its rungs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tunekit.results import Status, TrialRecord
from tunekit.space.space import Objective


@dataclass(frozen=True)
class Entry:
    """A trial in its rung."""

    id: str
    status: Status
    score: float | None
    parent: str | None
    child: str | None
    """The trial that continues it in the next rung; None where it was not promoted."""


@dataclass(frozen=True)
class Rung:
    """The trials that stop to be compared after the same epochs."""

    number: int
    epochs: int
    entries: tuple[Entry, ...]
    """Best first, those without a score last."""

    @property
    def scores(self) -> list[float]:
        return [
            entry.score for entry in self.entries if entry.score is not None and math.isfinite(entry.score)
        ]

    @property
    def promoted(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.child is not None]

    @property
    def failed(self) -> int:
        return sum(entry.status == "FAILED" for entry in self.entries)

    @property
    def best(self) -> float | None:
        return next(iter(self.scores), None)

    @property
    def median(self) -> float | None:
        return statistics.median(self.scores) if self.scores else None


@dataclass(frozen=True)
class Bracket:
    """Rungs that promote to each other; `number` is Keras Tuner's, counting down to 0."""

    iteration: int
    number: int
    rungs: tuple[Rung, ...]


def brackets(records: Sequence[TrialRecord], objective: Objective) -> list[Bracket]:
    """In the order in which a search goes through them."""
    trials = [record for record in records if record.kind == "trial"]
    children: dict[str | None, str] = {
        record.trial.parent: record.trial.id for record in trials if record.trial.parent
    }
    places = sorted({(record.trial.iteration, -record.trial.bracket) for record in trials})
    found = []
    for iteration, negative in places:
        inside = [r for r in trials if (r.trial.iteration, -r.trial.bracket) == (iteration, negative)]
        numbers = sorted({record.trial.round for record in inside})
        rungs = [
            _rung(number, [r for r in inside if r.trial.round == number], children, objective)
            for number in numbers
        ]
        found.append(Bracket(iteration, -negative, tuple(rungs)))
    return found


def _rung(
    number: int, records: Sequence[TrialRecord], children: dict[str | None, str], objective: Objective
) -> Rung:
    sign = -1 if objective.direction == "max" else 1

    def order(record: TrialRecord) -> tuple[bool, float, str]:
        score = record.score
        known = score is not None and math.isfinite(score)
        return (not known, sign * score if known and score is not None else 0.0, record.trial.id)

    entries = [
        Entry(r.trial.id, r.status, r.score, r.trial.parent, children.get(r.trial.id))
        for r in sorted(records, key=order)
    ]
    return Rung(number, max(record.trial.epochs for record in records), tuple(entries))
