"""Whether a network still learns, as numbers: how large its gradients are, and how far a step moves its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from tunekit.insight import graph
from tunekit.insight.graph import Array, as_floats


class GradientWatch:
    """Takes the gradient of the loss while a model is looked into, from the same call of it where that is possible.

    The loss is that on the images looked at, penalties included, with dropout off.
    """

    def __init__(self, model: keras.Model, images: Array, labels: Array) -> None:
        self._model = model
        self._images = images
        self._labels = labels
        self._tape: Any = None
        self._found: Sequence[Any] | Exception | None = None

    def __enter__(self) -> GradientWatch:
        if keras.config.backend() == "tensorflow":
            import tensorflow as tf

            self._tape = tf.GradientTape()
            self._tape.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._tape is not None:
            self._tape.__exit__(*error)

    def answered(self, answers: Any) -> None:
        """Told what the model answered. A fault is kept, lest it break off the look."""
        if self._tape is None:
            return
        try:
            loss = _loss(self._model, self._labels, answers) + sum(self._model.losses)
            weights = [variable.value for variable in self._model.trainable_variables]
            self._found = self._tape.gradient(loss, weights, unconnected_gradients="zero")
        except Exception as error:
            self._found = error

    def norms(self) -> dict[str, float]:
        """`health/gradient_norm` of the whole model and `gradient/LAYER/norm`, as Euclidean norms."""
        if self._found is None:
            self._alone()
        if isinstance(self._found, Exception):
            raise self._found
        squares = _squares(self._model, [as_floats(gradient) for gradient in self._found or ()])
        layers = _by_layer(self._model, squares).items()
        norms = {f"gradient/{label}/norm": square**0.5 for label, square in layers}
        return {"health/gradient_norm": sum(squares.values()) ** 0.5, **norms}

    def _alone(self) -> None:
        """By a call of its own: the look had no call of the whole model, or the backend keeps no tape."""
        if keras.config.backend() == "jax":
            self._found = _with_jax(self._model, self._images, self._labels)
        else:
            with self, graph.step_by_step(self._model):
                self.answered(self._model(self._images, training=False))


class StepWatch:
    """Keeps the trainable weights before and after one training step."""

    def __init__(self) -> None:
        self.step: int | None = None
        """Counted from 0 within the epoch; None watches none."""
        self.before: list[Array] = []
        self.after: list[Array] = []

    def begins(self, model: keras.Model) -> None:
        self.before = _weights(model)

    def ends(self, model: keras.Model) -> None:
        self.after = _weights(model)


def _weights(model: keras.Model) -> list[Array]:
    return [as_floats(variable).copy() for variable in model.trainable_variables]


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
    flat = [array.reshape(-1).astype(np.float64) for array in arrays]
    pairs = zip(model.trainable_variables, flat, strict=True)
    return {id(variable): float(np.vdot(array, array)) for variable, array in pairs}


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
