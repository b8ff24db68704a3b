"""`tunekit init`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunekit.cli.options import duration_option

if TYPE_CHECKING:
    from tunekit.study.init.begin import Begun
    from tunekit.study.init.kinds import Data

DEFAULT = Path("my-space.yaml")


def _objective(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    from tunekit.space.sections import OBJECTIVES

    if value not in (None, *OBJECTIVES):
        raise click.BadParameter(f"expected {' or '.join(OBJECTIVES)}, got {value!r}.")
    return value


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default=DEFAULT)
@click.option("--data", metavar="KIND:PLACE", help="Such as images:flowers, csv:flowers.csv or tfds:mnist.")
@click.option("--label", metavar="COLUMN", help="Of csv and parquet: the column that holds the classes.")
@click.option("--model", metavar="MODEL", help="lenet5, recurrent, own, or package.module:function.")
@click.option(
    "--objective", callback=_objective, metavar="METRIC", help="What ranks the trials, such as val_accuracy."
)
@click.option(
    "--time-budget", callback=duration_option, metavar="TIME",
    help="How long the search may take, such as 30m or 2h; the epochs follow from it.",
)  # fmt: skip
@click.option("--max-epochs", type=click.IntRange(1, 1_000_000), help="Epochs of the longest trials.")
@click.option(
    "--factor", type=click.IntRange(2, 1_000_000), default=3, show_default=True,
    help="Hyperband keeps one trial in this many at each rung.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the space file if it exists.")
def init(file: Path, data: str | None, label: str | None, force: bool, **wishes: Any) -> None:
    """Write a space FILE for your own data, with comments that help to edit it.

    In a terminal it asks for what no option says; elsewhere it takes what suits the data. With --model own a model
    function is written beside the file, never over one that is there.

    Example: tunekit init flowers.yaml --data npz:flowers.npz --time-budget 1h
    """
    from tunekit.study.init.begin import Wishes, begin, check_free
    from tunekit.study.init.kinds import Data

    check_free(file, force)
    asks = sys.stdin.isatty() and sys.stdout.isatty()
    wanted = Data.parse(data) if data is not None else _ask_data() if asks else Data("digits", "")
    if label is not None:
        wanted = replace(wanted, label=label)
    elif asks:
        wanted = _ask_label(wanted)
    if asks:
        _ask_rest(wanted, wishes)
    wishes["objective"] = wishes["objective"] or "val_accuracy"
    click.echo(_text(begin(file, Wishes(wanted, **wishes), force)))


def _ask_data() -> Data:
    from tunekit.space.declared import data_kinds
    from tunekit.study.init.kinds import Data, kind_of

    width = max(map(len, data_kinds()))
    click.echo("What is the data?")
    for name in data_kinds():
        click.echo(f"  {name:<{width}}  {kind_of(name).about}")
    kind = click.prompt("Data", type=click.Choice(data_kinds()), default=data_kinds()[0], show_choices=False)
    question = kind_of(kind).question
    if not question:
        return Data(kind, "")
    location = click.prompt(question, value_proc=_asked_again(lambda text: Data(kind, text).look()))
    return Data(kind, location)


def _ask_label(data: Data) -> Data:
    """The column that holds the classes, where the data has columns."""
    from tunekit.data.glance import TableGlance
    from tunekit.study.init.kinds import shown_columns

    seen = data.look()
    if not isinstance(seen, TableGlance):
        return data
    click.echo(f"Its columns: {shown_columns(seen.columns)}")
    label = click.prompt("Which column holds the classes", value_proc=_asked_again(seen.with_label))
    return replace(data, label=label)


def _ask_rest(data: Data, wishes: dict[str, Any]) -> None:
    """Only what no option has said."""
    from tunekit.study.init.choices import OWN, check_model, suited_model, suited_objectives

    seen = data.glance()
    if wishes["model"] is None:
        click.echo(f"Which model? lenet5 convolves, recurrent reads row by row, {OWN} is yours.")
        asked = _asked_again(lambda text: check_model(text, seen))
        wishes["model"] = click.prompt("Model", default=suited_model(seen), value_proc=asked)
    if wishes["objective"] is None:
        suited = suited_objectives(seen)
        wishes["objective"] = click.prompt(
            "What ranks the trials", type=click.Choice(suited), default=suited[0]
        )
    if wishes["time_budget"] is None and wishes["max_epochs"] is None:
        wishes["time_budget"] = click.prompt(
            "How long may the search take", default="1h", value_proc=_duration
        )


def _asked_again(check: Any) -> Any:
    """What the check refuses is asked for again, with the check's reason."""
    from tunekit.errors import TunekitError

    def accept(text: str) -> str:
        try:
            check(text)
        except TunekitError as error:
            raise click.UsageError(str(error)) from error
        return text

    return accept


def _duration(text: str) -> float | None:
    context = click.get_current_context()
    return duration_option(context, context.command.params[0], text)


def _text(begun: Begun) -> str:
    lines = [begun.seen, f"Written: {begun.file}"]
    if begun.model_file is not None:
        lines.append(f"{'Kept as it was' if begun.model_file_kept else 'Written'}: {begun.model_file}")
    return "\n".join([*lines, f"Next:    {begun.commands[0]}", f"then:    {begun.commands[2]}"])
