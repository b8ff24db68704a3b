"""`tunekit spaces`, `check` and `plan`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from tunekit.cli.options import (
    finalist_options,
    home_option,
    json_option,
    run_options,
    settings_from,
    space_from,
    space_options,
)

if TYPE_CHECKING:
    from tunekit.space.space import Space
    from tunekit.study.preview import Preview


@click.command()
@json_option
def spaces(as_json: bool) -> None:
    """List the spaces that come with tunekit.

    Example: tunekit spaces
    """
    from tunekit.cli.tables import table
    from tunekit.space.shipped import describe, shipped_spaces

    found = shipped_spaces()
    if as_json:
        plain = [
            {"name": name, "path": str(path), "description": describe(path)} for name, path in found.items()
        ]
        click.echo(json.dumps(plain, indent=2))
    else:
        click.echo(table([[name, describe(path)] for name, path in found.items()], ["space", "what for"]))


@click.command()
@click.argument("space", metavar="SPACE")
@space_options
@run_options
@home_option
@json_option
def check(space: str, as_json: bool, **options: Any) -> None:
    """Check SPACE, and build its model once with the smallest and once with the largest values.

    Example: tunekit check my-space.yaml
    """
    from tunekit.cli.progress import make_progress
    from tunekit.report.wording import counted
    from tunekit.study.preview import preview

    wanted = space_from(space, options)
    with make_progress(to_stderr=as_json) as reporter:
        seen = preview(wanted, settings_from(options), reporter)
    if as_json:
        click.echo(json.dumps(_plain(wanted, seen), indent=2))
        return
    click.echo(
        f"{wanted.name}: good. {counted(len(wanted.parameters), 'parameter')}; the model has "
        f"{seen.smallest.parameters:,} weights with the smallest values and {seen.largest.parameters:,} "
        "with the largest."
    )


@click.command()
@click.argument("space", metavar="SPACE")
@space_options
@finalist_options
@run_options
@home_option
@json_option
def plan(space: str, as_json: bool, **options: Any) -> None:
    """Say what a search of SPACE will do and cost, after timing a few batches.

    Example: tunekit plan cnn-cifar10 --max-epochs 9
    """
    from tunekit.cli.progress import make_progress
    from tunekit.study.preview import preview

    wanted = space_from(space, options)
    with make_progress(to_stderr=as_json) as reporter:
        seen = preview(wanted, settings_from(options), reporter, timed=True)
    click.echo(json.dumps(_plain(wanted, seen), indent=2) if as_json else plan_text(wanted, seen))


def plan_text(space: Space, seen: Preview) -> str:
    from tunekit.cli.tables import size, table
    from tunekit.report.wording import counted, duration

    rows = []
    for bracket in seen.plan.brackets:
        rungs = ", ".join(f"{rung.size} to epoch {rung.epochs}" for rung in bracket.rungs)
        rows.append(
            [
                str(bracket.iteration),
                str(bracket.number),
                str(bracket.trials),
                str(bracket.epochs_trained * seen.plan.executions),
                rungs,
            ]
        )
    low, high = seen.seconds()
    executions = f", each trial trained {seen.plan.executions} times" if seen.plan.executions > 1 else ""
    lines = [
        f"{space.name}: {space.search.tuner}, {counted(seen.plan.trials, 'trial')}, "
        f"{counted(seen.plan.epochs, 'epoch')}{executions}",
        "",
        table(rows, ["iteration", "bracket", "trials", "epochs", "rungs"]),
        "",
        f"One epoch     {duration(seen.smallest.epoch_seconds or 0)} with the smallest values, "
        f"{duration(seen.largest.epoch_seconds or 0)} with the largest",
        f"The search    {duration(low)} to {duration(high)} with "
        f"{counted(seen.workers, 'worker')} of {counted(seen.threads, 'thread')}",
        f"Disk          up to {size(seen.disk())} of checkpoints at a time",
        f"Memory        about {size(seen.memory())}",
    ]
    if space.search.finalists:
        lines.append(
            f"Finalists     {counted(space.search.finalists * space.search.repeats, 'more training')} from scratch"
        )
    return "\n".join(lines)


def _plain(space: Space, seen: Preview) -> dict[str, Any]:
    low, high = seen.seconds() if seen.smallest.epoch_seconds else (None, None)
    return {
        "space": space.name,
        "tuner": space.search.tuner,
        "trials": seen.plan.trials,
        "epochs": seen.plan.epochs,
        "executions_per_trial": seen.plan.executions,
        "brackets": [
            {
                "iteration": bracket.iteration,
                "bracket": bracket.number,
                "rungs": [{"trials": rung.size, "epochs": rung.epochs} for rung in bracket.rungs],
            }
            for bracket in seen.plan.brackets
        ],
        "weights": [seen.smallest.parameters, seen.largest.parameters],
        "epoch_seconds": [seen.smallest.epoch_seconds, seen.largest.epoch_seconds],
        "search_seconds": [low, high],
        "disk_bytes": seen.disk(),
        "memory_bytes": seen.memory(),
        "workers": seen.workers,
        "threads": seen.threads,
    }
