"""Ranges cut and widened: places in a range count from 0 at its lower end to 1 at its upper end."""

from __future__ import annotations

import math
from dataclasses import replace

from tunekit.results import Scalar
from tunekit.space.parameters import Range
from tunekit.space.vocabulary import known_parameters

NOT_WIDENED = ("kernel_size", "shift", "freeze")
"""How large they may be depends on the images' size or the saved model's depth, which a space does not say."""

LARGEST = 1e15
"""Nothing is widened past it: it is a float exactly, and more than any parameter needs."""


def place(parameter: Range, value: Scalar) -> float:
    """Where a value lies, in logarithms on a log scale."""
    low, high, number = float(parameter.min), float(parameter.max), float(value)
    if parameter.scale == "log":
        low, high, number = math.log(low), math.log(high), math.log(number)
    return (number - low) / (high - low)


def limits(model: str, parameter: Range) -> tuple[float, float]:
    """Between which numbers the parameter may be widened."""
    known = known_parameters(model).get(parameter.name)
    low, high = -LARGEST, LARGEST
    if known is not None:
        low = low if known.min is None else known.min
        high = high if known.max is None else known.max
    if parameter.name in NOT_WIDENED:
        return float(parameter.min), float(parameter.max)
    if parameter.min >= 0:
        low = max(low, 0.0)
        share = known is None or high < 1
        if share and parameter.max < 1:  # a share that may not be the whole
            high = min(high, max(0.99, parameter.max))
        elif share and parameter.max == 1:
            high = min(high, 1.0)
    return min(low, float(parameter.min)), max(high, float(parameter.max))


def between(parameter: Range, low: float, high: float, allowed: tuple[float, float]) -> Range:
    """The range from one place to another, on round numbers or on its own steps, and within what is allowed.

    A place below 0 or above 1 widens it; the range itself where nothing sensible comes out.
    """
    try:
        if parameter.step is not None:
            ends = _stepped(parameter, low, high, allowed)
        else:
            ends = _free(parameter, low, high, allowed)
        if not all(math.isfinite(end) for end in ends):
            return parameter
        return replace(parameter, min=ends[0], max=ends[1])
    except (ValueError, ArithmeticError):
        return parameter


def _free(
    parameter: Range, low: float, high: float, allowed: tuple[float, float]
) -> tuple[int | float, int | float]:
    least = allowed[0] if low < 0 else float(parameter.min)
    most = allowed[1] if high > 1 else float(parameter.max)
    width = float(parameter.max) - float(parameter.min)
    lower: int | float = parameter.min if low == 0 else _rounded(_value(parameter, low), width, up=False)
    upper: int | float = parameter.max if high == 1 else _rounded(_value(parameter, high), width, up=True)
    if lower < least or (parameter.scale == "log" and lower <= 0):
        lower = least if least > 0 or parameter.scale == "linear" else float(parameter.min)
    upper = min(upper, most)
    return (math.floor(lower), math.ceil(upper)) if parameter.whole else (float(lower), float(upper))


def _value(parameter: Range, at: float) -> float:
    low, high = float(parameter.min), float(parameter.max)
    if parameter.scale == "log":
        return math.exp(math.log(low) + at * (math.log(high) - math.log(low)))
    return low + at * (high - low)


def _rounded(value: float, width: float, up: bool) -> float:
    """To two digits of the value, or of the range's width where that is finer."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(min(abs(value), width))) - 1)
    count = math.ceil(value / unit - 1e-9) if up else math.floor(value / unit + 1e-9)
    return float(f"{count * unit:.12g}")


def _stepped(
    parameter: Range, low: float, high: float, allowed: tuple[float, float]
) -> tuple[int | float, int | float]:
    """The steps keep their places: a value of the new range is one that the old one had or would have had."""
    assert parameter.step is not None
    start, step, log = parameter.min, parameter.step, parameter.scale == "log"
    span = math.log(parameter.max / start) / math.log(step) if log else (parameter.max - start) / step

    def value(number: int) -> int | float:
        found = start * step**number if log else start + number * step
        return found if parameter.whole else float(f"{found:.12g}")

    first, last = math.floor(low * span + 1e-9), math.ceil(high * span - 1e-9)
    if log and parameter.whole:
        first = max(0, first)  # a division may leave no whole number
    while first < 0 and value(first) < allowed[0]:
        first += 1
    last = max(last, first + 1)
    while last > first + 1 and value(last) > (allowed[1] if high > 1 else parameter.max):
        last -= 1
    kept = last >= span - 1e-9 and high <= 1
    return (parameter.min if first == 0 else value(first), parameter.max if kept else value(last))
