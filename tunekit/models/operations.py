"""What steps of recurrent cells are computed with: TensorFlow's tensors in a graph, numpy's arrays outside one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

Tensor = Any


class Operations(Protocol):
    """Matrices have a row for each image; `_back` is a gradient, from an answer and the gradient of that."""

    def inside(self, tensor: Tensor, /) -> Tensor:
        """As the operations take it."""

    def outside(self, value: Tensor, /) -> Tensor:
        """As TensorFlow takes it."""

    def product(self, one: Tensor, other: Tensor, first: bool = False, second: bool = False) -> Tensor:
        """Of two matrices, with the first or the second one transposed."""

    def tanh(self, values: Tensor, /) -> Tensor: ...

    def tanh_back(self, answer: Tensor, of_answer: Tensor, /) -> Tensor: ...

    def sigmoid(self, values: Tensor, /) -> Tensor: ...

    def sigmoid_back(self, answer: Tensor, of_answer: Tensor, /) -> Tensor: ...

    def add_row(self, values: Tensor, row: Tensor, /) -> Tensor: ...

    def sum_of_rows(self, values: Tensor, /) -> Tensor: ...

    def columns(self, values: Tensor, *widths: int) -> Sequence[Tensor]:
        """Parts so wide."""

    def rows(self, values: Tensor, parts: int, /) -> Sequence[Tensor]:
        """Parts of equal height."""

    def beside(self, *parts: Tensor) -> Tensor:
        """One matrix of them, side by side."""

    def below(self, parts: Sequence[Tensor], /) -> Tensor:
        """One matrix of them, one under the other."""

    def stack(self, parts: Sequence[Tensor], /) -> Tensor: ...

    def unstack(self, values: Tensor, count: int, /) -> Sequence[Tensor]: ...

    def transpose(self, values: Tensor, order: Sequence[int], /) -> Tensor: ...

    def reshape(self, values: Tensor, shape: Sequence[int], /) -> Tensor: ...


class Tensors:
    """For a graph."""

    tanh = staticmethod(tf.tanh)
    sigmoid = staticmethod(tf.sigmoid)
    add_row = staticmethod(tf.nn.bias_add)
    rows = staticmethod(tf.split)
    stack = staticmethod(tf.stack)
    unstack = staticmethod(tf.unstack)
    transpose = staticmethod(tf.transpose)
    reshape = staticmethod(tf.reshape)

    def inside(self, tensor: Tensor) -> Tensor:
        return tensor

    outside = inside

    def product(self, one: Tensor, other: Tensor, first: bool = False, second: bool = False) -> Tensor:
        return tf.matmul(one, other, transpose_a=first, transpose_b=second)

    def tanh_back(self, answer: Tensor, of_answer: Tensor) -> Tensor:
        return tf.raw_ops.TanhGrad(y=answer, dy=of_answer)

    def sigmoid_back(self, answer: Tensor, of_answer: Tensor) -> Tensor:
        return tf.raw_ops.SigmoidGrad(y=answer, dy=of_answer)

    def sum_of_rows(self, values: Tensor) -> Tensor:
        return tf.reduce_sum(values, 0)

    def columns(self, values: Tensor, *widths: int) -> Sequence[Tensor]:
        return tf.split(values, widths, 1)  # type: ignore[no-any-return]

    def beside(self, *parts: Tensor) -> Tensor:
        return tf.concat(parts, 1)

    def below(self, parts: Sequence[Tensor]) -> Tensor:
        return tf.concat(parts, 0)


class Arrays:
    """Outside a graph, where an operation of TensorFlow's on a small matrix takes many times as long as numpy's."""

    tanh = staticmethod(np.tanh)
    add_row = staticmethod(np.add)
    rows = staticmethod(np.split)
    below = staticmethod(np.concatenate)
    stack = staticmethod(np.stack)
    transpose = staticmethod(np.transpose)

    def inside(self, tensor: Tensor) -> Tensor:
        return np.asarray(tensor)

    def outside(self, value: Tensor) -> Tensor:
        return tf.constant(value)

    def product(self, one: Tensor, other: Tensor, first: bool = False, second: bool = False) -> Tensor:
        return (one.T if first else one) @ (other.T if second else other)

    def tanh_back(self, answer: Tensor, of_answer: Tensor) -> Tensor:
        return of_answer * (1 - answer * answer)

    def sigmoid(self, values: Tensor) -> Tensor:
        return 0.5 + 0.5 * np.tanh(0.5 * values)

    def sigmoid_back(self, answer: Tensor, of_answer: Tensor) -> Tensor:
        return of_answer * answer * (1 - answer)

    def sum_of_rows(self, values: Tensor) -> Tensor:
        return values.sum(axis=0)

    def columns(self, values: Tensor, *widths: int) -> Sequence[Tensor]:
        return np.split(values, np.cumsum(widths)[:-1], axis=1)

    def beside(self, *parts: Tensor) -> Tensor:
        return np.concatenate(parts, axis=1)

    def unstack(self, values: Tensor, count: int) -> Sequence[Tensor]:
        return list(values)

    def reshape(self, values: Tensor, shape: Sequence[int]) -> Tensor:
        return values.reshape(shape)
