"""What can be told of a data set at a glance: from its headers and labels, without decoding an image."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from tunekit.data.images import unfit
from tunekit.data.npz import EXPECTED, PARTS, REMEDY, WHOLE, Npz
from tunekit.data.tfds_builder import find_builder


@dataclass(frozen=True)
class Glance:
    """Of the examples to learn from, the validation part included."""

    count: int | None
    shape: tuple[int, ...] | None
    """Of one example, the channels of images included; None where it differs or cannot be known yet."""
    classes: int | None


def glance_digits(location: str) -> Glance:
    return Glance(1438, (8, 8, 1), 10)


def glance_tfds(location: str) -> Glance:
    """From what TensorFlow Datasets knows of the set; how many images only once it has been prepared."""
    info = find_builder(location).info
    image, label = info.supervised_keys or ("image", "label")
    features: Mapping[str, Any] = dict(info.features)
    shape: tuple[int | None, ...] = getattr(features.get(image), "shape", None) or (None,)
    return Glance(
        info.splits["train"].num_examples if "train" in info.splits else None,
        None if None in shape else tuple(int(length or 0) for length in shape),
        getattr(features.get(label), "num_classes", None),
    )


def glance_npz(location: str) -> Glance:
    """The header of the images, and the labels."""
    Npz(location).identity()  # says what is wrong where there is no such file
    try:
        with zipfile.ZipFile(location) as archive:
            names = {Path(name).stem for name in archive.namelist()}
            if not (names >= PARTS or (names >= WHOLE and not names & PARTS)):
                raise unfit(location, EXPECTED, ", ".join(sorted(names)[:8]) or "no array", REMEDY)
            x, y = ("x_train", "y_train") if names >= PARTS else ("x", "y")
            shape = _shape(archive, f"{x}.npy")
            with archive.open(f"{y}.npy") as file:
                labels = npy.read_array(file, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise unfit(location, EXPECTED, f"a file that cannot be read ({error})", REMEDY) from None
    if len(shape) not in (3, 4):
        expected = "images of shape (N, H, W) or (N, H, W, C)"
        raise unfit(f"{location}: {x}", expected, f"shape {shape}", "Reshape the array before it is saved.")
    image = shape[1:] if len(shape) == 4 else (*shape[1:], 1)
    return Glance(shape[0], image, len(np.unique(labels)))


def _shape(archive: zipfile.ZipFile, member: str) -> tuple[int, ...]:
    with archive.open(member) as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape: tuple[int, ...] = read(file)[0]
        return shape
