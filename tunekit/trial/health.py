"""Whether a network still learns, as numbers: how large its gradients are, and how far a step moves its weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tunekit.insight import flow, graph
from tunekit.insight.graph import Array, as_floats


class StepWatch:
    """Keeps the trainable weights before and after one training step, and its gradients where the loop knows them."""

    def __init__(self) -> None:
        self.step: int | None = None
        """Counted from 0 within the epoch; None watches none."""
        self.before: list[Array] = []
        self.after: list[Array] = []
        self.gradients: list[Array] | None = None
        """By the order of the weights; empty where a weight has none."""
        self.squares: list[float] | None = None
        """Of gradients of which the loop knows no more: the sums of squares, in the same order."""
        self.seconds = 0.0
        """That watching took."""

    def begins(self, model: keras.Model) -> None:
        began = time.perf_counter()
        self.before = _weights(model)
        self.seconds = time.perf_counter() - began

    def ends(
        self,
        model: keras.Model,
        gradients: Callable[[], list[Array] | None] = lambda: None,
        squares: list[float] | None = None,
    ) -> None:
        began = time.perf_counter()
        self.after, self.gradients, self.squares = _weights(model), gradients(), squares
        self.seconds += time.perf_counter() - began


def gradient_norms(model: keras.Model, watched: StepWatch, images: Array, labels: Array) -> dict[str, float]:
    """`health/gradient_norm` of the whole model and `gradient/LAYER/norm`, as Euclidean norms.

    Of the step that was watched, before they are clipped. Where it did not tell them, of the loss on the images,
    penalties included, with dropout off.
    """
    if watched.squares is not None:
        squares = dict(zip(map(id, model.trainable_variables), watched.squares, strict=True))
    else:
        found: Any = watched.gradients
        if found is None:
            alone = _with_jax if keras.config.backend() == "jax" else _with_a_tape
            found = alone(model, images, labels)
        squares = _squares(model, [as_floats(gradient) for gradient in found])
    norms = {f"gradient/{label}/norm": square**0.5 for label, square in _by_layer(model, squares).items()}
    return {"health/gradient_norm": sum(squares.values()) ** 0.5, **norms}


def _weights(model: keras.Model) -> list[Array]:
    # In memory of their own: what JAX shows as an array, a later step may use again.
    return [np.require(as_floats(variable), requirements="O") for variable in model.trainable_variables]


def update_ratios(model: keras.Model, watched: StepWatch) -> dict[str, float]:
    """`health/update_ratio` of the whole model and `update/LAYER/ratio`; nothing where no step was watched.

    The change of the trainable weights in one step over the weights before it, both as Euclidean norms: around
    0.001 is usual, far less hardly learns, and far more is unstable.
    """
    if not watched.after:
        return {}
    pairs = zip(watched.after, watched.before, strict=True)
    moved = _squares(model, [after - before for after, before in pairs])
    sizes = _squares(model, watched.before)
    found = {"health/update_ratio": _ratio(sum(moved.values()), sum(sizes.values()))}
    of_layers = _by_layer(model, sizes)
    for label, square in _by_layer(model, moved).items():
        found[f"update/{label}/ratio"] = _ratio(square, of_layers[label])
    return found


def _with_a_tape(model: keras.Model, images: Array, labels: Array) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape, flow.step_by_step(model):
        loss = _loss(model, labels, model(images, training=False)) + sum(model.losses)
    weights = [variable.value for variable in model.trainable_variables]
    return tape.gradient(loss, weights, unconnected_gradients="zero")


def _with_jax(model: keras.Model, images: Array, labels: Array) -> Any:
    import jax

    fixed = [variable.value for variable in model.non_trainable_variables]

    def loss(trainable: list[Any]) -> Any:
        # Without `training`, which means off: a user's model need not have the argument.
        answers, _, penalties = model.stateless_call(trainable, fixed, images, return_losses=True)
        return _loss(model, labels, answers) + sum(penalties)

    # Compiled as a whole: operation by operation JAX would compile each one.
    return jax.jit(jax.grad(loss))([variable.value for variable in model.trainable_variables])


def _loss(model: keras.Model, labels: Array, answers: Any) -> Any:
    """Of all examples together; what a HyperModel has compiled may be a name, or a function of each example."""
    return keras.ops.mean(keras.losses.get(model.loss)(labels, answers))


def _squares(model: keras.Model, arrays: Sequence[Array]) -> dict[int, float]:
    """Sums of squares by the trainable variable's identity."""
    pairs = zip(model.trainable_variables, arrays, strict=True)
    return {id(variable): graph.sum_of_squares(array) for variable, array in pairs}


def _by_layer(model: keras.Model, squares: Mapping[int, float]) -> dict[str, float]:
    sums = {}
    for layer, label in graph.named(model):
        own = [squares[id(variable)] for variable in layer.trainable_weights if id(variable) in squares]
        if own:
            sums[label] = sum(own)
    return sums


def _ratio(moved: float, size: float) -> float:
    """Of norms, from their squares; weights that are all 0 have none."""
    return float((moved / size) ** 0.5) if size else float("nan")
