"""Which trial is the best: the longest trained first, then the score."""

from __future__ import annotations

from collections.abc import Iterable

from tunekit.results import TrialRecord
from tunekit.space.space import Objective


def ranked(records: Iterable[TrialRecord], objective: Objective) -> list[TrialRecord]:
    """Completed trials, best first.

    A trial of the full budget comes before a lucky one of the first rung; equal scores go to the lower id.
    """
    sign = -1 if objective.direction == "max" else 1
    scored = [(record, record.score) for record in records if record.score is not None]
    scored.sort(key=lambda pair: (-pair[0].trial.epochs, sign * pair[1], pair[0].trial.id))
    return [record for record, _ in scored]
