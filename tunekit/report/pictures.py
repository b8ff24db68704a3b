"""Pictures that are there already, put into the page itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from tunekit.report.material import Picture

MOST_BYTES = 1_200_000
"""Of all pictures together: a report is to be mailed."""


@dataclass(frozen=True)
class Inlined:
    """A picture as a data URI."""

    picture: Picture
    source: str
    width: int
    height: int


def inlined(pictures: Sequence[Picture], most: int = MOST_BYTES) -> tuple[list[Inlined], list[Picture]]:
    """In their order as long as there is room, and those for which there was none or that cannot be read."""
    taken: list[Inlined] = []
    left: list[Picture] = []
    for picture in pictures:
        try:
            packed, size = _packed(picture)
        except OSError:
            left.append(picture)
            continue
        if len(packed) > most:
            left.append(picture)
            continue
        most -= len(packed)
        source = f"data:image/png;base64,{packed}"
        taken.append(Inlined(picture, source, *size))
    return taken, left


def _packed(picture: Picture) -> tuple[str, tuple[int, int]]:
    """Packed tighter than it was written while the search had no time for that."""
    with Image.open(picture.path) as image:
        flat = image.convert("RGB")
        colours = flat.getcolors(256)
        # Exact: a palette only where it holds every colour there is.
        small = flat.quantize(len(colours), dither=Image.Dither.NONE) if colours else flat
        exact = small if small.convert("RGB").tobytes() == flat.tobytes() else flat
        packed = io.BytesIO()
        exact.save(packed, "PNG", optimize=True)
        return base64.b64encode(packed.getvalue()).decode("ascii"), image.size
