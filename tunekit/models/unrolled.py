"""Recurrent layers on TensorFlow with their steps written out and their gradient written by hand.

Keras loops over the steps in a graph of TensorFlow's, where a step of a small cell costs less than what surrounds it.
Here there is no loop, and the gradients of the weights are one matrix product over all steps instead of a sum of one
for each. The layer stays Keras' own in all but this: its weights, its configuration and the file it is saved in.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MethodType
from typing import Any, Protocol

import keras
import tensorflow as tf

LONGEST = 128
"""Steps; a longer graph would take longer to make than it saves."""

Tensor = Any
State = tuple[Tensor, ...]
"""What a step hands to the next; its output comes first."""


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
    kind = KINDS[type(layer)]
    outputs, *states = _run(
        kind,
        *(tf.convert_to_tensor(each) for each in (sequences, cell.kernel, cell.recurrent_kernel, cell.bias)),
        *initial_state,
    )
    # Time comes first in them.
    every = tf.transpose(outputs, (1, 0, 2)) if layer.return_sequences else states[0][:, None]
    return states[0], every, states


class Kind(Protocol):
    """One kind of cell: a step, and the gradient through it."""

    def bias_of_inputs(self, bias: Tensor) -> Tensor:
        """Of the inputs' share of a step, which is computed for all steps at once."""

    def step(self, entering: Tensor, state: State, recurrent: Tensor, bias: Tensor) -> tuple[State, Any]:
        """The next state, and what the way back needs."""

    def back(self, kept: Any, gradient: Sequence[Tensor], recurrent: Tensor) -> tuple[Tensor, Tensor, State]:
        """From the gradient of a step's state to those of the inputs' share, of the last output's and of its state."""

    def bias_gradient(self, entering: Tensor, returning: Tensor) -> Tensor:
        """From the gradients of all steps' shares."""


def _run(
    kind: Kind, sequences: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, *initial: Tensor
) -> list[Tensor]:
    """All outputs, time first, and the last state."""
    steps, width = sequences.shape[1:]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(
        sequences: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, *initial: Tensor
    ) -> tuple[list[Tensor], Any]:
        inputs = tf.reshape(tf.transpose(sequences, (1, 0, 2)), (-1, width))
        entering = tf.matmul(inputs, kernel) + kind.bias_of_inputs(bias)
        state: State = initial
        befores, afters, kept = [], [], []
        for now in tf.split(entering, steps):
            befores.append(state[0])
            state, keep = kind.step(now, state, recurrent, bias)
            afters.append(state[0])
            kept.append(keep)

        def gradient(*upstream: Tensor) -> list[Tensor]:
            of_outputs, *of_state = upstream
            of_inputs, of_returning = [], []
            for keep, of_output in zip(reversed(kept), reversed(tf.unstack(of_outputs, steps)), strict=True):
                of_state[0] += of_output
                one, other, last = kind.back(keep, of_state, recurrent)
                of_inputs.append(one)
                of_returning.append(other)
                of_state = list(last)
            all_inputs, all_returning = (tf.concat(each[::-1], 0) for each in (of_inputs, of_returning))
            of_sequences = tf.reshape(tf.matmul(all_inputs, kernel, transpose_b=True), (steps, -1, width))
            return [
                tf.transpose(of_sequences, (1, 0, 2)),
                tf.matmul(inputs, all_inputs, transpose_a=True),
                tf.matmul(tf.concat(befores, 0), all_returning, transpose_a=True),
                kind.bias_gradient(all_inputs, all_returning),
                *of_state,
            ]

        return [tf.stack(afters), *state], gradient

    found: list[Tensor] = run(sequences, kernel, recurrent, bias, *initial)
    return found


