"""Numbers and values in words."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from tunekit.results import Scalar


def shown(value: Scalar | None, most: int = 40) -> str:
    """A value in at most four digits, text cut at `most` characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def score(value: float | None) -> str:
    """Such as 0.9896; a loss of another size keeps four digits."""
    if value is None or not math.isfinite(value):
        return "" if value is None else str(value)
    return f"{value:.4f}" if 0.001 <= abs(value) < 100 else f"{value:.4g}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Such as 1 trial, 23 trials or 1,000 trials."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Such as 0.4 s, 45 s, 12 min or 3 h 20 min."""
    if seconds < 9.5:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def instant(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def listed(words: Sequence[str], most: int = 6) -> str:
    """The first of the words, and how many more there are."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")
