"""The steps of recurrent cells and the gradient through them, written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import keras

from tunekit.models.operations import Operations, Tensor

State = tuple[Tensor, ...]
"""What a step hands to the next; its output comes first."""


class Cell(Protocol):
    """One kind of cell: a step, and the gradient through it."""

    def bias_of_inputs(self, bias: Tensor) -> Tensor:
        """Of the inputs' share of a step, which is computed for all steps at once."""

    def step(
        self, ops: Operations, entering: Tensor, state: State, recurrent: Tensor, bias: Tensor
    ) -> tuple[State, Any]:
        """The next state, and what the way back needs."""

    def back(
        self, ops: Operations, kept: Any, gradient: Sequence[Tensor], recurrent: Tensor
    ) -> tuple[Tensor, Tensor, State]:
        """From the gradient of a step's state to those of the inputs' share, of the last output's and of its state."""

    def bias_gradient(self, ops: Operations, entering: Tensor, returning: Tensor) -> Tensor:
        """From the gradients of all steps' shares."""


class _Simple:
    def bias_of_inputs(self, bias: Tensor) -> Tensor:
        return bias

    def step(
        self, ops: Operations, entering: Tensor, state: State, recurrent: Tensor, bias: Tensor
    ) -> tuple[State, Any]:
        output = ops.tanh(entering + ops.product(state[0], recurrent))
        return (output,), output

    def back(
        self, ops: Operations, kept: Any, gradient: Sequence[Tensor], recurrent: Tensor
    ) -> tuple[Tensor, Tensor, State]:
        inner = ops.tanh_back(kept, gradient[0])
        return inner, inner, (ops.product(inner, recurrent, second=True),)

    def bias_gradient(self, ops: Operations, entering: Tensor, returning: Tensor) -> Tensor:
        return ops.sum_of_rows(entering)


class _Lstm(_Simple):
    def step(
        self, ops: Operations, entering: Tensor, state: State, recurrent: Tensor, bias: Tensor
    ) -> tuple[State, Any]:
        output, carry = state
        both = entering + ops.product(output, recurrent)
        entry, forget, candidate, exit_ = ops.columns(both, *[output.shape[-1]] * 4)
        entry, forget, exit_ = ops.sigmoid(entry), ops.sigmoid(forget), ops.sigmoid(exit_)
        candidate = ops.tanh(candidate)
        now = forget * carry + entry * candidate
        shown = ops.tanh(now)
        return (exit_ * shown, now), (carry, entry, forget, candidate, exit_, shown)

    def back(
        self, ops: Operations, kept: Any, gradient: Sequence[Tensor], recurrent: Tensor
    ) -> tuple[Tensor, Tensor, State]:
        carry, entry, forget, candidate, exit_, shown = kept
        of_output, of_carry = gradient
        of_carry = of_carry + ops.tanh_back(shown, of_output * exit_)
        inner = ops.beside(
            ops.sigmoid_back(entry, of_carry * candidate),
            ops.sigmoid_back(forget, of_carry * carry),
            ops.tanh_back(candidate, of_carry * entry),
            ops.sigmoid_back(exit_, of_output * shown),
        )
        return inner, inner, (ops.product(inner, recurrent, second=True), of_carry * forget)


class _Gru:
    """With `reset_after`, as Keras has it unless told otherwise: the recurrent product has a bias of its own."""

    def bias_of_inputs(self, bias: Tensor) -> Tensor:
        return bias[0]

    def step(
        self, ops: Operations, entering: Tensor, state: State, recurrent: Tensor, bias: Tensor
    ) -> tuple[State, Any]:
        (output,) = state
        units = output.shape[-1]
        returning = ops.add_row(ops.product(output, recurrent), bias[1])
        gates_in, candidate_in = ops.columns(entering, 2 * units, units)
        gates_back, candidate_back = ops.columns(returning, 2 * units, units)
        gates = ops.sigmoid(gates_in + gates_back)
        update, reset = ops.columns(gates, units, units)
        candidate = ops.tanh(candidate_in + reset * candidate_back)
        difference = output - candidate
        kept = (gates, update, reset, candidate_back, candidate, difference)
        return (candidate + update * difference,), kept

    def back(
        self, ops: Operations, kept: Any, gradient: Sequence[Tensor], recurrent: Tensor
    ) -> tuple[Tensor, Tensor, State]:
        gates, update, reset, candidate_back, candidate, difference = kept
        of_output = gradient[0]
        through = of_output * update
        of_candidate = ops.tanh_back(candidate, of_output - through)
        of_gates = ops.sigmoid_back(gates, ops.beside(of_output * difference, of_candidate * candidate_back))
        entering = ops.beside(of_gates, of_candidate)
        returning = ops.beside(of_gates, of_candidate * reset)
        return entering, returning, (through + ops.product(returning, recurrent, second=True),)

    def bias_gradient(self, ops: Operations, entering: Tensor, returning: Tensor) -> Tensor:
        return ops.stack([ops.sum_of_rows(entering), ops.sum_of_rows(returning)])


CELLS: dict[type, Cell] = {
    keras.layers.SimpleRNN: _Simple(),
    keras.layers.LSTM: _Lstm(),
    keras.layers.GRU: _Gru(),
}
