"""The options that say where trials run."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from tunekit.cli.options import size_option
from tunekit.errors import UserError
from tunekit.workers.cluster.request import STORAGE_VARIABLE

if TYPE_CHECKING:
    from tunekit.workers.cluster.request import OnRay

Command = Callable[..., Any]

OF_A_CLUSTER = ("cpus_per_trial", "gpus_per_trial", "memory_per_trial", "storage")


def cluster_options(command: Command) -> Command:
    """Where trials run, without any effect on the search's outcome."""
    share = click.FloatRange(min=0, min_open=True)
    for option in reversed(
        [
            click.option("--on", metavar="ray[:HOST:PORT]",
                         help="Run trials on a Ray cluster: the one that Ray finds, else one of this machine; "
                         "ray://HOST:PORT goes through Ray's client. --workers auto then follows its size."),
            click.option("--cpus-per-trial", type=share, show_default="its threads",
                         help="What Ray keeps for a trial."),
            click.option("--gpus-per-trial", type=share, help="Likewise; 0.25 puts four trials on a GPU."),
            click.option("--memory-per-trial", callback=size_option, metavar="SIZE", help="Likewise, such as 2GB."),
            click.option("--storage", metavar="ADDRESS",
                         help="Where nodes that do not share HOME keep checkpoints: any address of fsspec's, such as "
                         f"s3://BUCKET/FOLDER. With --on alone. Also {STORAGE_VARIABLE}, which keeps a password out "
                         "of the list of processes."),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def place_from(options: dict[str, Any]) -> OnRay | None:
    """None for this machine."""
    from tunekit.workers.cluster.request import OnRay, parse_place, parse_storage

    if options.get("on") is None:
        given = next((name for name in OF_A_CLUSTER if options.get(name) is not None), None)
        if given is not None:
            raise UserError(f"--{given.replace('_', '-')} is for a cluster: give --on ray as well.")
        return None
    storage = options["storage"] or os.environ.get(STORAGE_VARIABLE) or None
    if storage is not None and options["disk_max"] is not None:
        raise UserError(
            "--disk-max and --storage cannot both be had: what is limited is the folder of --home, and with --storage "
            "checkpoints are not there. Leave one out."
        )
    return OnRay(
        parse_place(options["on"]),
        options["cpus_per_trial"],
        options["gpus_per_trial"] or 0.0,
        options["memory_per_trial"],
        None if storage is None else parse_storage(storage),
    )
