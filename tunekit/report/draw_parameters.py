"""Configurations and their scores: parallel coordinates, and a slice for each parameter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from tunekit.report.axes import Axis
from tunekit.report.chart import SMALL, Chart, Panel, legend, plain_axes
from tunekit.report.configurations import Configuration
from tunekit.report.limits import Limits
from tunekit.report.palette import Palette
from tunekit.report.wording import counted, score, shown
from tunekit.space.space import Objective

GOLDEN = 0.6180339887
"""Its multiples spread points evenly, and the same way each time."""
SPREAD = 0.6
"""Share of a category's width that its points take."""


def parallel_chart(
    found: Sequence[Configuration], axes: Sequence[Axis], objective: Objective, note: str
) -> Chart:
    """A line for each configuration through all its values to its score."""
    best = found[0]
    values = ", ".join(
        f"{axis.name} {shown(best.trial.values.get(axis.name)) or 'not used'}" for axis in axes
    )
    panel = Panel(
        title="All configurations",
        alt=f"Parallel coordinates of {counted(len(found), 'configuration')}. The best, trial {best.trial.id}: "
        f"{values}; {objective.name} {score(best.score)}.",
        draw=partial(_parallel, found=found, axes=axes, objective=objective),
        width=max(5.0, 1.4 + 0.98 * (len(axes) + 1)),
        height=3.6,
    )
    caption = (
        "Each line is a configuration, coloured from the worst to the best, the best drawn thickest and last. "
        "A gap is a parameter that the configuration does not use. The last axis ranks the scores. " + note
    )
    return Chart("parallel", "All configurations", caption.strip(), (panel,))


def _parallel(
    canvas: Any, palette: Palette, found: Sequence[Configuration], axes: Sequence[Axis], objective: Objective
) -> None:
    last = len(axes)
    for number, each in reversed(list(enumerate(found))):
        heights: list[float] = []
        for axis in axes:
            value = each.trial.values.get(axis.name)
            place = float("nan") if value is None else axis.place(value)
            if axis.categorical and value is not None:
                place += ((number * GOLDEN) % 1 - 0.5) * SPREAD / len(axis.categories)
            heights.append(place)
        width = 2.6 if number == 0 else 1.0
        colour = palette.of_standing(each.standing)
        # Marks as well: between two parameters that are not used there would be nothing to see.
        canvas.plot(
            range(last + 1), [*heights, each.standing], color=colour, linewidth=width,
            marker="o", ms=2.6, zorder=3,
        )  # fmt: skip
    for place, axis in enumerate(axes):
        canvas.plot((place, place), (0, 1), color=palette.muted, linewidth=0.8, zorder=2)
        ends = [] if axis.categorical else [(0.0, f"{axis.low:.4g}"), (1.0, f"{axis.high:.4g}")]
        inner = [tick for tick in axis.ticks() if axis.categorical or 0.07 < tick[0] < 0.93]
        _labels(canvas, palette, place, [*ends, *inner])
        # Long names of neighbours would run into each other on one line.
        lift = 1.06 if place % 2 == 0 else 1.13
        canvas.text(place, lift, shown(axis.name, 20), ha="center", size=SMALL, color=palette.ink)
    canvas.plot((last, last), (0, 1), color=palette.ink, linewidth=1.2, zorder=2)
    _labels(canvas, palette, last, _standings(found))
    canvas.text(
        last, 1.06 if last % 2 == 0 else 1.13, shown(objective.name, 20), ha="center", size=SMALL,
        weight="bold", color=palette.ink,
    )  # fmt: skip
    canvas.set_xlim(-0.35, last + 0.75)
    canvas.set_ylim(-0.04, 1.2)
    canvas.set_axis_off()


