"""A model's convolutions with the way from each back to the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tunekit.insight import flow, graph
from tunekit.insight.explain.steps import (
    AveragePooling,
    Convolution,
    Field,
    MaxPooling,
    Rectification,
    Scaling,
    Step,
)
from tunekit.insight.explain.window import windows_of
from tunekit.insight.graph import Array, Use, as_floats

IDLE = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout2D,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
)
"""Layers that pass everything on once training is over."""


class NoWayDown(Exception):
    """Something lies between a convolution and the pixels that a deconvnet does not know."""


@dataclass(frozen=True)
class Route:
    """A convolution's activation, and the steps from it down to the pixels."""

    layer: str
    kernel_path: str
    """Of the variable that holds its filters."""
    tensor: Any
    """The symbolic tensor of its activation."""
    steps: tuple[tuple[Step, Any], ...]
    """Each with the symbolic tensor that enters its layer."""
    rectified: bool
    """Whether it has a ReLU, so that a filter that never rises above 0 is dead."""

    @property
    def fixed(self) -> bool:
        """Whether it leads down the same way for every image: without max-pooling there are no switches."""
        return not any(isinstance(step, MaxPooling) for step, _ in self.steps)

    def field(self, row: int, column: int) -> Field:
        """The rows and columns of the image that one place of the activation depends on, padding included."""
        field = (row, row, column, column)
        for step, _ in self.steps:
            field = step.field(field)
        return field


def routes(model: Any) -> tuple[list[Route], list[str]]:
    """The convolutions from first to last with their ways down, and why others have none."""
    found: list[Route] = []
    notes: list[str] = []
    uses = graph.uses(model)
    if len(getattr(model, "inputs", None) or ()) != 1:
        return [], ["the model is not a graph of layers with one input"]
    taken: set[str] = set()
    for use in uses:
        if isinstance(use.layer, keras.Model):
            notes.append(f"{use.layer.name}: convolutions of a model within the model are not followed")
        if not isinstance(use.layer, keras.layers.Conv2D):
            continue
        last = graph.activated(use, uses)
        name = graph.label(str(use.layer.name), taken)
        try:
            steps = _way_down(model, last.outputs[0])
        except NoWayDown as reason:
            notes.append(f"{name}: {reason}")
            continue
        kernel = str(use.layer.kernel.path)
        found.append(Route(name, kernel, last.outputs[0], tuple(steps), graph.rectifies(last.layer)))
    return found, notes


def project(model: Any, route: Route, images: Array, places: Sequence[tuple[int, int]], number: int) -> Array:
    """One filter's activation at one place of each image, followed back to the pixels.

    Its height does not matter, since all steps are proportional: it is followed as 1.
    """
    wanted = [tensor for step, tensor in route.steps if isinstance(step, MaxPooling)]
    entered = flow.evaluate(model, wanted, images)
    _, height, width, channels = route.tensor.shape
    signal = np.zeros((len(images), height, width, channels), np.float32)
    rows, columns = np.array(places).T
    signal[np.arange(len(images)), rows, columns, number] = 1
    for step, tensor in route.steps:
        signal = step.down(signal, entered.get(id(tensor), signal))
    return signal


def _way_down(model: Any, tensor: Any) -> list[tuple[Step, Any]]:
    """Against the graph's direction, layer by layer."""
    sources = {id(source) for source in model.inputs}
    uses = {id(output): use for use in graph.uses(model) for output in use.outputs}
    steps: list[tuple[Step, Any]] = []
    while id(tensor) not in sources:
        use = uses[id(tensor)]
        if len(use.inputs) != 1:
            raise NoWayDown(f"{use.layer.name} joins {len(use.inputs)} tensors")
        tensor = use.inputs[0]
        steps += [(step, tensor) for step in _steps(use)]
    return steps


def _steps(use: Use) -> list[Step]:
    """What undoes a layer, the last of its own steps first."""
    layer = use.layer
    if getattr(layer, "data_format", None) == "channels_first":
        raise NoWayDown(f"{layer.name} has its channels first")
    if isinstance(layer, IDLE):
        return []
    scaling = _scaling(layer)
    if scaling is not None:
        return [scaling]
    entering = tuple(use.inputs[0].shape)
    if isinstance(layer, keras.layers.MaxPooling2D):
        return [MaxPooling(windows_of(layer, entering[1:3], layer.pool_size))]
    if isinstance(layer, keras.layers.AveragePooling2D):
        return [AveragePooling(windows_of(layer, entering[1:3], layer.pool_size))]
    if type(layer) is keras.layers.Conv2D and layer.groups == 1:
        windows = windows_of(layer, entering[1:3], layer.kernel_size)
        return [*_activation(layer), Convolution(windows, as_floats(layer.kernel))]
    # Not every rectifier is a layer: a functional model may hold keras.ops.relu itself.
    if isinstance(layer, graph.ACTIVATIONS) or not isinstance(layer, keras.layers.Layer):
        return _activation(layer)
    raise NoWayDown(f"{layer.name} is a {type(layer).__name__}, which has no way down")


def _scaling(layer: Any) -> Scaling | None:
    """Of a layer that multiplies each channel by a constant and adds another."""
    if isinstance(layer, keras.layers.Rescaling):
        return Scaling(np.asarray(layer.scale, np.float32))
    if isinstance(layer, keras.layers.Normalization) and not layer.invert:
        # As Keras divides: by the deviation, or by a very small number where there is none.
        return Scaling(1 / np.maximum(np.sqrt(as_floats(layer.variance)), keras.config.epsilon()))
    if isinstance(layer, keras.layers.BatchNormalization) and layer.axis in (-1, 3):
        deviation = np.sqrt(as_floats(layer.moving_variance) + layer.epsilon)
        gamma = as_floats(layer.gamma) if layer.scale else np.float32(1)
        return Scaling(np.asarray(gamma / deviation))
    return None


def _activation(layer: Any) -> list[Step]:
    if graph.rectifies(layer):
        return [Rectification()]
    activation = getattr(layer, "activation", layer)
    if activation is keras.activations.linear:
        return []
    name = getattr(activation, "__name__", type(activation).__name__)
    raise NoWayDown(f"{layer.name} has the activation {name}; a deconvnet knows ReLU only")
