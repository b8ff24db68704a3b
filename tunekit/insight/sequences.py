"""Recurrent layers: their kernels gate by gate, and hidden state and gates as an image is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tunekit.insight import canvas
from tunekit.insight.canvas import DPI, SMALL, Box, Page, Scale
from tunekit.insight.graph import Array
from tunekit.insight.look import Look
from tunekit.insight.recurrent import Recurrent

LAYERS = 3
"""Recurrent layers in one picture."""
CLASSES = 12
SIDE = 128
"""Most inputs or units shown of a kernel along one side: four gates then have a pixel for each weight."""
LEFT, TOP, ACROSS, ROW = 0.95, 0.62, 5.05, 0.62
"""Inches; a row of the hidden state is one image."""
LOW = 0.34
"""Inches of a row of gates where several layers stand below each other: still a pixel for each of 28 steps."""


def draw_kernels(recurrents: Sequence[Recurrent], heading: str, path: Path) -> Path:
    """Input and recurrent kernel of each layer, its gates side by side, all on one scale."""
    shown = recurrents[:LAYERS]
    kernels = [kernel for layer in shown for kernel in (layer.kernel, layer.recurrent_kernel)]
    scale = Scale.signed(*kernels)
    heights = [float(np.clip(0.014 * len(kernel), 0.6, 1.8)) for kernel in kernels]
    which = f", first {LAYERS} of {len(recurrents)} layers" if len(recurrents) > LAYERS else ""
    page = Page(0.4 + sum(heights) + 0.62 * len(kernels), f"{heading}: recurrent kernels{which}")
    top = 0.42
    for place, (kernel, height) in enumerate(zip(kernels, heights, strict=True)):
        _kernel(page, shown[place // 2], kernel, Box(0.62, top + 0.22, 5.4, height), scale)
        top += height + 0.62
    page.colour_bar(scale, Box(6.2, 0.64, 0.2, min(2.4, page.height - 1.1)), "weight, one scale for all")
    return page.save(path)


def _kernel(page: Page, layer: Recurrent, kernel: Array, box: Box, scale: Scale) -> None:
    """One kernel: its gates from left to right, its inputs downwards."""
    back = kernel is layer.recurrent_kernel
    units = layer.recurrent_kernel.shape[0]
    what = "recurrent kernel" if back else "input kernel"
    gates = f"{len(layer.gates)} gates of " if len(layer.gates) > 1 else ""
    cut = f", the first {SIDE} of each" if max(units, len(kernel)) > SIDE else ""
    name = (
        f"{canvas.short(layer.layer, 30)} ({layer.kind}): {what}, {len(kernel)} × {gates}{units} units{cut}"
    )
    page.text(0.12, box.top - 0.22, name + canvas.broken(kernel))
    blocks = np.stack(np.split(kernel[:SIDE], len(layer.gates), axis=1))[:, :, :SIDE]
    grid = page.grid(scale.paint(blocks), len(blocks), box, gap=4)
    page.label(grid, columns=layer.gates)
    page.text(box.left - 0.06, box.top, "0", SMALL, "ra")
    page.text(box.left - 0.06, grid.bottom, str(blocks.shape[1] - 1), SMALL, "rd")
    page.beside(box.left - 0.3, box.top + box.height / 2, "from unit" if back else "input")


def draw_hidden(look: Look, heading: str, path: Path) -> Path:
    """For one image of each class, a row: the image, and each layer's state after each of its steps."""
    layers = [recurrent for recurrent in look.recurrents if recurrent.states is not None][:LAYERS]
    rows = _one_of_each(look)
    height = ROW * len(rows)
    page = Page(TOP + height + 0.55, f"{heading}: hidden state, one image of each class")
    page.text(0.12, 0.36, "Downwards the steps, in the order of reading; across the units.")
    grid = page.grid(canvas.photographs(look.images[rows]), 1, Box(LEFT, TOP, ROW - 0.04, height), gap=4)
    page.label(grid, canvas.class_names(look.class_names, look.labels[rows]), under="image")
    states = [np.asarray(layer.states)[rows] for layer in layers]
    scale = Scale.signed(*states)
    left = LEFT + ROW + 0.04
    width = (LEFT + ACROSS - left) / len(layers)
    for place, (layer, state) in enumerate(zip(layers, states, strict=True)):
        _states(page, layer, state, Box(left + width * place, TOP, width - 0.08, height), scale)
    page.colour_bar(scale, Box(6.2, TOP, 0.2, min(2.4, height)), "hidden state")
    return page.save(path)


