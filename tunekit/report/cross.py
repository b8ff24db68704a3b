"""Two parameters against each other: the best score of each pair of values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tunekit.report.configurations import Configuration
from tunekit.report.wording import shown
from tunekit.results import Scalar
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.space import Space

FIRST = ("optimizer", "learning_rate")
"""The pair that everyone asks for."""
LINEAR_BINS = 4


@dataclass(frozen=True)
class Cell:
    """The configurations of one pair of values."""

    count: int
    best: float | None
    trial: str | None


@dataclass(frozen=True)
class Cross:
    """A table of cells, a row for each value of one parameter and a column for each of another."""

    rows: str
    columns: str
    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Bins:
    """A parameter's values in a few classes."""

    labels: tuple[str, ...]
    values: tuple[Scalar, ...] = ()
    edges: tuple[float, ...] = ()

    def index(self, value: Scalar) -> int:
        if self.values:
            return self.values.index(value)
        inner = self.edges[1:-1]
        return sum(float(value) >= edge for edge in inner)


def pair(space: Space) -> tuple[Parameter, Parameter] | None:
    """Optimizer and learning rate where both vary, else the first two that do and go together."""
    varying = [parameter for parameter in space.parameters if not isinstance(parameter, Fixed)]
    named = [parameter for name in FIRST for parameter in varying if parameter.name == name]
    free = named if len(named) == 2 else [parameter for parameter in varying if not parameter.when]
    return (free[0], free[1]) if len(free) >= 2 else None


def cross(found: Sequence[Configuration], first: Parameter, second: Parameter) -> Cross:
    """`found` has the best first, so that the first of a cell is its best."""
    rows, columns = bins(first), bins(second)
    inside: dict[tuple[int, int], list[Configuration]] = {}
    for each in found:
        values = each.trial.values
        if first.name in values and second.name in values:
            place = (rows.index(values[first.name]), columns.index(values[second.name]))
            inside.setdefault(place, []).append(each)
    cells = tuple(
        tuple(_cell(inside.get((row, column), [])) for column in range(len(columns.labels)))
        for row in range(len(rows.labels))
    )
    return Cross(first.name, second.name, rows.labels, columns.labels, cells)


def _cell(found: Sequence[Configuration]) -> Cell:
    if not found:
        return Cell(0, None, None)
    return Cell(len(found), found[0].score, found[0].trial.id)


def bins(parameter: Parameter) -> Bins:
    """A list's values as they are; a logarithmic range by decades, a linear one in equal parts."""
    match parameter:
        case Choice():
            return Bins(tuple(shown(value, 24) for value in parameter.values), values=parameter.values)
        case Range():
            edges = _edges(parameter)
            labels = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
            return Bins(tuple(labels), edges=tuple(edges))
        case Fixed():
            return Bins((shown(parameter.value, 24),), values=(parameter.value,))


def _edges(parameter: Range) -> list[float]:
    low, high = float(parameter.min), float(parameter.max)
    if parameter.scale == "log":
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        inner = [10.0**power for power in powers if low * (1 + 1e-9) < 10.0**power < high * (1 - 1e-9)]
    else:
        inner = [low + (high - low) * part / LINEAR_BINS for part in range(1, LINEAR_BINS)]
    return [low, *inner, high]
