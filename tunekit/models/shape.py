"""What a model must know of the images it is built for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageShape:
    """What a model must know of its data; a user's own model function gets it as its second argument."""

    shape: tuple[int, int, int]
    """Height, width and channels."""
    classes: int
    mean: tuple[float, ...]
    """Per channel, of pixels divided by 255."""
    std: tuple[float, ...]
