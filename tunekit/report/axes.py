"""Where a parameter's values lie between 0 and 1, and what is written beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunekit.report.wording import shown
from tunekit.results import Scalar
from tunekit.space.parameters import Choice, Parameter, Range

Tick = tuple[float, str]


@dataclass(frozen=True)
class Axis:
    """One parameter's axis: categories side by side, or a range from end to end."""

    name: str
    categories: tuple[Scalar, ...] = ()
    low: float = 0.0
    high: float = 1.0
    log: bool = False

    @property
    def categorical(self) -> bool:
        return bool(self.categories)

    def place(self, value: Scalar) -> float:
        if self.categorical:
            return (self.categories.index(value) + 0.5) / len(self.categories)
        number = float(value)
        if self.log:
            return math.log(number / self.low) / math.log(self.high / self.low)
        return (number - self.low) / (self.high - self.low)

    def ticks(self, most: int = 5) -> list[Tick]:
        """Round values inside the range, or every category."""
        if self.categorical:
            return [(self.place(value), shown(value, 14)) for value in self.categories]
        values = _decades(self.low, self.high, most) if self.log else _steps(self.low, self.high, most)
        return [(self.place(value), f"{value:.4g}") for value in values]


def axis_of(parameter: Parameter) -> Axis | None:
    """None for a fixed parameter, which has no room to vary."""
    match parameter:
        case Choice():
            return Axis(parameter.name, parameter.values)
        case Range():
            log = parameter.scale == "log"
            return Axis(parameter.name, (), float(parameter.min), float(parameter.max), log)
        case _:
            return None


def _decades(low: float, high: float, most: int) -> list[float]:
    """Powers of ten; with 2 and 5 between them where there are few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    whole = [10.0**power for power in range(first, last + 1)]
    inside = _within(whole, low, high)
    if len(inside) >= 3:
        return inside[:: -(-len(inside) // most)]
    finer = _within([digit * power for power in whole for digit in (1, 2, 5)], low, high)
    return finer if len(finer) <= most else finer[:: -(-len(finer) // most)]


def _steps(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, at most so many."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(power * factor for factor in (1, 2, 5, 10, 20) if (high - low) / (power * factor) <= most - 1)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def _within(values: Sequence[float], low: float, high: float) -> list[float]:
    return [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
