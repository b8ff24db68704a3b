"""Recurrent layers step by step: hidden states and gates, which Keras does not hand out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tunekit.insight.arithmetic import function
from tunekit.insight.graph import Array, as_floats

RECURRENT = (keras.layers.SimpleRNN, keras.layers.GRU, keras.layers.LSTM)

GATES = {
    "SimpleRNN": ("hidden",),
    "GRU": ("update", "reset", "candidate"),
    "LSTM": ("input", "forget", "candidate", "output"),
}
"""Names of the blocks of a kernel's columns, in Keras' order."""


@dataclass(frozen=True)
class Recurrent:
    """A recurrent layer's kernels, and what it did on the images."""

    layer: str
    kind: str
    """SimpleRNN, GRU or LSTM."""
    gates: tuple[str, ...]
    """The blocks of the kernels' columns, in order."""
    kernel: Array
    """(inputs, gates x units)"""
    recurrent_kernel: Array
    """(units, gates x units)"""
    states: Array | None = None
    """Hidden state after each step, in the order of reading: (images, steps, units)."""
    gate_values: Mapping[str, Array] = field(default_factory=dict)
    """Gates that open and close, by name, each (images, steps, units); a SimpleRNN has none."""
    saturated: float | None = None
    """Share of gate values below 0.05 or above 0.95; of a SimpleRNN, of states with |tanh| > 0.95."""


def kernels(layer: Any, label: str) -> Recurrent:
    """The layer's kernels, before any image is read."""
    kind = next(cls.__name__ for cls in RECURRENT if isinstance(layer, cls))
    return Recurrent(
        layer=label,
        kind=kind,
        gates=GATES[kind],
        kernel=as_floats(layer.cell.kernel),
        recurrent_kernel=as_floats(layer.cell.recurrent_kernel),
    )


def unroll(layer: Any, inputs: Array) -> tuple[Array, dict[str, Array]]:
    """Hidden states and gates after each step, from the layer's weights and what enters it.

    Computed with numpy: the same for every backend, and quicker than a call of the cell for each step.
    """
    run = {keras.layers.SimpleRNN: _simple, keras.layers.GRU: _gru, keras.layers.LSTM: _lstm}
    step = next(function for cls, function in run.items() if isinstance(layer, cls))
    if layer.go_backwards:
        inputs = inputs[:, ::-1]
    # A diverged model overflows here; its pictures say so, a warning would not help.
    with np.errstate(all="ignore"):
        return step(layer, inputs.astype(np.float32))


def saturation(layer: Any, states: Array, gates: Mapping[str, Array]) -> float | None:
    """Share of saturated gates; nothing where gates are unbounded or not finite."""
    if isinstance(layer, keras.layers.SimpleRNN):
        if layer.activation is not keras.activations.tanh or not np.isfinite(states).all():
            return None
        return float(np.mean(np.abs(states) > 0.95))
    bounded = (keras.activations.sigmoid, keras.activations.hard_sigmoid)
    values = np.stack(list(gates.values()))
    if layer.recurrent_activation not in bounded or not np.isfinite(values).all():
        return None
    return float(np.mean((values < 0.05) | (values > 0.95)))


def agrees(layer: Any, states: Array, output: Array) -> bool:
    """Whether computed states are the layer's own output, so that they may be shown as such."""
    mine = states if layer.return_sequences else states[:, -1]
    if mine.shape != output.shape:
        return False
    tolerance = 1e-2 if layer.compute_dtype == "float32" else 5e-2
    return bool(np.allclose(mine, output, rtol=tolerance, atol=tolerance, equal_nan=True))


def _simple(layer: Any, inputs: Array) -> tuple[Array, dict[str, Array]]:
    kernel, recurrent, bias = _weights(layer, 1)
    activation = function(layer.activation)
    entering = inputs @ kernel + bias[0]
    state = np.zeros((len(inputs), layer.units), np.float32)
    states = np.empty((*inputs.shape[:2], layer.units), np.float32)
    for step in range(inputs.shape[1]):
        state = activation(entering[:, step] + state @ recurrent)
        states[:, step] = state
    return states, {}


def _gru(layer: Any, inputs: Array) -> tuple[Array, dict[str, Array]]:
    # With reset_after the recurrent product has a bias of its own and is taken before the reset.
    kernel, recurrent, bias = _weights(layer, 2)
    units = layer.units
    activation, gate = function(layer.activation), function(layer.recurrent_activation)
    entering = inputs @ kernel + bias[0]
    state = np.zeros((len(inputs), units), np.float32)
    states, updates, resets = (np.empty((*inputs.shape[:2], units), np.float32) for _ in range(3))
    for step in range(inputs.shape[1]):
        now = entering[:, step]
        if layer.reset_after:
            back = state @ recurrent + bias[1]
            opened = gate(now[:, : 2 * units] + back[:, : 2 * units])
            update, reset = opened[:, :units], opened[:, units:]
            candidate = activation(now[:, 2 * units :] + reset * back[:, 2 * units :])
        else:
            opened = gate(now[:, : 2 * units] + state @ recurrent[:, : 2 * units])
            update, reset = opened[:, :units], opened[:, units:]
            candidate = activation(now[:, 2 * units :] + (reset * state) @ recurrent[:, 2 * units :])
        state = update * state + (1 - update) * candidate
        states[:, step], updates[:, step], resets[:, step] = state, update, reset
    return states, {"update": updates, "reset": resets}


def _lstm(layer: Any, inputs: Array) -> tuple[Array, dict[str, Array]]:
    kernel, recurrent, bias = _weights(layer, 1)
    units = layer.units
    activation, gate = function(layer.activation), function(layer.recurrent_activation)
    entering = inputs @ kernel + bias[0]
    state = np.zeros((len(inputs), units), np.float32)
    carry = np.zeros_like(state)
    shape = (*inputs.shape[:2], units)
    states, entries, forgets, exits = (np.empty(shape, np.float32) for _ in range(4))
    for step in range(inputs.shape[1]):
        both = entering[:, step] + state @ recurrent
        opened = gate(both[:, : 2 * units])
        entry, forget = opened[:, :units], opened[:, units:]
        exit_ = gate(both[:, 3 * units :])
        carry = forget * carry + entry * activation(both[:, 2 * units : 3 * units])
        state = exit_ * activation(carry)
        states[:, step], entries[:, step] = state, entry
        forgets[:, step], exits[:, step] = forget, exit_
    return states, {"input": entries, "forget": forgets, "output": exits}


def _weights(layer: Any, biases: int) -> tuple[Array, Array, Array]:
    """Input kernel, recurrent kernel, and `biases` rows of bias, zeros where the layer has none."""
    cell = layer.cell
    kernel = as_floats(cell.kernel)
    bias = np.zeros((biases, kernel.shape[1]), np.float32)
    if cell.bias is not None:
        given = as_floats(cell.bias).reshape(-1, kernel.shape[1])
        bias[: len(given)] = given
    return kernel, as_floats(cell.recurrent_kernel), bias
