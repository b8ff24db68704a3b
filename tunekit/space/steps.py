"""The values of a range that has a step."""

from __future__ import annotations

from decimal import Decimal

from tunekit.results import Scalar
from tunekit.space.parameters import Range

MOST_STEPS = 1000
"""Values of a stepped range that are listed one by one; longer ranges are left to Keras Tuner's arithmetic."""


def stepped_values(parameter: Range) -> list[Scalar]:
    """Every value of a range with a step, as written; empty without a step and where they are too many.

    In decimals: with binary fractions Keras Tuner's 0 to 1 by 0.1 ends at 0.9 and holds 0.30000000000000004.
    """
    if parameter.step is None:
        return []
    kind = int if parameter.whole else float
    low, high, step = (Decimal(repr(number)) for number in (parameter.min, parameter.max, parameter.step))
    values: list[Scalar] = []
    value = low
    while value <= high and len(values) <= MOST_STEPS:
        values.append(kind(value))
        value = low + len(values) * step if parameter.scale == "linear" else value * step
    return values if len(values) <= MOST_STEPS else []
