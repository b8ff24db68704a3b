"""`tunekit ui`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tunekit.cli.options import home_option, tracking_option

if TYPE_CHECKING:
    from tunekit.study.home import Home


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@home_option
@tracking_option
def ui(port: int, home: Home) -> None:
    """Start MLflow's page on this home's record, for this machine only, until Ctrl-C.

    Example: tunekit ui --port 5001
    """
    from tunekit.record.ui import serve

    serve(home.path, port, lambda address: click.echo(f"MLflow is at {address} (Ctrl-C ends it)"))
