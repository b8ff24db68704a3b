"""Where a window that slides along one side of an image reads it: of a convolution or a pooling layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunekit.insight.graph import Array


@dataclass(frozen=True)
class Window:
    """A window along one side; with padding it may reach beyond either end."""

    size: int
    """Of the side that it slides along."""
    extent: int
    """Places that it reads at a time."""
    stride: int = 1
    dilation: int = 1
    """Distance of two places that it reads."""
    same: bool = False
    """Padded so that a stride of 1 keeps the size; else it stays inside."""

    @property
    def reach(self) -> int:
        """From the first place that it reads to the last."""
        return (self.extent - 1) * self.dilation + 1

    @property
    def count(self) -> int:
        """Of its positions."""
        if self.same:
            return -(-self.size // self.stride)
        return (self.size - self.reach) // self.stride + 1

    @property
    def before(self) -> int:
        """Padding before the first place; of an odd number the larger half comes after the last."""
        if not self.same:
            return 0
        return max((self.count - 1) * self.stride + self.reach - self.size, 0) // 2

    @property
    def places(self) -> Array:
        """What it reads at each position, (count, extent); outside of the side it is padding."""
        firsts = np.arange(self.count) * self.stride - self.before
        return np.asarray(firsts[:, None] + np.arange(self.extent) * self.dilation)

    @property
    def inside(self) -> Array:
        """Which of the places are not padding."""
        return np.asarray((self.places >= 0) & (self.places < self.size))

    def seen(self, first: int, last: int) -> tuple[int, int]:
        """First and last place that the positions from `first` to `last` read, padding included."""
        return first * self.stride - self.before, last * self.stride - self.before + self.reach - 1


def windows_of(layer: Any, size: tuple[int, int], extent: tuple[int, int]) -> tuple[Window, Window]:
    """The windows of a two-dimensional layer along height and width."""
    dilation = getattr(layer, "dilation_rate", (1, 1))
    rows, columns = (
        Window(size[side], extent[side], layer.strides[side], dilation[side], layer.padding == "same")
        for side in (0, 1)
    )
    return rows, columns
