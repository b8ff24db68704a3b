"""A model's layers as a table of text. Keras' own takes ten times as long, which counts in a trial of a second."""

from __future__ import annotations

from math import prod
from typing import Any

from tunekit.insight.graph import layers

COLUMNS = ("layer", "kind", "output", "weights")


def summary(model: Any) -> str:
    """A line for each layer, those of nested models included, and how many weights there are in all."""
    rows = [
        (name, type(layer).__name__, _output(layer), f"{_count(layer.weights):,}")
        for name, layer in layers(model)
    ]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    lines = [_line(row, widths) for row in (COLUMNS, tuple("-" * width for width in widths), *rows)]
    every, trained = _count(model.weights), _count(model.trainable_weights)
    lines.append(f"\n{model.name}: {every:,} weights, {trained:,} of them trained")
    return "\n".join(lines) + "\n"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    *texts, weights = row
    cells = [text.ljust(width) for text, width in zip(texts, widths, strict=False)]
    return "  ".join([*cells, weights.rjust(widths[-1])])


def _count(weights: Any) -> int:
    return sum(prod(weight.shape) for weight in weights)


def _output(layer: Any) -> str:
    """The shape of one example; unknown where a layer is called outside of a graph, or has several outputs."""
    try:
        return "×".join("?" if side is None else str(side) for side in layer.output.shape[1:])
    except (AttributeError, ValueError):
        return "?"
