"""`tunekit doctor`."""

from __future__ import annotations

import json
import shutil
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tunekit.cli.options import duration_option, home_option, json_option, tracking_option

if TYPE_CHECKING:
    from tunekit.study.doctor.finding import Finding
    from tunekit.study.home import Home

WIDTH = 110
INDENT = 23
NARROW = 60
"""Columns of a terminal below which nothing is set off to the right."""


@click.command()
@click.option(
    "--timeout", callback=duration_option, default="2m", show_default=True, metavar="TIME",
    help="How long Keras and MLflow may each take to load.",
)  # fmt: skip
@home_option
@tracking_option
@json_option
@click.pass_context
def doctor(context: click.Context, /, timeout: float, home: Home, as_json: bool) -> None:
    """Look at everything that a search needs, and say what to do where something is wrong.

    Python, packages, processors, memory, disk, data sets, searches, Keras with its backend and GPUs, and MLflow's
    store. Nothing is changed. The exit code is 1 where something is wrong.

    Example: tunekit doctor
    """
    import tunekit
    from tunekit.study.doctor.examination import examine

    found = []
    for finding in examine(home, timeout):
        found.append(finding)
        if not as_json:
            click.echo(text(finding, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)))
    wrong = [finding.name for finding in found if finding.status == "wrong"]
    if as_json:
        plain = {"tunekit": tunekit.__version__, "wrong": wrong, "findings": [asdict(each) for each in found]}
        click.echo(json.dumps(plain, indent=2))
    else:
        click.echo(f"\nWrong: {', '.join(wrong)}." if wrong else "\nNothing is wrong.")
    if wrong:
        context.exit(1)


def text(finding: Finding, width: int) -> str:
    """One line, or several with the rest set below its beginning."""
    indent = " " * (INDENT if width >= NARROW else 2)
    head = f"{finding.status:<9}  {finding.name:<10}  "
    lines = [_wrapped(f"{head}{finding.found}", "", indent, width)]
    if finding.remedy:
        lines.append(_wrapped(finding.remedy, f"{indent}-> ", f"{indent}   ", width))
    return "\n".join(lines)


def _wrapped(words: str, first: str, rest: str, width: int) -> str:
    # Commands and paths stay whole, so that they can be copied.
    return textwrap.fill(
        words,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
