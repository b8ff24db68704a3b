"""Recurrent layers on TensorFlow with their steps written out and their gradient written by hand.

Keras loops over the steps in a graph of TensorFlow's, where a step of a small cell costs less than what surrounds it.
Here there is no loop, and the gradients of the weights are one matrix product over all steps instead of a sum of one
for each. The layer stays Keras' own in all but this: its weights, its configuration and the file it is saved in.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import tensorflow as tf

from tunekit.models.cells import CELLS, Cell, State
from tunekit.models.operations import Arrays, Operations, Tensor, Tensors

LONGEST = 128
"""Steps; a longer graph would take longer to make than it saves."""


def unroll(layer: Any, steps: int) -> None:
    """Have the layer, made with Keras' usual activations, compute `steps` steps as here, where that is quicker."""
    # On a GPU cuDNN has kernels for whole layers.
    on_gpu = tf.config.list_physical_devices("GPU")
    if layer.compute_dtype == "float32" and steps <= LONGEST and not on_gpu:
        layer.inner_loop = MethodType(_inner_loop, layer)


def _inner_loop(
    layer: Any, sequences: Tensor, initial_state: Any, mask: Any, training: bool = False
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """In the place of Keras' method of this name."""
    cell = layer.cell
    outputs, *states = _run(
        CELLS[type(layer)],
        Arrays() if tf.executing_eagerly() else Tensors(),
        *(tf.convert_to_tensor(each) for each in (sequences, cell.kernel, cell.recurrent_kernel, cell.bias)),
        *initial_state,
    )
    # Time comes first in them.
    every = tf.transpose(outputs, (1, 0, 2)) if layer.return_sequences else states[0][:, None]
    return states[0], every, states


def _run(cell: Cell, ops: Operations, *given: Tensor) -> list[Tensor]:
    """From sequences, kernel, recurrent kernel, bias and initial state: all outputs, time first, and the last state."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(*given: Tensor) -> tuple[list[Tensor], Any]:
        sequences, kernel, recurrent, bias, *initial = (ops.inside(each) for each in given)
        steps, width = sequences.shape[1:]
        inputs = ops.reshape(ops.transpose(sequences, (1, 0, 2)), (-1, width))
        entering = ops.product(inputs, kernel) + cell.bias_of_inputs(bias)
        state: State = tuple(initial)
        befores, afters, kept = [], [], []
        for now in ops.rows(entering, steps):
            befores.append(state[0])
            state, keep = cell.step(ops, now, state, recurrent, bias)
            afters.append(state[0])
            kept.append(keep)

        def gradient(*upstream: Tensor) -> list[Tensor]:
            of_outputs, *of_state = (ops.inside(each) for each in upstream)
            of_inputs, of_returning = [], []
            for keep, of_output in zip(reversed(kept), reversed(ops.unstack(of_outputs, steps)), strict=True):
                of_state[0] = of_state[0] + of_output
                one, other, last = cell.back(ops, keep, of_state, recurrent)
                of_inputs.append(one)
                of_returning.append(other)
                of_state = list(last)
            all_inputs, all_returning = (ops.below(each[::-1]) for each in (of_inputs, of_returning))
            of_sequences = ops.reshape(ops.product(all_inputs, kernel, second=True), (steps, -1, width))
            found = (
                ops.transpose(of_sequences, (1, 0, 2)),
                ops.product(inputs, all_inputs, first=True),
                ops.product(ops.below(befores), all_returning, first=True),
                cell.bias_gradient(ops, all_inputs, all_returning),
                *of_state,
            )
            return [ops.outside(each) for each in found]

        return [ops.outside(each) for each in (ops.stack(afters), *state)], gradient

    found: list[Tensor] = run(*given)
    return found
