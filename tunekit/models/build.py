"""A configuration and the data's shape become a Keras model."""

from __future__ import annotations

import random
from collections.abc import Callable

import keras
import numpy as np

from tunekit.errors import ModelError
from tunekit.imports import find_function
from tunekit.models.lenet5 import lenet5
from tunekit.models.recurrent import recurrent
from tunekit.models.saved import load_saved
from tunekit.models.shape import ImageShape
from tunekit.results import Values
from tunekit.space.model_names import hypermodel_in, keras_file_in
from tunekit.space.vocabulary import PRECISION, complete

Builder = Callable[[Values, ImageShape], keras.Model]
BUILDERS: dict[str, Builder] = {"lenet5": lenet5, "recurrent": recurrent}
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Keras' name of each precision: weights and optimizers stay float32."""


def build(model: str, values: Values, data: ImageShape, seed: int) -> keras.Model:
    """The untrained model; its weights follow from the seed alone."""
    # Layers are numbered from the beginning again, so that a rebuilt model has the names its checkpoint knows.
    keras.utils.clear_session()
    completed = complete(model, values)
    settle(completed, seed)
    built = _build(model, values, completed, data, seed)
    if not isinstance(built, keras.Model):
        raise ModelError(
            f"{model}: expected a function that returns a keras.Model, got {type(built).__name__}."
        )
    _check_output(model, built, data)
    return built


def _build(model: str, values: Values, completed: Values, data: ImageShape, seed: int) -> keras.Model:
    file = keras_file_in(model)
    if file is not None:
        return load_saved(file, completed, data, seed)
    location = hypermodel_in(model)
    if location is None:
        builder = BUILDERS.get(model) or find_function("model", model, ModelError)
        return builder(completed, data)
    # Not from above: Keras Tuner takes seconds to load. Its HyperModels have defaults of their own.
    from tunekit.oracles.hypermodels import build_hypermodel

    built = build_hypermodel(location, values)
    if isinstance(built, keras.Model) and not built.built:
        built.build((None, *data.shape))
    return built


def settle(values: Values, seed: int) -> None:
    """Set what Keras takes from the whole process: the precision of new layers, the seed of what has none."""
    keras.config.set_dtype_policy(POLICIES[str(values[PRECISION])])
    _set_seed(seed)


def _set_seed(seed: int) -> None:
    """As Keras does; but its own function imports TensorFlow, seconds of every worker, whatever the backend."""
    if keras.config.backend() in ("jax", "numpy"):
        random.seed(seed)
        np.random.seed(seed)
    else:
        keras.utils.set_random_seed(seed)


def _check_output(model: str, built: keras.Model, data: ImageShape) -> None:
    try:
        shape = tuple(built.output_shape)
    except (AttributeError, ValueError):
        raise ModelError(
            f"{model}: expected a model whose input and output are known, got one that is not built. "
            f"Begin it with keras.Input({data.shape}, dtype='{data.dtype}')."
        ) from None
    expected = (None, data.classes)
    if shape != expected:
        raise ModelError(
            f"{model}: expected an output of shape {expected}, one probability per class, got {shape}. "
            f"End the model with Dense({data.classes}, activation='softmax')."
        )
