"""All that a report says in figures, computed once for the page, its charts and `--json`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from tunekit.report.axes import Axis, axis_of
from tunekit.report.configurations import Configuration, configurations
from tunekit.report.cross import Cross, cross, pair
from tunekit.report.failures import Failures, failures
from tunekit.report.importance import Importance, importance
from tunekit.report.material import Material
from tunekit.report.rungs import Bracket, brackets
from tunekit.report.spent import Spent, spent

BEST = 10


@dataclass(frozen=True)
class Figures:
    """What was computed from a search."""

    configurations: tuple[Configuration, ...]
    """Best score first."""
    leaders: tuple[Configuration, ...]
    """The best as a search ranks them: longest trained first."""
    brackets: tuple[Bracket, ...]
    axes: tuple[Axis, ...]
    importance: Importance
    cross: Cross | None
    spent: Spent
    failures: tuple[Failures, ...]


def compute(material: Material) -> Figures:
    found = configurations(material)
    by_id = {each.trial.id: each for each in found}
    ranked = [by_id[record.trial.id] for record in material.ranked if record.trial.id in by_id]
    axes = [axis_of(parameter) for parameter in material.varying]
    chosen = pair(material.space)
    return Figures(
        configurations=tuple(found),
        leaders=tuple(ranked[:BEST]),
        brackets=tuple(brackets(material.records, material.space.objective)),
        axes=tuple(axis for axis in axes if axis is not None),
        importance=importance(material.space, material.trials),
        cross=cross(found, *chosen) if chosen and found else None,
        spent=spent(material),
        failures=tuple(failures(material.records)),
    )


def plain(figures: Figures) -> dict[str, Any]:
    """For programs: without what the records of the trials say already."""
    return {
        "configurations": [
            {"trial": each.trial.id, "chain": list(each.chain), "score": each.score}
            for each in figures.configurations
        ],
        "brackets": [dataclasses.asdict(bracket) for bracket in figures.brackets],
        "importance": dataclasses.asdict(figures.importance),
        "cross": dataclasses.asdict(figures.cross) if figures.cross else None,
        "seconds": dataclasses.asdict(figures.spent),
        "failures": [dataclasses.asdict(each) for each in figures.failures],
    }
