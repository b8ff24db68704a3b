"""Options that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunekit.study.home import HOME_VARIABLE

if TYPE_CHECKING:
    from tunekit.space.space import Space
    from tunekit.study.home import Home
    from tunekit.study.session import Settings

Command = Callable[..., Any]
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"


def home_option(command: Command) -> Command:
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("mlruns"),
        envvar=HOME_VARIABLE,
        show_default="./mlruns",
        callback=lambda context, option, value: _home(value),
        help=f"Folder for everything that is written. Also {HOME_VARIABLE}.",
    )(command)


def _home(path: Path) -> Home:
    from tunekit.study.home import Home

    return Home(path)


def tracking_option(command: Command) -> Command:
    """Of commands that record, or read what is recorded.

    It takes the variable's place when the command runs, so that MLflow and every process that is started know it too.
    """

    @wraps(command)
    def told(*arguments: Any, tracking_uri: str | None, **options: Any) -> Any:
        if tracking_uri is not None:
            from tunekit.address import shown

            os.environ[TRACKING_VARIABLE] = tracking_uri
            click.get_current_context().meta[TRACKING_VARIABLE] = shown(tracking_uri)
        return command(*arguments, **options)

    return click.option(
        "--tracking-uri", callback=_address, metavar="URI",
        help=f"MLflow's server or store, instead of a database in HOME. Also {TRACKING_VARIABLE}, which keeps a "
        "password out of the list of processes.",
    )(told)  # fmt: skip


def _address(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and "://" not in value and not value.startswith("databricks"):
        raise click.BadParameter(
            "expected an address such as http://HOST:5000, sqlite:////FOLDER/mlflow.db or "
            "postgresql+psycopg2://USER@HOST/DATABASE, got one without ://."
        )
    return value


def json_option(command: Command) -> Command:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else on standard output."
    )(command)


def verbosity_options(command: Command) -> Command:
    """How much is told while trials run."""
    command = click.option("-v", "--verbose", is_flag=True, help="Tell each epoch of each trial as it ends.")(
        command
    )
    return click.option("-q", "--quiet", is_flag=True, help="Tell only how it ended, and what went wrong.")(
        command
    )


def space_options(command: Command) -> Command:
    """What changes a space from the command line."""
    for option in reversed(
        [
            click.option(
                "--set", "sets", multiple=True, metavar="PARAMETER=VALUE", help="Fix a parameter. Repeatable."
            ),
            click.option("--max-epochs", type=int, help="Epochs of the longest trials."),
            click.option("--factor", type=int, help="Hyperband keeps one trial in this many at each rung."),
            click.option("--iterations", type=int, help="How often all of Hyperband's brackets run."),
            click.option("--seed", type=int, help="Seed of the search; 0 is a seed."),
            click.option(
                "--executions-per-trial",
                type=int,
                help="Train each trial so often, with different seeds; the mean is its score.",
            ),
            click.option("--max-trials", type=int, help="Trials at most, in the plan's order."),
            click.option("--limit", type=int, help="Use this many training images, validation included."),
            click.option("--tuner", help="hyperband, random, bayesian or grid."),
            click.option(
                "--start",
                "starts",
                multiple=True,
                type=click.Path(dir_okay=False, path_type=Path),
                metavar="BEST.YAML",
                help="Begin with this exported configuration. Repeatable.",
            ),
            click.option(
                "--like", metavar="SEARCH", help="Begin with the best three configurations of SEARCH."
            ),
        ]
    ):
        command = option(command)
    return command


def finalist_options(command: Command) -> Command:
    command = click.option(
        "--repeats", type=int, help="Seeds that each finalist is trained with.  [default: 3]"
    )(command)
    return click.option(
        "--finalists", type=int, help="Train the best K again from scratch and pick the winner by its mean."
    )(command)


def run_options(command: Command) -> Command:
    """How a search is run, without any effect on its outcome but for --fast and --threads."""
    for option in reversed(
        [
            click.option("--workers", callback=_number_or_auto, default="auto", metavar="N|auto",
                         help="Trials that train side by side. auto: one a GPU, else one a core.", show_default=True),
            click.option("--threads", callback=_number_or_auto, default="auto", metavar="N|auto",
                         help="Threads a trial; part of the search's definition. auto: 1."),
            click.option("--fast", is_flag=True, help="Give up bit-for-bit repeatable scores for speed."),
            click.option("--no-pictures", is_flag=True, help="Record no filters, activations and curves."),
            click.option("--trial-timeout", callback=duration_option, metavar="TIME",
                         help="Fail a trial that takes longer, such as 90s, 30m or 2h."),
            click.option("--time-budget", callback=duration_option, metavar="TIME",
                         help="End the search after this time, with the winner tested and exported."),
            click.option("--disk-max", callback=size_option, metavar="SIZE",
                         help="Keep the checkpoints within this, such as 500MB, 2GB or 1.5GiB."),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def _number_or_auto(context: click.Context, option: click.Parameter, value: str) -> int | None:
    if value == "auto":
        return None
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise click.BadParameter(f"expected a whole number from 1, or auto, got {value!r}.")
    return number


def duration_option(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    units = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
    number, unit = (value[:-1], value[-1]) if value[-1:] in units else (value, "s")
    try:
        seconds = float(number) * units[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise click.BadParameter(f"expected a time such as 90s, 30m or 2h, got {value!r}.")
    return seconds


SIZE = re.compile(r"(\d{1,15}\.?\d{0,9}|\.\d{1,9})\s*([KMGT]?i?B?)", re.IGNORECASE)


def size_option(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = SIZE.fullmatch(value.strip())
    unit = found[2].upper() if found else ""
    base, prefix = (1024, unit[:1]) if "I" in unit else (1000, unit.rstrip("B"))
    power = "KMGT".find(prefix) + 1 if prefix else 0
    number = int(float(found[1]) * base**power) if found else 0
    if number < 1 or unit.startswith("I"):
        raise click.BadParameter(f"expected a size such as 500MB, 2GB or 1.5GiB, got {value!r}.")
    return number


SEARCH_SETTINGS = (
    "tuner",
    "max_epochs",
    "factor",
    "iterations",
    "seed",
    "executions_per_trial",
    "max_trials",
    "limit",
    "finalists",
    "repeats",
)


def space_from(name_or_path: str, options: dict[str, Any]) -> Space:
    """The space of this file or name, with the command line's changes."""
    from tunekit.space.shipped import find_space
    from tunekit.study.hypermodel import read_whole_space

    space = read_whole_space(find_space(name_or_path))
    return changed(space, options, lambda note: click.echo(note, err=True))


def changed(space: Space, options: dict[str, Any], tell: Callable[[str], None]) -> Space:
    """The space with the command line's changes; `tell` hears what of known configurations does not fit."""
    from tunekit.space.override import apply_settings

    overrides = {name: options[name] for name in SEARCH_SETTINGS if name in options}
    space = apply_settings(space, options["sets"], **overrides)
    if not (options.get("starts") or options.get("like")):
        return space
    from tunekit.study.starts import with_starts

    begun, notes = with_starts(space, options["starts"], options["like"], options["home"])
    for note in notes:
        tell(note)
    return begun


def settings_from(options: dict[str, Any]) -> Settings:
    from tunekit.cli.cluster import place_from
    from tunekit.study.session import Settings

    context = click.get_current_context(silent=True)  # there is none where a function is called from Python
    return Settings(
        home=options["home"],
        name=options.get("name"),
        tracking_uri=context.meta.get(TRACKING_VARIABLE) if context else None,
        workers=options["workers"],
        threads=options["threads"],
        fast=options["fast"],
        pictures=not options["no_pictures"],
        trial_timeout=options["trial_timeout"],
        time_budget=options["time_budget"],
        disk_max=options["disk_max"],
        on=place_from(options),
    )
