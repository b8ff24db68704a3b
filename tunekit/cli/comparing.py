"""`tunekit compare` and `tunekit refine`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunekit.cli.options import home_option, json_option

if TYPE_CHECKING:
    from tunekit.study.home import Home


@click.command()
@click.argument("searches", metavar="SEARCH SEARCH...", nargs=-1)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the winners' curves into this file, such as comparison.png.",
)  # fmt: skip
@home_option
@json_option
def compare(searches: tuple[str, ...], output: Path | None, home: Home, as_json: bool) -> None:
    """Compare searches: scores, spread, time and size of their winners; also while they run.

    Searches of different objectives are refused; other differences that make scores incomparable are told.

    Example: tunekit compare cnn-mnist rnn-mnist lstm-mnist gru-mnist -o comparison.png
    """
    from tunekit.cli.comparison import comparison_text
    from tunekit.study.compare import compare as run

    found = run(home, searches, output)
    if as_json:
        click.echo(json.dumps(found.plain(), indent=2))
        return
    for difference in found.differences:
        click.echo(f"Warning: these scores are not comparable: {difference}.", err=True)
    click.echo(comparison_text(found))
    if output is not None:
        click.echo(f"Written: {output}")


@click.command()
@click.argument("search", metavar="[SEARCH]", required=False)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@home_option
@json_option
def refine(search: str | None, output: Path | None, force: bool, home: Home, as_json: bool) -> None:
    """Say what SEARCH, or the newest, found out about its space, and write the next space.

    Ranges are cut or widened, choices dropped and parameters fixed only where the trials are evidence enough.
    Without -o the space is printed, and what was found out goes to standard error.

    Example: tunekit refine cnn-mnist -o next.yaml
    """
    from tunekit.study.refine import refine as run

    refined = run(home, search, output, force)
    if as_json:
        click.echo(json.dumps(refined.plain(), indent=2))
        return
    for sentence in refined.advice.sentences:
        click.echo(sentence, err=output is None)
    if output is None:
        click.echo(refined.text, nl=False)
    else:
        click.echo(f"\nWritten: {output}. Search it with `tunekit search {output}`.")
