"""`tunekit ls`, `show`, `export`, `evaluate` and `train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunekit.cli.options import (
    home_option,
    json_option,
    run_options,
    settings_from,
    space_from,
    tracking_option,
)

if TYPE_CHECKING:
    from tunekit.results import TimedEpoch
    from tunekit.study.home import Home
    from tunekit.study.single import Evaluated, Trained

MOST_CLASSES, WEAKEST = 50, 20
"""Classes up to which each is printed, and how many are of more."""
TOLERANCE = 0.01


@click.command()
@home_option
@json_option
def ls(home: Home, as_json: bool) -> None:
    """List the searches, the newest last.

    Example: tunekit ls
    """
    from tunekit.cli.render import listing_plain, listing_text
    from tunekit.study.look import list_searches

    found = list_searches(home)
    if as_json:
        click.echo(json.dumps([listing_plain(listing) for listing in found], indent=2))
    elif found:
        click.echo(listing_text(found))
    else:
        click.echo(f"There is no search below {home.path} yet. Start one with `tunekit search SPACE`.")


@click.command()
@click.argument("search", metavar="[SEARCH]", required=False)
@home_option
@json_option
def show(search: str | None, home: Home, as_json: bool) -> None:
    """Show the trials and the winner of SEARCH, or of the newest; also while it runs.

    Example: tunekit show cnn-cifar10
    """
    from tunekit.cli.render import report_json, report_text
    from tunekit.study.look import load_report

    report = load_report(home, search)
    click.echo(report_json(report) if as_json else report_text(report, every_trial=True))


@click.command()
@click.argument("search", metavar="[SEARCH]", required=False)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option(
    "--format", "kind", type=click.Choice(["yaml", "keras"]), default="yaml", show_default=True,
    help="yaml: the configuration. keras: the winner's model.",
)  # fmt: skip
@home_option
def export(search: str | None, output: Path | None, kind: str, home: Home) -> None:
    """Write the best configuration of SEARCH, or of the newest, or its model.

    Without -o the configuration is printed.

    Example: tunekit export cnn-cifar10 -o best.yaml
    """
    from tunekit.study.export import export_config, export_model

    if kind == "keras":
        if output is None:
            raise click.UsageError("--format keras needs a file to write: add -o model.keras.")
        export_model(home, search, output)
    elif output is None:
        click.echo(export_config(home, search), nl=False)
        return
    else:
        export_config(home, search, output)
    click.echo(f"Written: {output}")


@click.command()
@click.argument("target", metavar="[BEST.YAML|SEARCH]", required=False)
@run_options
@home_option
@json_option
def evaluate(target: str | None, as_json: bool, **options: Any) -> None:
    """Repeat the test score of a search's winner, or of an exported configuration.

    Example: tunekit evaluate cnn-cifar10
    """
    from tunekit.cli.progress import make_progress
    from tunekit.study import single

    with make_progress(to_stderr=as_json) as reporter:
        if target is not None and Path(target).suffix in (".yaml", ".yml"):
            wanted = space_from(target, {"sets": ()})
            result = single.evaluate_config(wanted, settings_from(options), reporter, _epoch_line(as_json))
        else:
            result = single.evaluate(target, settings_from(options), reporter)
    click.echo(json.dumps(_evaluated_plain(result), indent=2) if as_json else _evaluated_text(result))


@click.command()
@click.argument("config", metavar="BEST.YAML", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--set", "sets", multiple=True, metavar="PARAMETER=VALUE", help="Change a parameter. Repeatable."
)
@click.option("--name", help="Of the folder below HOME/trained.  [default: the space's name]")
@click.option(
    "--tolerance",
    type=float,
    default=TOLERANCE,
    show_default=True,
    help="Difference of scores up to which the score counts as come back.",
)
@run_options
@home_option
@tracking_option
@json_option
@click.pass_context
def train(context: click.Context, /, config: Path, tolerance: float, as_json: bool, **options: Any) -> None:
    """Train an exported configuration from scratch and say whether its score came back.

    The exit code is 1 where it did not.

    Example: tunekit train mlruns/searches/cnn-cifar10/best.yaml
    """
    from tunekit.cli.progress import make_progress
    from tunekit.study import single

    wanted = space_from(str(config), options)
    with make_progress(to_stderr=as_json) as reporter:
        trained = single.train(wanted, settings_from(options), reporter, _epoch_line(as_json))
    if as_json:
        click.echo(json.dumps(_trained_plain(trained, tolerance), indent=2))
    else:
        click.echo(_trained_text(trained, tolerance))
    if not trained.came_back(tolerance):
        context.exit(1)


def _epoch_line(to_stderr: bool) -> Any:
    def tell(timed: TimedEpoch) -> None:
        epoch = timed.epoch
        metrics = ", ".join(f"{name} {value:.4f}" for name, value in epoch.metrics.items())
        click.echo(f"epoch {epoch.number}: {metrics} ({epoch.seconds:.1f} s)", err=to_stderr)

    return tell


def _evaluated_plain(result: Evaluated) -> dict[str, Any]:
    evaluation = result.evaluation
    return {
        "search": result.search,
        "trial": result.trial,
        "test": evaluation.metrics,
        "recorded_accuracy": result.recorded,
        "classes": [vars(scores) for scores in evaluation.classes],
        "confusion": [list(row) for row in evaluation.confusion],
        "test_sha256": evaluation.sha256,
    }


def _evaluated_text(result: Evaluated) -> str:
    from tunekit.cli.render import test_line
    from tunekit.cli.tables import table

    evaluation = result.evaluation
    many = len(evaluation.classes) > MOST_CLASSES
    classes = (
        sorted(evaluation.classes, key=lambda scores: scores.f1)[:WEAKEST] if many else evaluation.classes
    )
    rows = [
        [
            scores.name,
            f"{scores.precision:.4f}",
            f"{scores.recall:.4f}",
            f"{scores.f1:.4f}",
            str(scores.count),
        ]
        for scores in classes
    ]
    left_out = f"The weakest of {len(evaluation.classes):,} classes by f1; all of them with --json."
    lines = [
        table(rows, ["class", "precision", "recall", "f1", "images"]),
        *([left_out] if many else []),
        "",
        test_line(evaluation),
    ]
    if result.recorded is not None:
        same = "the same" if result.recorded == evaluation.accuracy else "different"
        lines.append(f"recorded      {result.recorded:.4f}: {same}")
    return "\n".join(lines)


def _trained_plain(trained: Trained, tolerance: float) -> dict[str, Any]:
    verified = trained.verified
    return {
        "name": trained.name,
        "folder": trained.folder,
        "score": trained.outcome.score,
        "best_epoch": trained.outcome.best_epoch,
        "expected": verified.score if verified else None,
        "difference": trained.difference,
        "came_back": trained.came_back(tolerance) if verified else None,
        "notes": list(trained.notes),
        "run_id": trained.run_id,
    }


def _trained_text(trained: Trained, tolerance: float) -> str:
    outcome, verified = trained.outcome, trained.verified
    lines = [f"score {outcome.score:.4f} (epoch {outcome.best_epoch})"]
    if verified is not None:
        assert trained.difference is not None
        if trained.difference == 0:
            lines.append(f"The score came back exactly: {verified.score:.4f}.")
        elif trained.came_back(tolerance):
            lines.append(f"The score came back: {verified.score:.4f}, difference {trained.difference:+.4f}.")
        else:
            lines.append(
                f"The score did not come back: expected {verified.score:.4f} within {tolerance:g}, "
                f"difference {trained.difference:+.4f}."
            )
        lines += [f"Different from when it was searched: {note}." for note in trained.notes]
    lines.append(f"Model and pictures: {trained.folder}")
    return "\n".join(lines)
