"""The layers of a convolutional network, each walked backwards as in a deconvnet.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (2014): max-pooling is undone by its
switches, rectification is repeated on the way down, and a convolution is undone by its transposed filters.
Everything but the rectification is exactly what takes the layer's gradient backwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import keras
import numpy as np

from tunekit.insight.explain.window import Window
from tunekit.insight.graph import Array, as_floats

Windows = tuple[Window, Window]
"""Along height and width."""
Field = tuple[int, int, int, int]
"""First and last row, first and last column."""


class Step(Protocol):
    """One layer on the way down to the pixels."""

    def down(self, signal: Array, entered: Array) -> Array:
        """The signal below the layer, from the one above and from what entered the layer on the way up."""
        ...

    def field(self, field: Field) -> Field:
        """What the layer reads to answer within a field."""
        ...


class _PointWise:
    """A step that looks at each place alone."""

    def field(self, field: Field) -> Field:
        return field


@dataclass(frozen=True)
class Rectification(_PointWise):
    """A ReLU: what is below zero is cut off on the way down as on the way up."""

    def down(self, signal: Array, entered: Array) -> Array:
        return np.maximum(signal, 0)


@dataclass(frozen=True)
class Scaling(_PointWise):
    """A factor for each channel, or one for all: normalisation at inference; what it adds has no way down."""

    factor: Array

    def down(self, signal: Array, entered: Array) -> Array:
        return np.asarray(signal * self.factor)


@dataclass(frozen=True)
class _Windowed:
    """A step that reads its input through a window."""

    windows: Windows

    def field(self, field: Field) -> Field:
        rows, columns = self.windows
        return (*rows.seen(*field[:2]), *columns.seen(*field[2:]))


@dataclass(frozen=True)
class Convolution(_Windowed):
    """A convolution without its bias, undone by its transposed filters."""

    kernel: Array
    """(height, width, input channels, filters)"""

    def down(self, signal: Array, entered: Array) -> Array:
        # Spread out by the stride and convolved with the kernel turned by half a turn.
        rows, columns = self.windows
        spread = _spread(signal, rows, columns)
        turned = self.kernel[::-1, ::-1].transpose(0, 1, 3, 2)
        dilation = (rows.dilation, columns.dilation)
        whole = as_floats(
            keras.ops.conv(
                spread, turned, padding="valid", data_format="channels_last", dilation_rate=dilation
            )
        )
        return _placed(whole, rows, columns)


def _spread(signal: Array, rows: Window, columns: Window) -> Array:
    """Zeros between the values of a map, as many as the stride leaves out, and around it."""
    count, height, width, channels = signal.shape
    top, left = rows.reach - 1, columns.reach - 1
    shape = (
        count,
        (height - 1) * rows.stride + 1 + 2 * top,
        (width - 1) * columns.stride + 1 + 2 * left,
        channels,
    )
    spread = np.zeros(shape, np.float32)
    spread[:, top : shape[1] - top : rows.stride, left : shape[2] - left : columns.stride] = signal
    return spread


def _placed(whole: Array, rows: Window, columns: Window) -> Array:
    """What lies within the layer's input; the rest belongs to its padding."""
    count, _, _, channels = whole.shape
    placed = np.zeros((count, rows.size, columns.size, channels), np.float32)
    inner = whole[:, rows.before :, columns.before :][:, : rows.size, : columns.size]
    placed[:, : inner.shape[1], : inner.shape[2]] = inner
    return placed


@dataclass(frozen=True)
class MaxPooling(_Windowed):
    """Undone by its switches: each value goes back to where the largest came from."""

    def down(self, signal: Array, entered: Array) -> Array:
        rows, columns = self.switches(entered)
        below = np.zeros(entered.shape, np.float32)
        images, channels = np.arange(len(signal))[:, None, None, None], np.arange(signal.shape[-1])
        # Windows may overlap: a place that is the largest of several gets all of theirs.
        np.add.at(below, (images, rows, columns, channels), signal)
        return below

    def switches(self, entered: Array) -> tuple[Array, Array]:
        """Row and column of the largest value in each window, the first of equal ones."""
        rows, columns = self.windows
        down, across = rows.places.clip(0, rows.size - 1), columns.places.clip(0, columns.size - 1)
        seen = entered[:, down][:, :, :, across]  # (images, rows, extent, columns, extent, channels)
        inside = rows.inside[:, :, None, None] & columns.inside
        seen = np.where(inside[None, ..., None], seen, -np.inf).transpose(0, 1, 3, 5, 2, 4)
        largest = seen.reshape(*seen.shape[:4], -1).argmax(axis=-1)
        which_row, which_column = np.divmod(largest, columns.extent)
        each_row = np.arange(rows.count)[None, :, None, None]
        each_column = np.arange(columns.count)[None, None, :, None]
        return down[each_row, which_row], across[each_column, which_column]


@dataclass(frozen=True)
class AveragePooling(_Windowed):
    """Each value is spread evenly over what it is the mean of; padding is no part of a mean."""

    def down(self, signal: Array, entered: Array) -> Array:
        rows, columns = self.windows
        counts = rows.inside.sum(axis=1)[:, None] * columns.inside.sum(axis=1)
        share = signal / counts[None, ..., None]
        below = np.zeros((len(signal), rows.size, columns.size, signal.shape[-1]), np.float32)
        for row, in_rows in zip(rows.places.T, rows.inside.T, strict=True):
            for column, in_columns in zip(columns.places.T, columns.inside.T, strict=True):
                part = share[:, in_rows][:, :, in_columns]
                # The places of one row or column of all windows are different, so that none is added to twice.
                below[:, row[in_rows][:, None], column[in_columns]] += part
        return below
