"""Learning curves in pieces, one for what each trial trained itself."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tunekit.report.material import Material


@dataclass(frozen=True)
class Segment:
    """What one trial adds to its configuration's curve, from the last epoch before it on."""

    trial: str
    rung: int
    numbers: tuple[int, ...]
    values: tuple[float, ...]
    of_best: bool
    """Whether the best trial is this one or continues it."""


def segments(material: Material, wanted: Iterable[str]) -> list[Segment]:
    """Of the trials asked for, and of the best one; epochs without a finite value are left out."""
    records = {record.trial.id: record for record in material.records}
    winning = _chain(material)
    metric = material.space.objective.name
    found = []
    for name in dict.fromkeys([*wanted, *winning]):
        trial = records[name].trial
        parent = [*material.epochs.get(trial.parent or "", ())][-1:]
        points = [
            (timed.epoch.number, timed.epoch.metrics.get(metric, math.nan))
            for timed in [*parent, *material.epochs.get(name, ())]
        ]
        points = [(number, value) for number, value in points if math.isfinite(value)]
        if points:
            numbers, values = zip(*points, strict=True)
            found.append(Segment(name, trial.round, numbers, values, name in winning))
    return found


def _chain(material: Material) -> list[str]:
    """The best trial and those that it continues."""
    records = {record.trial.id: record for record in material.records}
    chain, record = [], records.get(material.best_drawn or "")
    while record is not None:
        chain.append(record.trial.id)
        record = records.get(record.trial.parent or "")
    return chain
