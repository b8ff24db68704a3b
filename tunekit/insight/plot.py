"""Lines over epochs or steps, in matplotlib's look but painted with Pillow, which takes a tenth of the time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from tunekit.insight.canvas import DPI, GREY, SMALL, Box, Page
from tunekit.insight.graph import Array

FINER = 3
"""A panel is painted so many times larger and then reduced, which smooths its lines."""
DASH, PERIOD = 6, 9
"""Pixels of a dash, and of a dash with its gap."""
MARKED = 40
"""Points up to which each has a marker."""
FRAME, GRID = "#333333", "#dddddd"


@dataclass(frozen=True)
class Line:
    """One curve; it breaks where a value is not finite."""

    label: str
    colour: str
    x: Array
    y: Array
    dashed: bool = False
    marked: bool = True


@dataclass(frozen=True)
class View:
    """The part of the numbers that a panel shows."""

    left: float
    right: float
    low: float
    high: float
    log: bool = False

    def place(self, x: Array, y: Array) -> Array:
        """Points as shares of the panel's width and height, from its top left corner."""
        low, high = self._scaled(np.array([self.low, self.high]))
        across = (np.asarray(x) - self.left) / (self.right - self.left)
        return np.stack([across, (high - self._scaled(np.asarray(y))) / (high - low)], axis=-1)

    def _scaled(self, values: Array) -> Array:
        return np.log10(values) if self.log else values


def view(lines: Sequence[Line], left: float, right: float) -> View:
    """All that is finite, with a little room; logarithmic where one burst would flatten the rest."""
    values = np.concatenate([line.y for line in lines]) if lines else np.zeros(0)
    values = values[np.isfinite(values)].astype(np.float64)
    if not values.size:
        return View(left, right, 0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > 50:
        room = (high / low) ** 0.05
        return View(left, right, low / room, high * room, log=True)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 0.5
    return View(left, right, low - room, high + room)


def draw_panel(
    page: Page,
    box: Box,
    lines: Sequence[Line],
    seen: View,
    names: tuple[str, str],
    borders: Sequence[int] = (),
) -> None:
    """The lines in a frame with ticks; `names` are those of the two axes, borders are dotted and upright."""
    size = (round(box.width * DPI) * FINER, round(box.height * DPI) * FINER)
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    across, upward = _ticks_across(seen), _ticks_upward(seen)
    for tick in across:
        _straight(pen, seen, size, [(tick, seen.low), (tick, seen.high)], GRID)
    for tick in upward:
        _straight(pen, seen, size, [(seen.left, tick), (seen.right, tick)], GRID)
    for border in borders:
        ends = _points(seen, size, np.full(2, border + 0.5), np.array([seen.high, seen.low]))
        for dot in _dashes(ends, FINER * 1.5, FINER * 4):
            pen.line(dot, GREY, FINER)
    for line in lines:
        _curve(pen, seen, size, line)
    pen.rectangle((0, 0, size[0] - 1, size[1] - 1), outline=FRAME, width=FINER)
    page.image(np.asarray(image.reduce(FINER)), box)
    for tick in across:
        place = box.left + box.width * float(seen.place(np.array(tick), np.array(seen.high))[0])
        page.text(place, box.top + box.height + 0.04, f"{tick:g}", SMALL, "ma")
    for tick in upward:
        place = box.top + box.height * float(seen.place(np.array(seen.left), np.array(tick))[1])
        page.text(box.left - 0.05, place, f"{tick:.4g}", SMALL, "rm")
    page.text(box.left + box.width / 2, box.top + box.height + 0.18, names[0], SMALL, "ma")
    page.beside(box.left - 0.5, box.top + box.height / 2, names[1])


def draw_legend(page: Page, right: float, middle: float, lines: Sequence[Line]) -> None:
    """What each line is, side by side, up to the right edge."""
    for line in reversed(lines):
        page.text(right, middle, line.label, SMALL, "rm")
        right -= page.width_of(line.label, SMALL) + 0.38
        box = Box(right, middle - 0.05, 0.32, 0.1)
        size = (round(box.width * DPI) * FINER, round(box.height * DPI) * FINER)
        image = Image.new("RGB", size, "white")
        sample = Line("", line.colour, np.array([0.0, 0.5, 1.0]), np.full(3, 0.5), line.dashed, line.marked)
        _curve(ImageDraw.Draw(image), View(0, 1, 0, 1), size, sample)
        page.image(np.asarray(image.reduce(FINER)), box)
        right -= 0.15


def _curve(pen: ImageDraw.ImageDraw, seen: View, size: tuple[int, int], line: Line) -> None:
    finite = np.isfinite(line.y)
    for first, after in _stretches(finite):
        points = _points(seen, size, line.x[first:after], line.y[first:after])
        pieces = _dashes(points, DASH * FINER, PERIOD * FINER) if line.dashed else [_pairs(points)]
        for piece in pieces:
            pen.line(piece, line.colour, round(1.6 * FINER), joint="curve")
    if line.marked and len(line.x) <= MARKED:
        for x, y in _pairs(_points(seen, size, line.x[finite], line.y[finite])):
            half = 2 * FINER
            mark = pen.ellipse if line.dashed else pen.rectangle
            mark((x - half, y - half, x + half, y + half), line.colour)


def _straight(
    pen: ImageDraw.ImageDraw,
    seen: View,
    size: tuple[int, int],
    ends: Sequence[tuple[float, float]],
    colour: str,
) -> None:
    x, y = np.array(ends, float).T
    pen.line(_pairs(_points(seen, size, x, y)), colour, FINER)


def _points(seen: View, size: tuple[int, int], x: Array, y: Array) -> Array:
    return np.asarray(seen.place(x, y) * np.array(size))


def _pairs(points: Array) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points]


def _stretches(finite: Array) -> Iterator[tuple[int, int]]:
    """Where values are finite: first place and the one after the last, of each stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]]).astype(int)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _dashes(points: Array, dash: float, period: float) -> Iterator[list[tuple[float, float]]]:
    """A line of points, cut into dashes along its length."""
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    for start in np.arange(0.0, lengths[-1], period):
        along = np.linspace(start, min(start + dash, lengths[-1]), 4)
        yield _pairs(np.stack([np.interp(along, lengths, side) for side in points.T], axis=-1))


def _ticks_across(seen: View) -> list[float]:
    """Whole numbers only: epochs or steps."""
    step = max(1.0, _step(seen.right - seen.left, 9))
    return [tick for tick in _multiples(step, seen.left, seen.right) if tick >= 0]


def _ticks_upward(seen: View) -> list[float]:
    if not seen.log:
        return _multiples(_step(seen.high - seen.low, 6), seen.low, seen.high)
    low, high = math.ceil(math.log10(seen.low)), math.floor(math.log10(seen.high))
    factors = (1, 2, 5) if high - low < 2 else (1,)
    decades = range(low - 1, high + 1, max(1, -(-(high - low) // 6)))
    ticks = [factor * 10.0**decade for decade in decades for factor in factors]
    return [tick for tick in ticks if seen.low <= tick <= seen.high]


def _multiples(step: float, low: float, high: float) -> list[float]:
    return [step * n for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _step(span: float, most: int) -> float:
    """A step of 1, 2 or 5 times a power of ten that makes at most so many."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= most)
