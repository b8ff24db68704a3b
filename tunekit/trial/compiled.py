"""Models that are ready to train: compiled by tunekit, or by the HyperModel that builds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
from numpy.typing import NDArray

from tunekit.errors import ModelError
from tunekit.insight.arithmetic import softmax
from tunekit.results import Scalar
from tunekit.space.model_names import hypermodel_in
from tunekit.space.space import Objective
from tunekit.trial.training import compile_model


def make_ready(
    name: str, model: keras.Model, values: Mapping[str, Scalar], steps_per_epoch: int, max_epochs: int
) -> None:
    """Compile the model unless its HyperModel has; the optimizer's state exists from here on."""
    if not (hypermodel_in(name) and model.compiled):
        compile_model(model, values, steps_per_epoch, max_epochs)
        return
    _check_loss(name, model)
    if model.optimizer is None:
        raise ModelError(f"{name}: expected a model that is compiled with an optimizer, got one without.")
    model.optimizer.build(model.trainable_variables)


def _check_loss(name: str, model: keras.Model) -> None:
    """Labels are whole numbers: a loss of one-hot vectors would stop at the first batch, in words of Keras' own."""
    loss = keras.losses.get(model.loss)
    if (
        isinstance(loss, keras.losses.CategoricalCrossentropy)
        or loss is keras.losses.categorical_crossentropy
    ):
        raise ModelError(
            f"{name}: expected a loss of whole-number labels, got categorical_crossentropy. "
            "Compile the model with loss='sparse_categorical_crossentropy'."
        )


def check_metric(name: str, metrics: Iterable[str], objective: Objective) -> None:
    """A search ranks by what its models measure."""
    wanted, found = objective.metric, tuple(metrics)
    if wanted not in found:
        raise ModelError(
            f"{name}: expected a model that measures {wanted}, for the objective {objective.name}, got "
            f"{', '.join(found)}. Compile it with metrics=['{wanted}']."
        )


def as_probabilities(model: keras.Model, said: NDArray[Any]) -> NDArray[Any]:
    """What the model said, after the softmax that is yet to come where its loss is one of logits."""
    if not getattr(getattr(model, "loss", None), "from_logits", False):
        return said
    return softmax(said)
