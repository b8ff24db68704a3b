"""`tunekit report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunekit.cli.options import home_option, json_option, tracking_option

if TYPE_CHECKING:
    from tunekit.study.home import Home
    from tunekit.study.reporting import Written


@click.command()
@click.argument("search", metavar="[SEARCH]", required=False)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: report.html in the search's folder, and on its run in MLflow]",
)  # fmt: skip
@home_option
@tracking_option
@json_option
def report(search: str | None, output: Path | None, home: Home, as_json: bool) -> None:
    """Write one HTML file that sums SEARCH up, or the newest; also while it runs.

    It needs nothing beside it, so that it can be mailed. --json prints the figures it shows.

    Example: tunekit report cnn-cifar10 -o cifar10.html
    """
    from tunekit.study import reporting

    written = reporting.report(home, search, output, lambda text: click.echo(f"Warning: {text}", err=True))
    click.echo(json.dumps(_plain(written), indent=2) if as_json else f"Report  {written.path.absolute()}")


def _plain(written: Written) -> dict[str, Any]:
    from tunekit.report.figures import plain

    material = written.material
    return {
        "search": material.search,
        "status": material.status,
        "path": str(written.path.absolute()),
        "bytes": written.path.stat().st_size,
        "best": material.best.trial.id if material.best else None,
        "charts": list(written.charts),
        **plain(written.figures),
    }
