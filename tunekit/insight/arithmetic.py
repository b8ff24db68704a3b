"""What common layers answer, computed with numpy from their weights.

Outside of a graph each operation of TensorFlow's or JAX' is prepared anew for every model, which takes a hundred times
as long as to compute it for a few small images. A trial of a second has no time for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from math import prod
from typing import Any

import keras
import ml_dtypes
import numpy as np

from tunekit.insight.graph import Array, as_array, as_floats

Formula = Callable[[Any, Array], Array]
"""From a layer and what enters it to what leaves it, both in the type that the layer computes in."""

TYPES: dict[str, type] = {"float32": np.float32, "bfloat16": ml_dtypes.bfloat16}
"""What layers compute in that numpy rounds as the frameworks do: after each operation, in which float32 adds up."""


def formula(layer: Any, inputs: Array) -> Formula | None:
    """How to compute what the layer answers to these inputs; None where only the layer itself knows."""
    compute = FORMULAS.get(type(layer))  # a subclass may do anything
    if compute is None or not is_usual(layer):
        return None
    return compute if CONDITIONS.get(type(layer), _always)(layer, inputs) else None


def is_usual(layer: Any) -> bool:
    """Whether numbers are to the layer what they are here; float16, for one, adds up as numpy does not."""
    return layer.compute_dtype in TYPES and not getattr(layer, "quantization_mode", None)


def own(layer: Any, value: Any) -> Array:
    """An input or a weight as the layer takes it."""
    return as_array(value).astype(TYPES[layer.compute_dtype], copy=False)


def function(activation: Any) -> Callable[[Array], Array]:
    """An activation over numpy arrays; the usual ones without a trip through the backend."""
    return FUNCTIONS.get(activation) or (lambda values: as_floats(activation(values)))


def softmax(values: Array) -> Array:
    """Over the last axis, without an overflow."""
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


FUNCTIONS: dict[Any, Callable[[Array], Array]] = {
    keras.activations.linear: lambda values: values,
    keras.activations.relu: lambda values: np.maximum(values, 0),
    keras.activations.sigmoid: lambda values: 0.5 + 0.5 * np.tanh(0.5 * values),
    keras.activations.softmax: softmax,
    keras.activations.tanh: np.tanh,
}


def _dense(layer: Any, inputs: Array) -> Array:
    return _biased_and_bent(layer, as_floats(inputs) @ as_floats(own(layer, layer.kernel)))


def _convolution(layer: Any, inputs: Array) -> Array:
    kernel = as_floats(own(layer, layer.kernel))
    places = _windows(as_floats(inputs), layer.kernel_size, layer.strides, layer.padding, 0.0)
    parts = kernel.reshape(-1, *kernel.shape[2:])
    return _biased_and_bent(layer, sum(place @ part for place, part in zip(places, parts, strict=True)))


def _biased_and_bent(layer: Any, found: Any) -> Array:
    """What a layer with a kernel makes of what its kernel gives."""
    found = own(layer, found)
    return _bent(layer, found + own(layer, layer.bias) if layer.use_bias else found)


def _bent(layer: Any, values: Array) -> Array:
    return own(layer, function(layer.activation)(as_floats(values)))


def _greatest(layer: Any, inputs: Array) -> Array:
    return reduce(np.maximum, _windows(inputs, layer.pool_size, layer.strides, layer.padding, -np.inf))


def _average(layer: Any, inputs: Array) -> Array:
    places = _windows(as_floats(inputs), layer.pool_size, layer.strides, layer.padding, 0.0)
    return own(layer, sum(places) / prod(layer.pool_size))


def _average_of_all(layer: Any, inputs: Array) -> Array:
    return own(layer, as_floats(inputs).mean(axis=(1, 2), keepdims=layer.keepdims))


def _windows(
    values: Array, size: Sequence[int], strides: Sequence[int], padding: str, beyond: float
) -> Iterator[Array]:
    """For each place in a window, row by row, the values there of all windows; `beyond` lies around the images."""
    if padding == "same":
        margins = [_margin(*side) for side in zip(values.shape[1:3], size, strides, strict=True)]
        values = np.pad(values, [(0, 0), *margins, (0, 0)], constant_values=beyond)
    height, width = (side - extent + 1 for side, extent in zip(values.shape[1:3], size, strict=True))
    for row, column in np.ndindex(*size):
        yield values[:, row : row + height : strides[0], column : column + width : strides[1]]


def _margin(side: int, extent: int, stride: int) -> tuple[int, int]:
    """Before and after the images: as many windows fit as there are strides along the side."""
    missing = max(0, (-(-side // stride) - 1) * stride + extent - side)
    return missing // 2, missing - missing // 2


def _normalised(layer: Any, inputs: Array) -> Array:
    """As a trained batch normalisation answers, which computes in float32 whatever its type."""
    factor: Array = 1 / np.sqrt(as_floats(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        factor = factor * as_floats(layer.gamma)
    found: Array = (as_floats(inputs) - as_floats(layer.moving_mean)) * factor
    return own(layer, found + as_floats(layer.beta) if layer.center else found)


def _standardised(layer: Any, inputs: Array) -> Array:
    least = own(layer, np.array(keras.config.epsilon()))
    deviation: Array = np.maximum(np.sqrt(own(layer, layer.variance)), least)
    return (inputs - own(layer, layer.mean)) / deviation


def _rescaled(layer: Any, inputs: Array) -> Array:
    return np.asarray(inputs * own(layer, np.array(layer.scale)) + own(layer, np.array(layer.offset)))


def _always(layer: Any, inputs: Array) -> bool:
    return True


def _channels_last(layer: Any, inputs: Array) -> bool:
    return bool(layer.data_format == "channels_last")


def _plain(layer: Any, inputs: Array) -> bool:
    return layer.groups == 1 and set(layer.dilation_rate) == {1} and _channels_last(layer, inputs)


def _whole_windows(layer: Any, inputs: Array) -> bool:
    return layer.padding == "valid" and _channels_last(layer, inputs)


def _rectifier(layer: Any, inputs: Array) -> bool:
    return layer.max_value is None and not layer.negative_slope and not layer.threshold


def _last_axis(layer: Any, inputs: Array) -> bool:
    return layer.axis in (-1, inputs.ndim - 1)


def _forward(layer: Any, inputs: Array) -> bool:
    return not layer.invert


FORMULAS: dict[type, Formula] = {
    keras.layers.Activation: _bent,
    keras.layers.AveragePooling2D: _average,
    keras.layers.BatchNormalization: _normalised,
    keras.layers.Conv2D: _convolution,
    keras.layers.Dense: _dense,
    keras.layers.Dropout: lambda layer, inputs: inputs,
    keras.layers.Flatten: lambda layer, inputs: inputs.reshape(len(inputs), -1),
    keras.layers.GlobalAveragePooling2D: _average_of_all,
    keras.layers.GlobalMaxPooling2D: lambda layer, inputs: inputs.max(axis=(1, 2), keepdims=layer.keepdims),
    keras.layers.MaxPooling2D: _greatest,
    keras.layers.Normalization: _standardised,
    keras.layers.ReLU: lambda layer, inputs: np.maximum(inputs, 0),
    keras.layers.Rescaling: _rescaled,
    keras.layers.Reshape: lambda layer, inputs: inputs.reshape(len(inputs), *layer.target_shape),
}
CONDITIONS: dict[type, Callable[[Any, Array], bool]] = {
    keras.layers.AveragePooling2D: _whole_windows,
    keras.layers.BatchNormalization: _last_axis,
    keras.layers.Conv2D: _plain,
    keras.layers.Flatten: _channels_last,
    keras.layers.GlobalAveragePooling2D: _channels_last,
    keras.layers.GlobalMaxPooling2D: _channels_last,
    keras.layers.MaxPooling2D: _channels_last,
    keras.layers.Normalization: _forward,
    keras.layers.ReLU: _rectifier,
}
