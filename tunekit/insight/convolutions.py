"""Convolutions and their kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tunekit.insight.graph import Array, as_floats

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
TRANSPOSED = (keras.layers.Conv1DTranspose, keras.layers.Conv2DTranspose)


@dataclass(frozen=True)
class Filters:
    """The kernel of a convolution."""

    layer: str
    kernel: Array
    """(height, width, input channels, filters); a one-dimensional convolution has height 1."""


def kernel_of(convolution: Any) -> Any:
    """Its variable; of a separable one that of its depthwise part."""
    return convolution.kernel if hasattr(convolution, "kernel") else convolution.depthwise_kernel


def kernels_of(
    found: Sequence[tuple[Any, str]], value: Callable[[Any], Array | None] = as_floats
) -> tuple[Filters, ...]:
    """Of layers and their names, in order; those of volumes have no picture.

    `value` reads a variable as it is now, or as it was where that is known.
    """
    kept = []
    for layer, label in found:
        if not isinstance(layer, CONVOLUTIONS) or not layer.built:
            continue
        kernel = value(kernel_of(layer))
        if kernel is None:
            continue
        if isinstance(layer, TRANSPOSED):
            kernel = np.swapaxes(kernel, -1, -2)
        if kernel.ndim == 3:
            kernel = kernel[None]
        if kernel.ndim == 4:
            kept.append(Filters(label, kernel))
    return tuple(kept)
