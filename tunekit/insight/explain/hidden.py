"""A model's hidden layers, and calls of the model in parts that memory can hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tunekit.insight import flow, graph
from tunekit.insight.convolutions import CONVOLUTIONS
from tunekit.insight.explain.features import batches
from tunekit.insight.graph import Array, Use, as_floats
from tunekit.insight.recurrent import RECURRENT

BATCH = 256


def probabilities(model: Any, images: Array) -> Array:
    """What the model says of each image: (images, classes)."""
    return np.concatenate([as_floats(model(some, training=False)) for some in batches(images, BATCH)])


def hidden_layers(model: Any) -> list[Use]:
    """Where the layers with weights hand on their activations, from first to last, but for the output."""
    uses = graph.uses(model)
    kinds = (*CONVOLUTIONS, *RECURRENT, keras.layers.Bidirectional, keras.layers.Dense, keras.Model)
    answers = {id(output) for output in getattr(model, "outputs", ())}
    found = [graph.activated(use, uses) for use in uses if isinstance(use.layer, kinds)]
    return [use for use in found if id(use.outputs[0]) not in answers]


def vectors(model: Any, layers: Sequence[Use], images: Array) -> list[Array]:
    """What each layer answers to each image, as one vector: (images, values)."""
    parts: list[list[Array]] = [[] for _ in layers]
    for some in batches(images, BATCH):
        values = flow.evaluate(model, [use.outputs[0] for use in layers], some)
        for use, part in zip(layers, parts, strict=True):
            part.append(values[id(use.outputs[0])].reshape(len(some), -1))
    return [np.concatenate(part) for part in parts]
