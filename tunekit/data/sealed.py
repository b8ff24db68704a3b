"""The sealed test part: opened once, when a search's winner is evaluated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekit.data.images import digest, unfit
from tunekit.data.prepared import Prepared
from tunekit.data.sources import source_of
from tunekit.space.space import DataSpec


@dataclass(frozen=True)
class TestSet:
    """The test images and their labels."""

    __test__ = False  # not a class of tests, whatever pytest makes of the name

    x: NDArray[np.uint8]
    """(N, H, W, C)"""
    y: NDArray[np.int64]
    sha256: str
    """Of images and labels, shapes and dtypes included."""


def open_test(spec: DataSpec, prepared: Prepared) -> TestSet:
    """Read the test part. Nothing else in tunekit does, and nothing learnt from it may steer a search."""
    source = source_of(spec)
    images = source.test(len(prepared.class_names))
    if images.x.shape[1:] != prepared.shape:
        remedy = "Bring the training and the test images to one size and number of channels."
        expected = f"test images of shape {prepared.shape} like the training images"
        raise unfit(source.name, expected, f"{images.x.shape[1:]}", remedy)
    return TestSet(images.x, images.y, digest(images.x, images.y))
