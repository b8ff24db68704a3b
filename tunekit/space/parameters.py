"""The kinds of hyperparameter. Each checks itself when made and raises ValueError with what it expected."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tunekit.results import Scalar

Conditions = Mapping[str, tuple[Scalar, ...]]
"""Parameter name → the values under which the conditional one is active."""


@dataclass(frozen=True)
class Fixed:
    """A plain value: the same in every trial."""

    name: str
    value: Scalar
    when: Conditions = field(default_factory=dict)

    @property
    def smallest(self) -> Scalar:
        return self.value

    @property
    def largest(self) -> Scalar:
        return self.value


@dataclass(frozen=True)
class Choice:
    """One of several values of one type."""

    name: str
    values: tuple[Scalar, ...]
    when: Conditions = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("at least one value")
        if len(set(self.values)) != len(self.values):
            raise ValueError("values that differ from each other")
        if len({type(value) for value in self.values}) != 1:
            raise ValueError("values of one type")

    @property
    def smallest(self) -> Scalar:
        return self.values[0] if isinstance(self.values[0], str) else min(self.values)

    @property
    def largest(self) -> Scalar:
        return self.values[-1] if isinstance(self.values[0], str) else max(self.values)


@dataclass(frozen=True)
class Range:
    """A range of numbers, both ends included; whole numbers where both ends and the step are `int`."""

    name: str
    min: int | float
    max: int | float
    step: int | float | None = None
    """Added on a linear scale, multiplied by on a logarithmic one."""
    scale: Literal["linear", "log"] = "linear"
    when: Conditions = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = [self.min, self.max] + ([] if self.step is None else [self.step])
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError("finite numbers")
        if self.min >= self.max:
            raise ValueError("min below max")
        if self.scale == "log" and self.min <= 0:
            raise ValueError("min above 0 on a log scale")
        if self.step is not None and self.step <= 0:
            raise ValueError("a step above 0")
        if self.step is not None and self.scale == "log" and self.step <= 1:
            raise ValueError("a step above 1 on a log scale, where it multiplies")
        if self.step is not None and self.scale == "linear" and self.step > self.max - self.min:
            raise ValueError("a step no larger than max - min")

    @property
    def whole(self) -> bool:
        return isinstance(self.min, int) and isinstance(self.max, int) and not isinstance(self.step, float)

    @property
    def smallest(self) -> Scalar:
        return self.min

    @property
    def largest(self) -> Scalar:
        return self.max


Parameter = Fixed | Choice | Range
