"""What both built-in models share."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from tunekit.errors import ModelError
from tunekit.models.shape import ImageShape
from tunekit.results import Scalar


def need_images(model: str, data: ImageShape, least: int = 1) -> None:
    """ModelError unless the data are images of at least so many pixels along either side."""
    if len(data.shape) != 3:
        raise ModelError(
            f"model {model}: expected images, got vectors of {data.shape[0]} features. If a row's columns are pixels, "
            "say so in the data section, such as `shape: [28, 28]`; otherwise use a model of your own, "
            "`model: module:function`."
        )
    if min(data.shape[:2]) < least:
        height, width = data.shape[:2]
        raise ModelError(
            f"model {model}: expected images of at least {least} x {least} pixels, which it halves twice, got "
            f"{height} x {width}. Use larger images, the model recurrent, or one of your own."
        )


def image_input(shape: tuple[int, ...]) -> keras.KerasTensor:
    """Images stay uint8 until they are inside the model: a quarter of the memory and of the copying."""
    return keras.Input(shape, dtype="uint8", name="image")


def standardise(images: keras.KerasTensor, mean: Sequence[float], std: Sequence[float]) -> keras.KerasTensor:
    """Pixels of 0 to 255 with mean 0 and variance 1 per channel over the training images."""
    scaled = keras.layers.Rescaling(1 / 255, name="scale")(images)
    # A channel that never changes would be divided by 0.
    variance = [max(value, 1e-3) ** 2 for value in std]
    return keras.layers.Normalization(mean=list(mean), variance=variance, name="standardise")(scaled)


def l2(strength: Scalar) -> keras.regularizers.Regularizer | None:
    """A penalty of this strength; none at all where it is 0, which saves its computation."""
    return keras.regularizers.L2(float(strength)) if strength else None
