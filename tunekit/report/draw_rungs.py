"""The way through the rungs and every curve, coloured by rung."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from tunekit.report.chart import SMALL, Chart, Panel, legend, plain_axes
from tunekit.report.limits import Limits
from tunekit.report.palette import Palette
from tunekit.report.rungs import Bracket, Rung
from tunekit.report.segments import Segment
from tunekit.report.wording import counted, listed, score
from tunekit.space.space import Objective

MOST_LINES = 300
"""Trials drawn in one rung."""


def rungs_chart(found: Sequence[Bracket], objective: Objective, limits: Limits, best: str | None) -> Chart:
    """A panel for each bracket."""
    several = len({bracket.iteration for bracket in found}) > 1
    panels = tuple(
        Panel(
            title=f"Bracket {bracket.number}" + (f", iteration {bracket.iteration}" if several else ""),
            alt=_told(bracket),
            draw=partial(_bracket, bracket=bracket, objective=objective, limits=limits, best=best),
            width=max(2.6, 1.3 + 0.85 * len(bracket.rungs)),
            height=2.7,
        )
        for bracket in found
    )
    caption = (
        "Each line is a configuration from rung to rung. Filled marks were promoted, hollow ones stopped there; "
        "the ring is the best trial."
    )
    return Chart("rungs", "The way through the rungs", caption, panels)


def _told(bracket: Bracket) -> str:
    parts = [
        f"after {counted(rung.epochs, 'epoch')} {counted(len(rung.entries), 'trial')}, "
        f"best {score(rung.best) or 'none'}, promoted {listed([e.id for e in rung.promoted]) or 'none'}"
        for rung in bracket.rungs
    ]
    return f"Scores by rung of bracket {bracket.number}: {'; '.join(parts)}."


def _bracket(
    axes: Any, palette: Palette, bracket: Bracket, objective: Objective, limits: Limits, best: str | None
) -> None:
    before: dict[str, float] = {}
    for place, rung in enumerate(bracket.rungs):
        shown = [e for e in rung.entries if e.score is not None and math.isfinite(e.score)][:MOST_LINES]
        for entry in shown:
            if entry.parent in before:
                ends = (before[entry.parent], entry.score)
                axes.plot((place - 1, place), ends, color=palette.muted, linewidth=0.9, zorder=2)
        before = {entry.id: entry.score for entry in shown if entry.score is not None}
        _marks(axes, palette, place, rung, before, place == len(bracket.rungs) - 1)
        if best in before:
            axes.plot(place, before[best], "o", ms=11, mfc="none", mec=palette.ink, mew=1.3, zorder=4)
            axes.annotate(
                f"trial {best}", (place, before[best]), (0, -12), textcoords="offset points",
                ha="center", va="top", size=SMALL, color=palette.ink,
            )  # fmt: skip
    axes.set_xlim(-0.5, len(bracket.rungs) - 0.5)
    axes.set_xticks(range(len(bracket.rungs)), [str(rung.epochs) for rung in bracket.rungs])
    axes.set_xlabel("epochs at the end of the rung")
    axes.set_ylabel(objective.name)
    limits.apply(axes)
    plain_axes(axes, palette)


def _marks(axes: Any, palette: Palette, place: int, rung: Rung, scores: dict[str, float], last: bool) -> None:
    promoted = {entry.id for entry in rung.promoted}
    colour = palette.of_rung(rung.number)
    for filled in (False, True):
        # In the last rung there is nothing left to be promoted to.
        chosen = [value for name, value in scores.items() if (last or name in promoted) is filled]
        style = {"mfc": colour if filled else "none", "mec": colour, "mew": 1.1}
        axes.plot([place] * len(chosen), chosen, "o", ms=5, zorder=3, **style)


def curves_chart(
    segments: Sequence[Segment], objective: Objective, limits: Limits, best: str | None, note: str
) -> Chart:
    """Every curve of the objective in one panel."""
    longest = max((segment.numbers[-1] for segment in segments), default=0)
    panel = Panel(
        title=f"{objective.name} by epoch",
        alt=f"Curves of {objective.name} over {counted(longest, 'epoch')}, {len(segments)} pieces. {note}".strip(),
        draw=partial(_curves, segments=segments, objective=objective, limits=limits, best=best),
        width=7.2,
        height=3.4,
    )
    several = len({segment.rung for segment in segments}) > 1
    drawn = (
        "Each piece is what one trial trained, in its rung's colour" if several else "Each line is a trial"
    )
    caption = f"{drawn}; the thick line is the best one. {note}"
    return Chart("curves", "Every curve", caption.strip(), (panel,))


def _curves(
    axes: Any,
    palette: Palette,
    segments: Sequence[Segment],
    objective: Objective,
    limits: Limits,
    best: str | None,
) -> None:
    seen: set[int] = set()
    for segment in segments:
        label = None if segment.rung in seen else f"rung {segment.rung}"
        seen.add(segment.rung)
        winning = segment.of_best
        axes.plot(
            segment.numbers, segment.values, color=palette.of_rung(segment.rung), label=label,
            linewidth=2.6 if winning else 0.9, zorder=4 if winning else 2,
            marker="o" if len(segment.numbers) == 1 else None, ms=3.5,
        )  # fmt: skip
        if segment.trial == best:
            axes.annotate(
                f"trial {best}", (segment.numbers[-1], segment.values[-1]), (5, 0),
                textcoords="offset points", va="center", size=SMALL, color=palette.ink, annotation_clip=False,
            )  # fmt: skip
    axes.set_xlabel("epoch")
    axes.set_ylabel(objective.name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    limits.apply(axes)
    plain_axes(axes, palette)
    if len(seen) > 1:
        legend(
            axes,
            palette,
            ncols=len(seen),
            loc="lower right" if objective.direction == "max" else "upper right",
        )
