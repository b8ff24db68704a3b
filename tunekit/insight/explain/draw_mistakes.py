"""The images a model is most mistaken about, and the classes it mixes up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib.colors
import numpy as np

from tunekit.insight import canvas
from tunekit.insight.canvas import BLUE, ORANGE, SMALL, WIDTH, Box, Page
from tunekit.insight.explain.mistakes import Mistakes
from tunekit.insight.explain.picture import Picture
from tunekit.insight.graph import Array

ACROSS = 8
EDGE, TOP = 0.12, 0.66
TILE = (WIDTH - 2 * EDGE + 0.06) / ACROSS - 0.06
TEXT = 0.56
"""Inches below an image for its text."""


def draw_mistakes(
    found: Mistakes, images: Array, names: Sequence[str], heading: str, folder: Path
) -> Picture:
    """The images with their true classes, the predicted ones and how sure the model was."""
    rows = -(-len(found.worst) // ACROSS)
    page = Page(TOP + rows * (TILE + TEXT), f"{heading}: the images it gets most wrong")
    rate = f"{found.wrong} of {found.images} validation images are wrong ({found.wrong / found.images:.1%})"
    page.text(EDGE, 0.36, f"{rate}; these with the most certainty.", SMALL)
    for place, one in enumerate(found.worst):
        row, column = divmod(place, ACROSS)
        left, top = EDGE + column * (TILE + 0.06), TOP + row * (TILE + TEXT)
        picture = canvas.photographs(images[one.image][None])[0]
        page.image(picture, Box(left, top, TILE, TILE).fit(*picture.shape[:2]))
        page.text(left, top + TILE + 0.03, canvas.short_name(names[one.true], 12), SMALL)
        page.text(left, top + TILE + 0.16, f"→ {canvas.short_name(names[one.predicted], 10)}", SMALL)
        page.text(left, top + TILE + 0.29, f"{one.probability:.0%} sure", SMALL)
    page.save(folder / "mistakes.png")
    first = found.worst[0]
    return Picture(
        file="mistakes.png",
        title="The images it gets most wrong",
        caption=f"{rate}. Shown are those with the highest probability of a wrong class: the true class, and below "
        "it the predicted one with its probability.",
        alt=f"{len(found.worst)} validation images; the first is a {names[first.true]} taken for a "
        f"{names[first.predicted]} with {first.probability:.0%}.",
    )


def draw_pairs(found: Mistakes, names: Sequence[str], heading: str, folder: Path) -> Picture:
    """A bar for each pair of classes, its halves for the two directions."""
    page = Page(0.94 + 0.3 * len(found.pairs), f"{heading}: classes that it mixes up")
    what = (
        "Validation images of one class taken for the other, and their share of all images of both classes."
    )
    page.text(EDGE, 0.36, what, SMALL)
    _key(page, 2.15, BLUE, "first taken for second")
    _key(page, 4.0, ORANGE, "second taken for first")
    longest = found.pairs[0].count
    for place, pair in enumerate(found.pairs):
        top = 0.84 + 0.3 * place
        one, other = canvas.short_name(names[pair.one], 12), canvas.short_name(names[pair.other], 12)
        page.text(2.05, top + 0.1, f"{one} – {other}", SMALL, "rm")
        inch = 3.2 / longest
        _bar(page, 2.15, top, pair.one_as_other * inch, BLUE)
        _bar(page, 2.15 + pair.one_as_other * inch, top, pair.other_as_one * inch, ORANGE)
        text = f"{pair.count} ({pair.one_as_other} + {pair.other_as_one}), {pair.share:.1%}"
        page.text(2.15 + pair.count * inch + 0.08, top + 0.1, text, SMALL, "lm")
    page.save(folder / "pairs.png")
    first = found.pairs[0]
    return Picture(
        file="pairs.png",
        title="The classes it mixes up most",
        caption="Pairs of classes that are taken for each other on the validation images: how many, in which "
        "direction, and the share of the images of both classes.",
        alt=f"Bars; the longest is {names[first.one]} and {names[first.other]}, {first.count} images, "
        f"{first.share:.1%} of both classes.",
    )


def _key(page: Page, left: float, colour: str, text: str) -> None:
    _bar(page, left, 0.53, 0.12, colour, 0.12)
    page.text(left + 0.18, 0.51, text, SMALL)


def _bar(page: Page, left: float, top: float, width: float, colour: str, height: float = 0.2) -> None:
    if width * canvas.DPI >= 1:
        rgb = (np.array(matplotlib.colors.to_rgb(colour)) * 255).round().astype(np.uint8)
        page.image(rgb[None, None], Box(left, top, width, height))