def _labels(canvas: Any, palette: Palette, place: int, ticks: Sequence[tuple[float, str]]) -> None:
    for height, text in ticks:
        canvas.text(
            place + 0.05, height, text, size=SMALL, va="center", color=palette.ink, zorder=5,
            bbox={"boxstyle": "square,pad=0.15", "facecolor": palette.paper, "edgecolor": "none", "alpha": 0.8},
        )  # fmt: skip


def _standings(found: Sequence[Configuration]) -> list[tuple[float, str]]:
    """The scores at the ends and quarters of the ranking."""
    places = dict.fromkeys(round(part * (len(found) - 1) / 4) for part in range(5))
    return [(found[place].standing, score(found[place].score)) for place in places]


def slices_chart(
    found: Sequence[Configuration], axes: Sequence[Axis], objective: Objective, limits: Limits, note: str
) -> Chart:
    """The score over each parameter, of the configurations in which it is active."""
    panels = tuple(
        Panel(
            title=axis.name,
            alt=_told(found, axis, objective),
            draw=partial(
                _slice, found=found, axis=axis, objective=objective, limits=limits, first=place == 0
            ),
            width=3.3,
            height=2.4,
        )
        for place, axis in enumerate(axes)
    )
    rungs = (
        " at the last rung it completed, in that rung's colour: compare points of one colour, since those of later "
        "rungs trained longer"
    )
    several = len({each.trial.round for each in found}) > 1
    caption = (
        f"One point is a configuration{rungs if several else ''}. A conditional parameter shows only the "
        f"configurations that use it. {note}"
    )
    return Chart("slices", "The score over each parameter", caption.strip(), panels)


def _told(found: Sequence[Configuration], axis: Axis, objective: Objective) -> str:
    using = [each for each in found if axis.name in each.trial.values]
    if not using:
        return f"{axis.name}: no configuration uses it."
    if not axis.categorical:
        best = using[0]
        return (
            f"{objective.name} over {axis.name}, {counted(len(using), 'configuration')}: "
            f"the best, {score(best.score)}, at {shown(best.trial.values[axis.name])}."
        )
    parts = []
    for value in axis.categories:
        inside = [each for each in using if each.trial.values[axis.name] == value]
        best_there = f"best {score(inside[0].score)} of {len(inside)}" if inside else "none"
        parts.append(f"{shown(value)} {best_there}")
    return f"{objective.name} by {axis.name}: {'; '.join(parts)}."


def _slice(
    canvas: Any,
    palette: Palette,
    found: Sequence[Configuration],
    axis: Axis,
    objective: Objective,
    limits: Limits,
    first: bool,
) -> None:
    using = [each for each in found if axis.name in each.trial.values]
    for rung in sorted({each.trial.round for each in using}):
        inside = [(number, each) for number, each in enumerate(using) if each.trial.round == rung]
        places = [_spread(axis, number, each) for number, each in inside]
        heights = [each.score for _, each in inside]
        canvas.plot(
            places, heights, "o", ms=4.2, color=palette.of_rung(rung), mew=0, alpha=0.85, label=f"rung {rung}"
        )
    ticks = axis.ticks()
    turned = axis.categorical and sum(len(text) for _, text in ticks) > 34
    canvas.set_xticks(
        [place for place, _ in ticks], [text for _, text in ticks],
        rotation=30 if turned else 0, ha="right" if turned else "center",
    )  # fmt: skip
    canvas.set_xlim(-0.04, 1.04)
    canvas.set_ylabel(objective.name)
    canvas.set_xlabel(shown(axis.name, 30) + (" (log scale)" if axis.log else ""))
    limits.apply(canvas)
    plain_axes(canvas, palette)
    if first and len(canvas.get_lines()) > 1:
        legend(canvas, palette, loc="lower right", bbox_to_anchor=(1.03, 1.0), ncols=4, borderpad=0)


def _spread(axis: Axis, number: int, each: Configuration) -> float:
    place = axis.place(each.trial.values[axis.name])
    if axis.categorical:
        place += ((number * GOLDEN) % 1 - 0.5) * SPREAD / len(axis.categories)
    return place
