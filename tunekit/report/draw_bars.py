"""Bars: what matters, and where the time went."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tunekit.report.chart import SMALL, Chart, Panel, plain_axes
from tunekit.report.importance import Importance
from tunekit.report.palette import Palette
from tunekit.report.spent import Spent
from tunekit.report.wording import duration, shown

MOST_BARS = 12
FAINTEST = 0.005
"""Share of the variance below which a pair is not worth a bar."""
Bar = tuple[str, float, float]
"""Name, mean and standard deviation."""


def importance_chart(found: Importance) -> Chart:
    """Parameters alone, and pairs of them, on one scale."""
    single = [(effect.name, effect.mean, effect.std) for effect in found.effects]
    pairs = [(f"{pair.first} × {pair.second}", pair.mean, pair.std) for pair in found.pairs]
    pairs = [bar for bar in pairs if bar[1] >= FAINTEST]
    # A scale of its own would make next to nothing look like much.
    end = max([mean + std for _, mean, std in (*single, *pairs)] + [0.01])
    named = {"Parameters": single, "Pairs, beyond the two alone": pairs}
    panels = tuple(
        _importance_panel(title, sorted(bars, key=lambda bar: -bar[1])[:MOST_BARS], end)
        for title, bars in named.items()
        if bars
    )
    caption = (
        "Share of the score's variance that a parameter accounts for alone, and that two account for together beyond "
        "that. The thin lines are one standard deviation over models fitted to different parts of the trials."
    )
    if found.pairs and not pairs:
        caption += f" No pair accounts for {FAINTEST:.1%} or more beyond its two parameters."
    return Chart("importance", "What matters", caption, panels)


def _importance_panel(title: str, bars: Sequence[Bar], end: float) -> Panel:
    told = ", ".join(f"{name} {mean:.0%} ± {std:.0%}" for name, mean, std in bars[:6])
    return Panel(
        title=title,
        alt=f"Share of the score's variance. {title}: {told}.",
        draw=partial(_importance_bars, bars=bars, end=end),
        width=5.0,
        height=0.75 + 0.25 * len(bars),
    )


def _importance_bars(axes: Any, palette: Palette, bars: Sequence[Bar], end: float) -> None:
    places = range(len(bars))
    means = [100 * mean for _, mean, _ in bars]
    # A share is never below nothing, whatever its uncertainty.
    below = [100 * min(mean, std) for _, mean, std in bars]
    above = [100 * std for _, _, std in bars]
    axes.barh(
        places, means, xerr=(below, above), height=0.62, color=palette.series[0],
        ecolor=palette.ink, error_kw={"elinewidth": 1.0, "capsize": 2.5},
    )  # fmt: skip
    axes.set_yticks(places, [shown(name, 34) for name, _, _ in bars])
    axes.invert_yaxis()
    axes.set_xlim(0, 103 * end)
    axes.set_xlabel("share of the variance, %")
    plain_axes(axes, palette, "x")
    axes.tick_params(axis="y", length=0)


def time_chart(found: Spent) -> Chart:
    """One bar a part, in order of the parts."""
    parts = found.parts
    told = ", ".join(f"{name} {duration(seconds)}" for name, seconds in parts)
    panel = Panel(
        title="Time of the workers",
        alt=f"Time of the workers by what they did: {told}.",
        draw=partial(_time_bars, parts=parts, total=found.total),
        width=6.2,
        height=2.1,
    )
    caption = "The workers' time from the first trial to the last, without the times at which no trial ran."
    return Chart("time", "Where the time went", caption, (panel,))


def _time_bars(axes: Any, palette: Palette, parts: Sequence[tuple[str, float]], total: float) -> None:
    places = range(len(parts))
    colours = [palette.series[number] for number in (0, 2, 3, 1, 5)]
    axes.barh(places, [seconds for _, seconds in parts], height=0.62, color=colours)
    for place, (_, seconds) in enumerate(parts):
        share = seconds / total if total else 0.0
        axes.annotate(
            f"{duration(seconds)}, {share:.0%}", (seconds, place), (4, 0), textcoords="offset points",
            va="center", size=SMALL, color=palette.ink,
        )  # fmt: skip
    axes.set_yticks(places, [name for name, _ in parts])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max([seconds for _, seconds in parts] + [0.1]))
    axes.set_xlabel("seconds, all workers together")
    plain_axes(axes, palette, "x")
    axes.tick_params(axis="y", length=0)
