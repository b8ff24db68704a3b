"""A saved model that trials begin with: its weights are kept, and training goes on from them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tunekit.errors import ModelError
from tunekit.models.saved_file import check_saved
from tunekit.models.shape import ImageShape
from tunekit.results import Values
from tunekit.space.model_names import KerasFile


def load_saved(file: KerasFile, values: Values, data: ImageShape, seed: int) -> keras.Model:
    """The model with the file's weights, its first layers frozen where the configuration says so.

    Nothing of the file is run: safe mode refuses what holds code, and how it was compiled is not read.
    """
    check_saved(file)
    try:
        model = keras.saving.load_model(file.path, compile=False, safe_mode=True)
    except MemoryError:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:300]
        raise ModelError(
            f"model {file.path}: expected a model of Keras' own layers that can be loaded without running code, got: "
            f"{type(error).__name__}: {reason} Where it has layers of your own, load it in a function of your own."
        ) from error
    _check_fits(file.path, model, data)
    _freeze(file.path, model, int(values["freeze"]))
    _reseed(model, seed)
    return model


def _check_fits(path: str, model: Any, data: ImageShape) -> None:
    shape = getattr(model, "input_shape", None)
    if not _takes(shape, data.shape):
        raise ModelError(
            f"model {path}: expected an input of shape {(None, *data.shape)}, as the data's examples have, "
            f"got {shape}. Bring images to the model's size with `size` and `channels` of the data, or choose "
            "another model."
        )
    outputs = getattr(model, "output_shape", None)
    if outputs != (None, data.classes):
        raise ModelError(
            f"model {path}: expected an output of shape {(None, data.classes)}, a probability for each of the data's "
            f"classes, got {outputs}. Choose data with the model's classes, or give the model a new last "
            "layer in a function of your own."
        )


def _takes(shape: Any, wanted: tuple[int, ...]) -> bool:
    """A side that the model leaves open takes any length."""
    if not isinstance(shape, tuple) or len(shape) != len(wanted) + 1 or shape[0] is not None:
        return False
    return all(side in (None, other) for side, other in zip(shape[1:], wanted, strict=True))


def _freeze(path: str, model: keras.Model, count: int) -> None:
    layers = [layer for layer in model.layers if layer.weights]
    if count and count >= len(layers):
        raise ModelError(
            f"model {path}: expected freeze to leave a layer to train, got {count} of {len(layers)} layers with "
            f"weights. Freeze at most {len(layers) - 1}, which trains the last one alone."
        )
    for layer in layers[:count]:
        layer.trainable = False


def _reseed(model: keras.Model, seed: int) -> None:
    """Dropout goes by the trial's seed, and not by the state that the file was saved with."""
    states = [variable for variable in model.variables if variable.name == "seed_generator_state"]
    for number, state in enumerate(states):
        state.assign(np.array([seed, number], dtype="uint32"))
