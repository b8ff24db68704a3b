"""`tunekit search` and `tunekit resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tunekit.cli.cluster import cluster_options
from tunekit.cli.options import (
    finalist_options,
    home_option,
    json_option,
    run_options,
    settings_from,
    space_from,
    space_options,
    tracking_option,
    verbosity_options,
)

if TYPE_CHECKING:
    from tunekit.study.overview import Report


@click.command()
@click.argument("space", metavar="SPACE")
@space_options
@finalist_options
@run_options
@cluster_options
@click.option("--name", help="Of the search.  [default: the space's name]")
@click.option("--resume", "go_on", is_flag=True, help="Go on with the search if its name exists already.")
@verbosity_options
@home_option
@tracking_option
@json_option
def search(space: str, go_on: bool, quiet: bool, verbose: bool, as_json: bool, **options: Any) -> None:
    """Search SPACE, a file or the name of a shipped space, test the best model and export its configuration.

    Example: tunekit search gru-mnist --max-epochs 3 --limit 6000
    """
    from tunekit.study.search import search as run

    wanted = space_from(space, options)
    _run(as_json, quiet, verbose, lambda reporter: run(wanted, settings_from(options), reporter, go_on))


@click.command()
@click.argument("name", metavar="[SEARCH]", required=False)
@run_options
@cluster_options
@verbosity_options
@home_option
@tracking_option
@json_option
def resume(name: str | None, quiet: bool, verbose: bool, as_json: bool, **options: Any) -> None:
    """Go on with SEARCH, or the newest one, where it was.

    Example: tunekit resume cnn-cifar10
    """
    from tunekit.study.search import resume as run

    _run(as_json, quiet, verbose, lambda reporter: run(name, settings_from(options), reporter))


def _run(as_json: bool, quiet: bool, verbose: bool, study: Any) -> None:
    if quiet and verbose:
        raise click.UsageError("--quiet and --verbose cannot both be had: leave one out.")
    from tunekit.cli.progress import make_progress
    from tunekit.cli.render import report_json, report_text

    with make_progress(to_stderr=as_json, quiet=quiet, verbose=verbose) as reporter:
        report: Report = study(reporter)
    click.echo(report_json(report) if as_json else report_text(report))
