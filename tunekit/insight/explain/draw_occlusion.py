"""Which parts of images matter: figure 7 of Zeiler and Fergus."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunekit.insight import canvas
from tunekit.insight.canvas import NORMAL, SMALL, WIDTH, Box, Page, Scale
from tunekit.insight.explain.occlusion import Occlusion
from tunekit.insight.explain.picture import Picture
from tunekit.insight.graph import Array

PROBABILITY = Scale(0.0, 1.0)
EDGE, TOP, GAP = 0.12, 0.86, 0.05
BARS = 1.05
"""Inches at the right for a scale."""


def draw_occlusion(
    seen: Sequence[Occlusion], layer: str | None, names: Sequence[str], heading: str, folder: Path
) -> Picture:
    """Each image beside its maps, two images in a row."""
    maps = 1 if layer is None else 2
    block = (WIDTH - EDGE - BARS - 0.3) / 2
    side = min(1.3, (block - maps * GAP) / (maps + 1))
    rows = -(-len(seen) // 2)
    page = Page(TOP + rows * (side + 0.34) - 0.1, f"{heading}: which parts of an image matter")
    square = seen[0].side
    what = f"A square of {square}×{square} pixels in the training images' mean colour moves over each image."
    page.text(EDGE, 0.36, what, SMALL)
    what = "Map: the probability of the true class while the square's middle is there"
    what += f"; then the strongest filter of {layer}, 1 being without the square." if layer else "."
    page.text(EDGE, 0.51, what, SMALL)
    activation = _common([one.activation for one in seen if one.activation is not None])
    for place, one in enumerate(seen):
        row, column = divmod(place, 2)
        left, top = EDGE + column * (block + 0.2), TOP + row * (side + 0.34)
        text = (
            f"{canvas.short_name(names[one.label], 14)}: {one.plain:.0%}, down to {one.probability.min():.0%}"
        )
        text += f"; filter {one.filter}" if one.filter is not None else ""
        page.text(left, top - 0.16, text, SMALL)
        first, second, where = (
            Box(left + number * (side + GAP), top, side, side).fit(*one.image.shape[:2])
            for number in range(3)
        )
        page.image(canvas.photographs(one.image[None])[0], first)
        page.image(PROBABILITY.paint(one.probability), second)
        if one.activation is not None:
            page.image(activation.paint(one.activation), where)
        elif layer:
            page.text(where.left + 0.05, top + 0.05, "no filter\nanswers", NORMAL)
    bar = min(1.2, (page.height - TOP - 0.4) / maps - 0.2)
    page.colour_bar(PROBABILITY, Box(WIDTH - 0.85, TOP, 0.16, bar), "probability")
    if layer:
        page.colour_bar(activation, Box(WIDTH - 0.85, TOP + bar + 0.4, 0.16, bar), "filter")
    page.save(folder / "occlusion.png")
    deepest = max(seen, key=lambda one: one.plain - float(one.probability.min()))
    return Picture(
        file="occlusion.png",
        title="Which parts of an image matter",
        caption=f"A grey square of {square}×{square} pixels moves over each image; dark is where hiding it lowers the "
        "probability of the true class" + (f", or the strongest filter of {layer}." if layer else "."),
        alt=f"{len(seen)} validation images, each beside its heat maps. Hiding a part of the "
        f"{names[deepest.label]} lowers its probability from {deepest.plain:.0%} to {deepest.probability.min():.0%}.",
    )


def _common(activations: Sequence[Array]) -> Scale:
    """One scale for all maps, with 1 in it; covering a part can raise a filter's answer as well."""
    low = min((float(values.min()) for values in activations), default=0.0)
    high = max((float(values.max()) for values in activations), default=1.0)
    return Scale(min(low, 0.99), max(high, 1.0), "cividis")
