"""How early a recurrent model knows the answer: its accuracy as the steps come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunekit.insight import flow, graph
from tunekit.insight.graph import Array, Use
from tunekit.insight.recurrent import RECURRENT, unroll

STEPS = 64
"""Of a longer sequence so many are picked evenly."""


@dataclass(frozen=True)
class Reading:
    """What share of the images is recognised from the state after each step."""

    layer: str
    """The recurrent layer whose state it is: the model's last one."""
    steps: Array
    """Numbers of steps read, the last being all."""
    accuracy: Array
    classes: int
    images: int


def last_recurrent(model: Any) -> Use | None:
    """The use whose state is all that the rest of the model sees; nothing where there is none such."""
    found = [use for use in graph.uses(model) if isinstance(use.layer, RECURRENT)]
    if not found or found[-1].layer.return_sequences or len(model.outputs) != 1:
        return None
    return found[-1]


def read(model: Any, use: Use, label: str, images: Array, labels: Array) -> Reading:
    """Apply what follows the recurrent layer to its state after each step, as if no more had come."""
    entering = flow.evaluate(model, [use.inputs[0]], images)[id(use.inputs[0])]
    states, _ = unroll(use.layer, entering)
    steps = np.unique(np.linspace(1, states.shape[1], STEPS).round().astype(int))
    shown = states[:, steps - 1]
    every = shown.reshape(-1, shown.shape[-1])
    answers = flow.evaluate(model, model.outputs, every, use.outputs[0])[id(model.outputs[0])]
    right = answers.argmax(axis=1).reshape(shown.shape[:2]) == np.asarray(labels).reshape(-1, 1)
    return Reading(label, steps, right.mean(axis=0), answers.shape[1], len(images))
