"""What a model must know of the data it is built for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageShape:
    """What a model must know of its data; a user's own model function gets it as its second argument."""

    shape: tuple[int, ...]
    """Height, width and channels of images; the number of features of vectors."""
    classes: int
    mean: tuple[float, ...]
    """Per channel, of pixels divided by 255; per feature of vectors."""
    std: tuple[float, ...]

    @property
    def dtype(self) -> str:
        """What the model is given: uint8 of images, float32 of vectors."""
        return "uint8" if len(self.shape) == 3 else "float32"
