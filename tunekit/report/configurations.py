"""A search's configurations, each at the last rung it completed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunekit.report.material import Material
from tunekit.results import Trial, TrialRecord


@dataclass(frozen=True)
class Configuration:
    """One configuration and how far it came."""

    record: TrialRecord
    """Of the last trial that completed."""
    chain: tuple[str, ...]
    """Its trials from the first rung on."""
    score: float
    standing: float
    """Share of the other configurations that score no better: 1 for the best, 0 for the worst."""

    @property
    def trial(self) -> Trial:
        return self.record.trial


def configurations(material: Material) -> list[Configuration]:
    """Best score first; those without a finite score are left out."""
    completed = {record.trial.id: record for record in material.trials if record.score is not None}
    continued = {record.trial.parent for record in completed.values()}
    last = [
        (record, record.score)
        for record in completed.values()
        if record.trial.id not in continued and record.score is not None and math.isfinite(record.score)
    ]
    sign = -1 if material.space.objective.direction == "max" else 1
    last.sort(key=lambda pair: (sign * pair[1], pair[0].trial.id))
    count = len(last)
    return [
        Configuration(record, _chain(record, completed), score, 1 - place / max(1, count - 1))
        for place, (record, score) in enumerate(last)
    ]


def _chain(record: TrialRecord, known: dict[str, TrialRecord]) -> tuple[str, ...]:
    parent = known.get(record.trial.parent or "")
    return (*(_chain(parent, known) if parent else ()), record.trial.id)


def thinned(ranked: Sequence[Configuration], most: int) -> list[Configuration]:
    """At most so many, evenly through the ranking, the best and the worst among them."""
    if len(ranked) <= most:
        return list(ranked)
    step = (len(ranked) - 1) / (most - 1)
    return [ranked[round(place * step)] for place in range(most)]
