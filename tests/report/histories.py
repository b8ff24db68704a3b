"""Searches that never ran: records with values and scores made up for a test."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from tunekit.results import Failure, Outcome, Scalar, Trial, TrialRecord, Values
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.space import DataSpec, Space


def space_of(*parameters: Parameter, **changes: Any) -> Space:
    settings: dict[str, Any] = {"name": "made-up", "model": "lenet5", "data": DataSpec("digits")}
    return Space(**settings | changes, parameters=parameters)


def record(
    number: int,
    values: Values,
    score: float | None,
    epochs: int = 9,
    parent: str | None = None,
    best_epoch: int = 1,
) -> TrialRecord:
    """A trial that completed, or failed where there is no score."""
    trial = Trial(f"{number:03}", values, 0, 0, epochs, parent=parent)
    if score is None:
        return TrialRecord(trial, "FAILED", 0.0, 1.0, failure=Failure("nan", "the loss is nan"))
    return TrialRecord(trial, "COMPLETED", 0.0, 1.0, Outcome(score, best_epoch, 10, 1.0))


def history(
    space: Space, count: int, score: Callable[[Values], float | None], seed: int = 0
) -> list[TrialRecord]:
    """Configurations drawn at random, each trained once."""
    drawing = random.Random(seed)
    records = []
    for number in range(count):
        values = space.active({parameter.name: _draw(parameter, drawing) for parameter in space.parameters})
        records.append(record(number, values, score(values)))
    return records


def _draw(parameter: Parameter, drawing: random.Random) -> Scalar:
    match parameter:
        case Fixed():
            return parameter.value
        case Choice():
            return drawing.choice(parameter.values)
        case Range(step=None, scale="log"):
            value = math.exp(drawing.uniform(math.log(parameter.min), math.log(parameter.max)))
        case Range(step=None):
            value = drawing.uniform(parameter.min, parameter.max)
        case Range(scale="log"):
            steps = int(math.log(parameter.max / parameter.min) / math.log(parameter.step or 2) + 1e-9)
            value = parameter.min * (parameter.step or 2) ** drawing.randint(0, steps)
        case _:
            step = parameter.step or 1
            value = (
                parameter.min + drawing.randint(0, int((parameter.max - parameter.min) / step + 1e-9)) * step
            )
    return min(round(value), int(parameter.max)) if parameter.whole else float(value)
