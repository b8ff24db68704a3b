"""What all pictures of arrays share: a page measured in inches, colour scales, grids of small images.

Matplotlib's axes and texts would cost more than everything else that is done for a trial: ten
milliseconds for axes, for ticks that an image of pixels has no use for, and one for a text. So a page
is painted with Pillow, in matplotlib's colours and font.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tunekit.insight.graph import Array
from tunekit.insight.png import png

DPI = 100
WIDTH = 7.0
"""Inches; 700 pixels, the width at which MLflow shows a picture."""
SMALL, NORMAL, LARGE = 7.5, 8.5, 10
"""Sizes of text in points."""
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
"""Told apart by colour-blind readers too (Okabe and Ito)."""
SLENDEREST, SMALL_SLENDEREST = 6, 2
"""Times that an image is drawn longer than broad, at most; and a small one, of which nothing would be seen."""
LEVELS = 65
"""Of a colour scale, one of them in its middle: no fewer to the eye than 256, but a file half the size."""
BROKEN = np.array([255, 0, 255], np.uint8)
"""Magenta, in none of the colour maps: a value that is nan or infinite."""


@dataclass(frozen=True)
class Scale:
    """Values to colours: linear from low to high, and what lies outside takes the end's colour."""

    low: float
    high: float
    colours: str = "viridis"

    @classmethod
    def signed(cls, *values: Array) -> Scale:
        """Blue to red around a white 0; its ends are the 99.5th percentile of the magnitudes."""
        end = max((_end(np.abs(value)) for value in values), default=1.0)
        return cls(-end, end, "RdBu_r")

    @classmethod
    def of(cls, values: Array) -> Scale:
        """Signed where values are; otherwise from 0 up, dark to bright."""
        finite = values[np.isfinite(values)]
        if finite.size and finite.min() < 0:
            return cls.signed(values)
        return cls(0.0, _end(values))

    def paint(self, values: Array) -> Array:
        """Values as RGB bytes, one more axis at the end."""
        finite = np.isfinite(values)
        share = (np.where(finite, values, 0) - self.low) / (self.high - self.low)
        painted: Array = _table(self.colours)[(np.clip(share, 0, 1) * (LEVELS - 1)).round().astype(np.uint8)]
        painted[~finite] = BROKEN
        return painted


@cache
def _table(colours: str) -> Array:
    """The colours of a scale as RGB bytes, from its low end to its high one."""
    steps = matplotlib.colormaps[colours](np.linspace(0, 1, LEVELS))
    return np.asarray((steps[:, :3] * 255).round().astype(np.uint8))


def _end(values: Array) -> float:
    """The top of a colour scale: a percentile, lest one outlier makes all else one colour."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 1.0
    # Picking from 100,000 values at most: the percentile of millions costs more than the picture.
    end = float(np.percentile(finite[:: finite.size // 100_000 + 1], 99.5))
    return end or float(finite.max()) or 1.0


@dataclass(frozen=True)
class Box:
    """A place on a page, in inches from its top left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    def fit(self, height: int, width: int) -> Box:
        """The place in its middle for an image of so many pixels, whose proportions are kept."""
        down, across = _sides(height, width, SLENDEREST)
        scale = min(self.height / down, self.width / across)
        tall, wide = down * scale, across * scale
        return Box(self.left + (self.width - wide) / 2, self.top + (self.height - tall) / 2, wide, tall)


@dataclass(frozen=True)
class Grid:
    """Where a grid of tiles came to lie, in inches."""

    rows: Sequence[float]
    """The middle of each row."""
    columns: Sequence[float]
    left: float
    bottom: float


