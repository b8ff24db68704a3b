"""The page itself: one file that needs nothing else, not even scripts, to be read."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from tunekit.report import wording
from tunekit.report.chart import Chart, Panel, svg
from tunekit.report.figures import Figures
from tunekit.report.material import Material
from tunekit.report.palette import DAY, NIGHT, Palette
from tunekit.report.pictures import inlined
from tunekit.report.terms import terms
from tunekit.results import Evaluation, Scalar, TrialRecord

TEMPLATES = Path(__file__).parent / "template"
MOST_CLASSES = 30
"""Up to which the confusion matrix is a table; a larger one is told by its most frequent mistakes alone."""
WEAKEST = 20
"""Classes of a larger matrix that are in sight; the others are folded away."""
MISTAKES = 10


def render(material: Material, figures: Figures, charts: dict[str, Chart]) -> str:
    """The whole page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        shown=wording.shown,
        score=wording.score,
        duration=wording.duration,
        instant=wording.instant,
        listed=wording.listed,
        zip=zip,
        breakable=breakable,
    )
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    pictures, left_out = inlined(material.pictures)
    return environment.get_template("report.html").render(
        m=material,
        f=figures,
        charts=charts,
        drawn=_drawer(),
        counted=wording.counted,
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        day=variables(DAY),
        night=variables(NIGHT),
        script=Markup(script),
        script_digest=digest,
        pictures=pictures,
        left_out=left_out,
        names=[parameter.name for parameter in material.varying],
        row=_row,
        sortable=_sortable,
        mistakes=mistakes(material.evaluation) if material.evaluation else [],
        most_classes=MOST_CLASSES,
        weakest=WEAKEST,
        terms=terms(material),
        ended=_ended(material),
    )


def variables(palette: Palette) -> Markup:
    return Markup("".join(f"--{name}:{colour};" for name, colour in palette.named().items()))


def breakable(name: str) -> Markup:
    """A name that may go on in the next line after an underscore, where lines may break at all."""
    return escape(name).replace("_", Markup("_<wbr>"))


def _drawer() -> Any:
    """Turns panels into SVG; each gets names of its own."""
    count = 0

    def drawn(panel: Panel) -> Markup:
        nonlocal count
        count += 1
        return Markup(svg(panel, f"p{count}"))

    return drawn


def _ended(material: Material) -> float:
    """When the last trial ended, or now where one still runs."""
    if material.status == "running":
        return material.written
    return max((record.ended or record.started for record in material.records), default=material.created)


def _row(record: TrialRecord) -> dict[str, Any]:
    """The plain cells of a trial in the long table."""
    trial, outcome = record.trial, record.outcome
    return {
        "trial": trial.id,
        "parent": trial.parent or "",
        "bracket": trial.bracket,
        "rung": trial.round,
        "epochs": trial.epochs,
        "status": f"failed: {record.failure.cause}" if record.failure else record.status.lower(),
        "score": record.score,
        "best_epoch": outcome.best_epoch if outcome else None,
        "seconds": outcome.seconds if outcome else None,
        "weights": outcome.parameters if outcome else None,
    }


def _sortable(value: Scalar | None) -> str:
    """What a table sorts by: a number in full, else the text as it stands."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def mistakes(evaluation: Evaluation) -> list[tuple[str, str, int, float]]:
    """True class, what was said instead, how often, and the share of the true class; the most frequent first."""
    names = [scores.name for scores in evaluation.classes]
    found = [
        (names[row], names[column], count, count / sum(counts))
        for row, counts in enumerate(evaluation.confusion)
        for column, count in enumerate(counts)
        if row != column and count
    ]
    return sorted(found, key=lambda mistake: -mistake[2])[:MISTAKES]
