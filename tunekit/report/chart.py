"""A chart is one or several panels; it becomes inline SVG for the page and one PNG for MLflow."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tunekit.report.palette import DAY, PLACEHOLDERS, VARIABLES, Palette

Draw = Callable[[Any, Palette], None]
"""Draws on matplotlib's axes."""

SMALL, NORMAL, LARGE = 8, 9, 11
"""Sizes of text in points."""
SHEET = 10.5
"""Inches that a PNG is wide at most, if one panel is not wider."""
SETTINGS = {
    # Text stays text: small, searchable, and in the reader's own font.
    "svg.fonttype": "none",
    "svg.hashsalt": "tunekit",
    "font.family": ["DejaVu Sans"],
    "font.size": NORMAL,
    # Names may hold a dollar sign, which begins no formula.
    "text.parse_math": False,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Panel:
    """One pair of axes; sizes are inches."""

    title: str
    alt: str
    """What a reader who does not see it should know."""
    draw: Draw
    width: float
    height: float


@dataclass(frozen=True)
class Chart:
    """Panels that are looked at together."""

    name: str
    title: str
    caption: str
    panels: tuple[Panel, ...]


def plain_axes(axes: Any, palette: Palette, grid: str = "y") -> None:
    """What all charts share: quiet lines, a light grid behind the data."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(palette.muted)
    axes.tick_params(colors=palette.muted, labelcolor=palette.ink, labelsize=SMALL, length=3, pad=2)
    axes.xaxis.label.set(color=palette.ink, size=SMALL)
    axes.yaxis.label.set(color=palette.ink, size=SMALL)
    axes.set_facecolor("none")
    if grid:
        axes.grid(axis=grid, color=palette.grid, linewidth=0.7)
        axes.set_axisbelow(True)


def legend(axes: Any, palette: Palette, **place: Any) -> None:
    axes.legend(
        fontsize=SMALL,
        frameon=False,
        labelcolor=palette.ink,
        handlelength=1.0,
        handletextpad=0.4,
        columnspacing=0.9,
        **place,
    )


def svg(panel: Panel, prefix: str) -> str:
    """The panel as an inline picture; `prefix` keeps its names apart from other pictures' on the page."""
    with matplotlib.rc_context(SETTINGS):
        figure: Any = Figure(figsize=(panel.width, panel.height), layout="constrained")
        figure.patch.set_visible(False)
        panel.draw(figure.add_subplot(), PLACEHOLDERS)
        written = io.StringIO()
        empty = {"Date": None, "Creator": None, "Format": None, "Type": None}
        FigureCanvasSVG(figure).print_svg(written, metadata=empty)
    return _inline(written.getvalue(), panel, prefix)


def _inline(text: str, panel: Panel, prefix: str) -> str:
    body = text[text.index(">", text.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", body)
    body = re.sub(r"#0a[0-9a-f]{2}f5", lambda found: VARIABLES[found[0]], body)
    body = body.replace("'DejaVu Sans'", "sans-serif").replace("xlink:href", "href")
    body = re.sub(r'\b(?:d|x|y|transform)="[^"]*"', _rounded, body)
    body = re.sub(r"\n\s*", "\n", body)
    size = f"{panel.width * 72:g} {panel.height * 72:g}"
    label = _escaped(panel.alt)
    # Shown at its own size at most, so that its text is as large as the page's small print.
    style = f"max-width:{panel.width * 96:.0f}px"
    return f'<svg viewBox="0 0 {size}" role="img" aria-label="{label}" style="{style}">{body}'


def _rounded(attribute: re.Match[str]) -> str:
    """Places to a hundredth of a point, which nobody sees and which halves the file."""
    return re.sub(r"(\.\d\d)\d+", r"\1", attribute[0])


def _escaped(text: str) -> str:
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(sign, entity)
    return text


def png(chart: Chart, path: Path) -> Path:
    """All panels on one sheet, in rows."""
    rows = _rows(chart.panels)
    width = max(sum(panel.width for panel in row) for row in rows)
    heights = [max(panel.height for panel in row) + 0.25 for row in rows]
    with matplotlib.rc_context(SETTINGS):
        figure: Any = Figure(figsize=(max(width, 5), sum(heights) + 0.3), dpi=100, layout="constrained")
        figure.suptitle(chart.title, size=LARGE, weight="bold", color=DAY.ink)
        bands = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
        for row, band in zip(rows, bands, strict=True):
            columns = max(len(each) for each in rows)
            # A last row that is not full keeps its panels as wide as those above.
            widths = [panel.width for panel in row] + [row[-1].width] * (columns - len(row))
            places = band.subplots(1, columns, width_ratios=widths, squeeze=False)[0]
            for place, axes in enumerate(places):
                if place >= len(row):
                    axes.set_visible(False)
                    continue
                row[place].draw(axes, DAY)
                if len(chart.panels) > 1:
                    axes.set_title(row[place].title, size=NORMAL, loc="left", color=DAY.ink)
        FigureCanvasAgg(figure).print_png(str(path))
    return path


def _rows(panels: Sequence[Panel]) -> list[list[Panel]]:
    rows: list[list[Panel]] = [[]]
    for panel in panels:
        if rows[-1] and sum(each.width for each in rows[-1]) + panel.width > SHEET:
            rows.append([])
        rows[-1].append(panel)
    return rows
