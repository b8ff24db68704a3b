"""The axis of scores that all charts of a report share, so that they can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LOGARITHMIC_FROM = 50
"""Ratio of the largest to the smallest value: one burst of a loss would flatten everything else."""


@dataclass(frozen=True)
class Limits:
    """From where to where, and whether by powers of ten."""

    low: float
    high: float
    log: bool

    @classmethod
    def of(cls, values: Iterable[float]) -> Limits:
        finite = [value for value in values if math.isfinite(value)]
        if not finite:
            return cls(0.0, 1.0, False)
        low, high = min(finite), max(finite)
        if low > 0 and high / low > LOGARITHMIC_FROM:
            return cls(low / 1.2, high * 1.2, True)
        margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
        return cls(low - margin, high + margin, False)

    def apply(self, axes: Any) -> None:
        if self.log:
            axes.set_yscale("log")
        axes.set_ylim(self.low, self.high)