class Page:
    """A picture of the common width; places are inches from its top left corner."""

    def __init__(self, height: float, title: str, width: float = WIDTH) -> None:
        self._image = Image.new("RGB", (round(width * DPI), round(height * DPI)), "white")
        self._pen = ImageDraw.Draw(self._image)
        self.height = height
        self.text(0.12, 0.1, title, LARGE, bold=True)

    def text(
        self,
        left: float,
        top: float,
        text: str,
        size: float = NORMAL,
        anchor: str = "la",
        bold: bool = False,
        colour: str = "black",
    ) -> None:
        """Text by its left, middle or right edge (l, m, r) and its top or middle (a, m)."""
        place = (left * DPI, top * DPI)
        self._pen.text(place, text, colour, _font(size, bold), anchor, align="center")

    def width_of(self, text: str, size: float) -> float:
        return float(_font(size, False).getlength(text)) / DPI

    def image(self, image: Array, box: Box) -> None:
        """An RGB image that fills the box, its pixels enlarged without blur."""
        height, width = round(box.height * DPI), round(box.width * DPI)
        pixels = resize(image[None], height, width)[0]
        self._image.paste(Image.fromarray(pixels), (round(box.left * DPI), round(box.top * DPI)))

    def grid(self, tiles: Array, columns: int, box: Box, gap: int = 3) -> Grid:
        """RGB tiles (count, height, width, 3) in rows that fill the box, `gap` pixels apart."""
        rows = -(-len(tiles) // columns)
        height = (round(box.height * DPI) + gap) // rows - gap
        width = (round(box.width * DPI) + gap) // columns - gap
        top, left = round(box.top * DPI), round(box.left * DPI)
        # One sheet for all tiles: to paste each alone took twice as long as to draw the rest of a page.
        height, width = max(1, height), max(1, width)
        sheet = np.full((rows, columns, height + gap, width + gap, 3), 255, np.uint8)
        cells = sheet.reshape(rows * columns, height + gap, width + gap, 3)
        cells[: len(tiles), :height, :width] = resize(tiles, height, width)
        flat = sheet.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), 3)
        self._image.paste(Image.fromarray(flat[: len(flat) - gap, : flat.shape[1] - gap]), (left, top))
        return Grid(
            rows=[(top + row * (height + gap) + height / 2) / DPI for row in range(rows)],
            columns=[(left + column * (width + gap) + width / 2) / DPI for column in range(columns)],
            left=box.left,
            bottom=box.top + (rows * (height + gap) - gap) / DPI,
        )

    def label(
        self, grid: Grid, rows: Sequence[str] = (), columns: Sequence[str] = (), under: str = ""
    ) -> None:
        """Names beside the rows of a grid, below its columns, and a line under it."""
        for middle, name in zip(grid.rows, rows, strict=False):
            self.text(grid.left - 0.06, middle, name, SMALL, "rm")
        for middle, name in zip(grid.columns, columns, strict=False):
            self.text(middle, grid.bottom + 0.04, name, SMALL, "ma")
        if under:
            middle = (grid.columns[0] + grid.columns[-1]) / 2
            self.text(middle, grid.bottom + (0.2 if columns else 0.05), under, SMALL, "ma")

    def beside(self, left: float, middle: float, text: str) -> None:
        """Upright text: the name of a vertical axis."""
        font = _font(SMALL, False)
        _, _, width, height = font.getbbox(text, anchor="la")
        flat = Image.new("RGB", (round(width) + 2, round(height) + 3), "white")
        ImageDraw.Draw(flat).text((1, 1), text, "black", font, "la")
        upright = flat.transpose(Image.Transpose.ROTATE_90)
        corner = (round(left * DPI) - upright.width // 2, round(middle * DPI) - upright.height // 2)
        self._image.paste(upright, corner)

    def colour_bar(self, scale: Scale, box: Box, label: str, ramp: Array | None = None) -> None:
        """An upright bar of a scale's colours, or of another ramp from its high end to its low one."""
        if ramp is None:
            ramp = scale.paint(np.linspace(scale.high, scale.low, 256)[:, None])
        self.image(ramp, box)
        ends = (scale.high, (scale.low + scale.high) / 2, scale.low)
        for place, value in zip((0.0, 0.5, 1.0), ends, strict=True):
            self.text(box.right + 0.05, box.top + place * box.height, f"{value:.2g}", SMALL, "lm")
        self.beside(box.right + 0.48, box.top + box.height / 2, label)

    def save(self, path: Path) -> Path:
        path.write_bytes(png(np.asarray(self._image)))
        return path


@cache
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(path, size * DPI / 72, layout_engine=ImageFont.Layout.BASIC)


def photographs(images: Array) -> Array:
    """Input images as RGB bytes: grey is repeated, more channels than colours are averaged.

    Vectors become rows of grey, from each one's least value to its largest.
    """
    if images.ndim == 2:
        images = _rows_of_grey(images)
    if images.shape[-1] != 3:
        images = np.repeat(images.mean(axis=-1, keepdims=True), 3, axis=-1)
    clipped: Array = np.clip(np.nan_to_num(images), 0, 255).astype(np.uint8)
    return clipped


def _rows_of_grey(vectors: Array) -> Array:
    low, high = vectors.min(axis=1, keepdims=True), vectors.max(axis=1, keepdims=True)
    share = (vectors - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
    return np.asarray(255 * share)[:, None, :, None]


def resize(images: Array, height: int, width: int) -> Array:
    """Nearest pixels of (count, height, width, ...) at another size."""
    rows = np.arange(height) * images.shape[1] // height
    columns = np.arange(width) * images.shape[2] // width
    resized: Array = images[:, rows][:, :, columns]
    return resized


def fitted(tiles: Array, side: int) -> Array:
    """Small RGB tiles as squares of so many pixels, on white where they are none."""
    down, across = _sides(tiles.shape[1], tiles.shape[2], SMALL_SLENDEREST)
    scale = side / max(down, across)
    height, width = max(1, round(down * scale)), max(1, round(across * scale))
    squares = np.full((len(tiles), side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    squares[:, top : top + height, left : left + width] = resize(tiles, height, width)
    return squares


def _sides(height: int, width: int, slenderest: int) -> tuple[int, int]:
    """Height and width to be drawn: of a very long image the short side grows, lest nothing be seen of it."""
    least = -(-max(height, width) // slenderest)
    return max(height, least), max(width, least)


def short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def short_name(text: str, most: int) -> str:
    """A class' name without its middle: names that only their ends tell apart stay apart."""
    if len(text) <= most:
        return text
    end = most // 2 - 1
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def class_names(names: Sequence[str], labels: Array, most: int = 12) -> list[str]:
    """The images' classes by name; by number where there is no name."""
    numbers = [int(label) for label in np.asarray(labels).reshape(len(labels), -1)[:, 0]]
    return [short_name(names[n] if 0 <= n < len(names) else str(n), most) for n in numbers]


def broken(*values: Array) -> str:
    """What to say of values that are not finite; nothing where all are."""
    total = sum(value.size for value in values)
    bad = total - sum(int(np.isfinite(value).sum()) for value in values)
    return f"; {bad / total:.1%} not finite (magenta): the model diverged" if bad else ""
