"""Pictures of a look inside a model, as PNG files 700 pixels wide.

This half draws what `tunekit.insight.look` computed: arrays go in, and no model is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tunekit.insight.activations import draw_activations
from tunekit.insight.canvas import short
from tunekit.insight.curves import draw_curves, draw_reading
from tunekit.insight.filters import draw_deeper, draw_first
from tunekit.insight.look import Look
from tunekit.insight.sequences import draw_gates, draw_hidden, draw_kernels
from tunekit.results import Epoch

DEEPER = 6
"""Deeper convolutions that get a picture: a trial's pictures must not cost more than an epoch."""


def draw(look: Look, curve: Sequence[Epoch], borders: Sequence[int], title: str, folder: Path) -> list[Path]:
    """Write what there is to see as PNG files into the folder, and return their paths.

    `borders` are the last epochs of Hyperband's rungs: a line follows each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # A diverged model is drawn as it is, magenta where it is not finite: numpy need not warn of it.
    with np.errstate(all="ignore"):
        return _pictures(look, curve, borders, short(title, 40), folder)


def _pictures(
    look: Look, curve: Sequence[Epoch], borders: Sequence[int], heading: str, folder: Path
) -> list[Path]:
    written = [draw_curves(curve, borders, heading, folder / "curves.png", look.notes)]
    if look.filters:
        first, *deeper = look.filters
        written.append(draw_first(first, heading, folder / "filters.png"))
        for filters in deeper[:DEEPER]:
            written.append(draw_deeper(filters, heading, folder / f"filters_{filters.layer}.png"))
    if look.activations:
        written.append(draw_activations(look, heading, folder / "activations.png"))
    if look.recurrents:
        written.append(draw_kernels(look.recurrents, heading, folder / "kernels.png"))
    if any(recurrent.states is not None and recurrent.states.size for recurrent in look.recurrents):
        written.append(draw_hidden(look, heading, folder / "hidden.png"))
    if any(recurrent.gate_values for recurrent in look.recurrents):
        written.append(draw_gates(look, heading, folder / "gates.png"))
    if look.reading is not None:
        written.append(draw_reading(look.reading, heading, folder / "accuracy_by_step.png"))
    return written
