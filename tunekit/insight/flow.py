"""The values that flow between a model's layers for a few images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import keras
import numpy as np

from tunekit.insight import arithmetic, graph
from tunekit.insight.graph import Array, Use, as_floats
from tunekit.insight.recurrent import RECURRENT, unroll

TAKEN = ("float32", "bfloat16", "uint8")
"""Types of inputs that numpy computes with as Keras does."""
LARGE = 2**22
"""Values: where more of them flow, what surrounds a framework's operations matters less than how quick they are."""


def evaluate(model: Any, tensors: Sequence[Any], inputs: Array, begin: Any = None) -> dict[int, Array]:
    """The values of symbolic tensors for these inputs, by the tensor's id.

    The inputs are the model's own, or the values of its tensor `begin`, which alone all that is wanted depends on.
    Nothing is traced and no weight is copied: what common layers answer is computed here, and the others are called.
    """
    begin = model.inputs[0] if begin is None else begin
    wanted = {id(tensor): tensor for tensor in tensors}
    if not wanted:
        return {}
    path = graph.path([begin], list(wanted.values()))
    if not all(use.inputs for use in path):
        raise ValueError("what is wanted depends on more than the values that are given")
    if not _followed(path, begin, inputs):
        return _at_once(model, wanted, begin, inputs)
    values: dict[int, Any] = {id(begin): np.asarray(inputs, begin.dtype)}
    for use in path:
        values.update(zip(map(id, use.outputs), _answers(use, values), strict=True))
    return {key: as_floats(values[key]) for key in wanted}


def unbent(layer: Any, inputs: Array) -> Array:
    """What the layer would answer without its activation function."""
    activation, layer.activation = layer.activation, keras.activations.linear
    try:
        return as_floats(_answer(layer, inputs))
    finally:
        layer.activation = activation


@contextmanager
def step_by_step(model: Any) -> Iterator[None]:
    """Without the loop of TensorFlow's own in recurrent layers: where nothing is traced it takes twice as long."""
    inside = [model, *(layer for _, layer in graph.layers(model))]
    found = [layer for layer in inside if getattr(layer, "unroll", None) is False]
    if keras.config.backend() != "tensorflow":
        found = []  # a compiler would have to compile each step
    try:
        for layer in found:
            layer.unroll = True
        yield
    finally:
        for layer in found:
            layer.unroll = False


def _followed(path: Sequence[Use], begin: Any, inputs: Array) -> bool:
    """Whether to go from use to use, which comes to what they do as one model.

    Keras sees to masks and to inputs that do not have the model's shape.
    """
    sides = zip(begin.shape[1:], inputs.shape[1:], strict=False)
    fit = len(begin.shape) == inputs.ndim and all(side in (None, own) for side, own in sides)
    if not fit or begin.dtype not in TAKEN or any(map(_masked, path)):
        return False
    shapes = [tensor.shape[1:] for use in path for tensor in use.outputs]
    known = all(side is not None for shape in shapes for side in shape)
    return known and len(inputs) * sum(map(prod, shapes)) <= LARGE


def _masked(use: Use) -> bool:
    return any(getattr(tensor, "_keras_mask", None) is not None for tensor in use.outputs)


def _at_once(model: Any, wanted: Mapping[int, Any], begin: Any, inputs: Array) -> dict[int, Array]:
    """One call of a model over the existing layers."""
    # By name, for Keras hands out a list of one tensor as the tensor itself.
    outputs = {str(key): tensor for key, tensor in wanted.items()}
    with step_by_step(model):
        values = keras.Model(begin, outputs)(inputs, training=False)
    return {int(name): as_floats(value) for name, value in values.items()}


def _answers(use: Use, values: Mapping[int, Any]) -> list[Any]:
    """Of all outputs, as numpy or the backend has them."""
    inputs, named = use.arguments.fill_in(values)
    if not isinstance(use.layer, keras.Layer):
        found = use.layer(*inputs, **named)
    elif len(inputs) == 1 and all(value is None for name, value in named.items() if name != "training"):
        found = _answer(use.layer, inputs[0])
    else:
        with step_by_step(use.layer):
            found = use.layer(*inputs, **{**named, "training": False})
    return list(keras.tree.flatten(found))


def _answer(layer: Any, inputs: Any) -> Any:
    """To what is its one argument, computed here where that is known to be the same."""
    if compute := arithmetic.formula(layer, inputs):
        return compute(layer, arithmetic.own(layer, inputs))
    if _steps(layer):
        states, _ = unroll(layer, as_floats(inputs))
        return arithmetic.own(layer, states if layer.return_sequences else states[:, -1])
    with step_by_step(layer):
        return layer(inputs, training=False)


def _steps(layer: Any) -> bool:
    return (
        type(layer) in RECURRENT and not (layer.stateful or layer.return_state) and arithmetic.is_usual(layer)
    )
