"""Pictures of a look inside a model, as PNG files 700 pixels wide.

This half draws what `tunekit.insight.look` computed: arrays go in, and no model is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tunekit.insight.activations import draw_activations
from tunekit.insight.canvas import short
from tunekit.insight.curves import draw_curves, draw_reading
from tunekit.insight.filters import draw_deeper, draw_first
from tunekit.insight.look import Look
from tunekit.insight.sequences import draw_gates, draw_hidden, draw_kernels
from tunekit.results import Epoch

DEEPER = 6
"""Deeper convolutions that get a picture: a trial's pictures must not cost more than an epoch."""


@dataclass(frozen=True)
class Drawing:
    """A picture that can be drawn: the name of its file without the ending, and how."""

    name: str
    draw: Callable[[], object]


def drawings(
    look: Look, curve: Sequence[Epoch], borders: Sequence[int], title: str, folder: Path
) -> list[Drawing]:
    """What there is to see, in the order of what it says for the time that it takes.

    `borders` are the last epochs of Hyperband's rungs: a line follows each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    heading = short(title, 40)
    found: list[Drawing] = []

    def add(name: str, draw_into: Callable[[Path], Path]) -> None:
        found.append(Drawing(name, partial(draw_into, folder / f"{name}.png")))

    add("curves", lambda path: draw_curves(curve, borders, heading, path, look.notes))
    if look.filters:
        first, *deeper = look.filters
        add("filters", lambda path: draw_first(first, heading, path))
        for filters in deeper[:DEEPER]:
            add(f"filters_{filters.layer}", partial(draw_deeper, filters, heading))
    if look.activations:
        add("activations", lambda path: draw_activations(look, heading, path))
    if look.recurrents:
        add("kernels", lambda path: draw_kernels(look.recurrents, heading, path))
    if any(recurrent.states is not None and recurrent.states.size for recurrent in look.recurrents):
        add("hidden", lambda path: draw_hidden(look, heading, path))
    if any(recurrent.gate_values for recurrent in look.recurrents):
        add("gates", lambda path: draw_gates(look, heading, path))
    if look.reading is not None:
        reading = look.reading
        add("accuracy_by_step", lambda path: draw_reading(reading, heading, path))
    return found