def _one_of_each(look: Look) -> list[int]:
    """The first image of each class, in the order of the classes."""
    labels = np.asarray(look.labels).reshape(len(look.images), -1)[:, 0]
    _, firsts = np.unique(labels, return_index=True)
    return [int(first) for first in firsts[:CLASSES]]


def draw_gates(look: Look, heading: str, path: Path) -> Path:
    """For one image of each class, a row: how far each gate of each unit is open after each step."""
    layers = [recurrent for recurrent in look.recurrents if recurrent.gate_values][:LAYERS]
    rows = _one_of_each(look)
    height = (ROW if len(layers) == 1 else LOW) * len(rows)
    page = Page(TOP + len(layers) * (height + 0.72), f"{heading}: gates, one image of each class")
    page.text(0.12, 0.36, "Downwards the steps, in the order of reading; across the units.")
    gates = [gate[rows] for layer in layers for gate in layer.gate_values.values()]
    bounded = all(layer.saturated is not None for layer in layers)
    scale = Scale(0.0, 1.0) if bounded else Scale.of(np.concatenate([gate.reshape(-1) for gate in gates]))
    for place, layer in enumerate(layers):
        top = TOP + place * (height + 0.72) + 0.18
        _gates(page, look, layer, rows, Box(LEFT, top, ACROSS, height), scale)
    label = "gate: 0 is shut, 1 is open" if bounded else "gate"
    page.colour_bar(scale, Box(6.2, TOP + 0.18, 0.2, min(2.4, height)), label)
    return page.save(path)


def _gates(page: Page, look: Look, layer: Recurrent, rows: Sequence[int], box: Box, scale: Scale) -> None:
    """One layer: the images, and a column of tiles for each gate."""
    side = box.height / len(rows) - 0.04
    photographs = canvas.photographs(look.images[rows])
    grid = page.grid(photographs, 1, Box(box.left, box.top, side, box.height), gap=4)
    page.label(grid, canvas.class_names(look.class_names, look.labels[rows]), under="image")
    left = box.left + side + 0.08
    width = (box.right - left) / len(layer.gate_values)
    cut = ""
    for place, (name, values) in enumerate(layer.gate_values.items()):
        shown, cut = _fitted(values[rows], side, width - 0.08)
        column = Box(left + place * width, box.top, width - 0.08, box.height)
        lines = [name]
        if layer.saturated is not None:
            lines = [f"{name}: mean {values.mean():.2f}"]
            lines.append(f"{np.mean(values < 0.05):.0%} below .05, {np.mean(values > 0.95):.0%} above .95")
        page.label(page.grid(scale.paint(shown), 1, column, gap=4), under="\n".join(lines))
    page.text(0.12, box.top - 0.19, f"{canvas.short(layer.layer, 30)} ({layer.kind}): {cut}")


def _fitted(values: Array, height: float, width: float) -> tuple[Array, str]:
    """No more steps and units than there are pixels, and what is shown as text."""
    steps, units = values.shape[1:]
    stride = -(-steps // round(height * DPI))
    shown = values[:, ::stride, : round(width * DPI)]
    count = f"{units} units" if shown.shape[2] == units else f"first {shown.shape[2]} of {units} units"
    return shown, f"{count}, {steps} steps" + (f" (one in {stride})" if stride > 1 else "")


def _states(page: Page, layer: Recurrent, state: Array, box: Box, scale: Scale) -> None:
    """One layer's column: a tile for each image, steps downwards, no more units than pixels."""
    shown, cut = _fitted(state, ROW - 0.04, box.width)
    grid = page.grid(scale.paint(shown), 1, box, gap=4)
    lines = [f"{canvas.short(layer.layer, 20)}: {cut}"]
    if layer.saturated is not None:
        lines.append(
            f"{layer.saturated:.1%} of {'states' if layer.kind == 'SimpleRNN' else 'gates'} saturated"
        )
    if not np.isfinite(state).all():
        lines.append("not finite: magenta")
    page.label(grid, under="\n".join(lines))
