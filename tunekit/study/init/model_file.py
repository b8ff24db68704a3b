"""The first model function of a user's own: a small one that works as it is."""

from __future__ import annotations

import re
from pathlib import Path

from tunekit.data.glance import Glance

FUNCTION = "build"
TEXT = '''"""The model of {space}. Change it as you like; `tunekit check {space}` says whether it still builds."""

import keras
from keras import layers


def {function}(values, data):
    """`values` has one value of each parameter of the space file, `data` says what the examples are like.

{shape}
    data.classes  how many classes there are
    """
{entrance}
    for _ in range(values["layers"]):
        x = layers.Dense(values["width"], activation="relu")(x)
        x = layers.Dropout(values["dropout"])(x)
    # One probability for each class. Not compiled here: the optimizer is the space file's.
    return keras.Model(inputs, layers.Dense(data.classes, activation="softmax")(x))
'''
IMAGE = """    data.shape    of one example; (height, width, channels) for images, whose pixels come as 0 to 255"""
IMAGES = """    inputs = keras.Input(data.shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    # For images of some size, convolutions do better than what follows:
    # x = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
    # x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)"""
ANY = f"""{IMAGE};
                  (features,) for vectors
    data.mean     of each feature of vectors, and as data.std its standard deviation"""
ANYTHING = """    inputs = keras.Input(data.shape, dtype=data.dtype)
    if len(data.shape) == 3:
        x = layers.Flatten()(layers.Rescaling(1 / 255)(inputs))
    else:
        variance = [deviation**2 for deviation in data.std]
        x = layers.Normalization(mean=list(data.mean), variance=variance)(inputs)"""
"""How it begins where the examples are no images, or may be none."""


def module_of(space_file: Path) -> str:
    """A name that Python can import: my-space.yaml has its model in my_space_model.py."""
    stem = re.sub(r"\W", "_", space_file.stem, flags=re.ASCII)
    return f"{'_' if stem[:1].isdigit() else ''}{stem}_model"


def model_text(space_file: Path, seen: Glance) -> str:
    images = seen.shape is not None and len(seen.shape) == 3
    shape, entrance = (IMAGE, IMAGES) if images else (ANY, ANYTHING)
    return TEXT.format(space=space_file.name, function=FUNCTION, shape=shape, entrance=entrance)
