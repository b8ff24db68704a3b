"""Configurations that are known before a search begins, made whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from tunekit.results import Values


@dataclass(frozen=True)
class Start:
    """One known configuration with everything that it left open drawn."""

    number: int
    """In the space's list, counted from 1."""
    values: dict[str, Any]


def whole_starts(
    starts: Sequence[Values],
    open_names: Set[str],
    draw: Callable[..., dict[str, Any]],
    key: Callable[[dict[str, Any]], str],
    tries: int,
) -> list[Start]:
    """Each configuration once, in the order given; what is missing is drawn so that it differs from all others.

    One that leaves no choice keeps its values, and those that leave some keep clear of it wherever it stands.
    `open_names` are the parameters that have several values. `draw` takes what is given, the configuration's number
    and the number of the try.
    """
    firsts = {number: draw(given, number, 0) for number, given in enumerate(starts, 1)}
    whole = {
        number for number, values in firsts.items() if open_names & set(values) <= set(starts[number - 1])
    }
    taken = {key(firsts[number]) for number in whole}
    found: list[Start] = []
    used: set[str] = set()
    for number, given in enumerate(starts, 1):
        others = used if number in whole else used | taken
        draws = (draw(given, number, collision) for collision in range(1 if number in whole else tries))
        values = next((values for values in draws if key(values) not in others), None)
        if values is not None:
            found.append(Start(number, values))
            used.add(key(values))
    return found