class _Simple:
    def bias_of_inputs(self, bias: Tensor) -> Tensor:
        return bias

    def step(self, entering: Tensor, state: State, recurrent: Tensor, bias: Tensor) -> tuple[State, Any]:
        output = tf.tanh(entering + tf.matmul(state[0], recurrent))
        return (output,), output

    def back(self, kept: Any, gradient: Sequence[Tensor], recurrent: Tensor) -> tuple[Tensor, Tensor, State]:
        inner = tf.raw_ops.TanhGrad(y=kept, dy=gradient[0])
        return inner, inner, (tf.matmul(inner, recurrent, transpose_b=True),)

    def bias_gradient(self, entering: Tensor, returning: Tensor) -> Tensor:
        return tf.reduce_sum(entering, 0)


class _Lstm(_Simple):
    def step(self, entering: Tensor, state: State, recurrent: Tensor, bias: Tensor) -> tuple[State, Any]:
        output, carry = state
        both = entering + tf.matmul(output, recurrent)
        entry, forget, candidate, exit_ = tf.split(both, 4, 1)
        entry, forget, exit_ = tf.sigmoid(entry), tf.sigmoid(forget), tf.sigmoid(exit_)
        candidate = tf.tanh(candidate)
        now = forget * carry + entry * candidate
        shown = tf.tanh(now)
        return (exit_ * shown, now), (carry, entry, forget, candidate, exit_, shown)

    def back(self, kept: Any, gradient: Sequence[Tensor], recurrent: Tensor) -> tuple[Tensor, Tensor, State]:
        carry, entry, forget, candidate, exit_, shown = kept
        of_output, of_carry = gradient
        of_carry += tf.raw_ops.TanhGrad(y=shown, dy=of_output * exit_)
        inner = tf.concat(
            [
                tf.raw_ops.SigmoidGrad(y=entry, dy=of_carry * candidate),
                tf.raw_ops.SigmoidGrad(y=forget, dy=of_carry * carry),
                tf.raw_ops.TanhGrad(y=candidate, dy=of_carry * entry),
                tf.raw_ops.SigmoidGrad(y=exit_, dy=of_output * shown),
            ],
            1,
        )
        return inner, inner, (tf.matmul(inner, recurrent, transpose_b=True), of_carry * forget)


class _Gru:
    """With `reset_after`, as Keras has it unless told otherwise: the recurrent product has a bias of its own."""

    def bias_of_inputs(self, bias: Tensor) -> Tensor:
        return bias[0]

    def step(self, entering: Tensor, state: State, recurrent: Tensor, bias: Tensor) -> tuple[State, Any]:
        (output,) = state
        units = output.shape[-1]
        returning = tf.nn.bias_add(tf.matmul(output, recurrent), bias[1])
        gates_in, candidate_in = tf.split(entering, (2 * units, units), 1)
        gates_back, candidate_back = tf.split(returning, (2 * units, units), 1)
        gates = tf.sigmoid(gates_in + gates_back)
        update, reset = tf.split(gates, 2, 1)
        candidate = tf.tanh(candidate_in + reset * candidate_back)
        difference = output - candidate
        kept = (gates, update, reset, candidate_back, candidate, difference)
        return (candidate + update * difference,), kept

    def back(self, kept: Any, gradient: Sequence[Tensor], recurrent: Tensor) -> tuple[Tensor, Tensor, State]:
        gates, update, reset, candidate_back, candidate, difference = kept
        of_output = gradient[0]
        through = of_output * update
        of_candidate = tf.raw_ops.TanhGrad(y=candidate, dy=of_output - through)
        of_gates = tf.raw_ops.SigmoidGrad(
            y=gates, dy=tf.concat([of_output * difference, of_candidate * candidate_back], 1)
        )
        entering = tf.concat([of_gates, of_candidate], 1)
        returning = tf.concat([of_gates, of_candidate * reset], 1)
        return entering, returning, (through + tf.matmul(returning, recurrent, transpose_b=True),)

    def bias_gradient(self, entering: Tensor, returning: Tensor) -> Tensor:
        return tf.stack([tf.reduce_sum(entering, 0), tf.reduce_sum(returning, 0)])


KINDS: dict[type, Kind] = {
    keras.layers.SimpleRNN: _Simple(),
    keras.layers.LSTM: _Lstm(),
    keras.layers.GRU: _Gru(),
}
