"""Every chart of a report, for the page and for MLflow alike."""

from __future__ import annotations

from tunekit.report.chart import Chart
from tunekit.report.configurations import thinned
from tunekit.report.draw_bars import importance_chart, time_chart
from tunekit.report.draw_parameters import parallel_chart, slices_chart
from tunekit.report.draw_rungs import curves_chart, rungs_chart
from tunekit.report.figures import Figures
from tunekit.report.limits import Limits
from tunekit.report.material import Material
from tunekit.report.segments import segments

MOST_DRAWN = 200
"""Configurations in a chart: more would hide each other, and make the file large."""


def charts(material: Material, figures: Figures) -> dict[str, Chart]:
    """By name; those without anything to show are left out."""
    objective, found, best = material.space.objective, figures.configurations, material.best_drawn
    made: list[Chart] = []
    if found:
        drawn = thinned(found, MOST_DRAWN)
        note = _note(len(drawn), len(found))
        scores = [entry for bracket in figures.brackets for rung in bracket.rungs for entry in rung.scores]
        limits = Limits.of(scores)
        pieces = segments(material, [name for each in drawn for name in each.chain])
        seen = Limits.of(value for piece in pieces for value in piece.values)
        if sum(len(bracket.rungs) for bracket in figures.brackets) > 1:
            made.append(rungs_chart(figures.brackets, objective, limits, best))
        made.append(curves_chart(pieces, objective, seen, best, note))
        if figures.axes:
            made.append(parallel_chart(drawn, figures.axes, objective, note))
            made.append(slices_chart(drawn, figures.axes, objective, limits, note))
    if figures.importance.effects:
        made.append(importance_chart(figures.importance))
    if figures.spent.total > 0:
        made.append(time_chart(figures.spent))
    return {chart.name: chart for chart in made}


def _note(drawn: int, found: int) -> str:
    if drawn == found:
        return ""
    return f"{drawn} of {found:,} configurations are drawn, evenly through the ranking, the best among them."
