"""`tunekit explain`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from tunekit.cli.options import home_option, json_option, tracking_option

if TYPE_CHECKING:
    from tunekit.results import TimedEpoch
    from tunekit.study.explain import ExplainedTrial
    from tunekit.study.home import Home


@click.command()
@click.argument("search", metavar="[SEARCH]", required=False)
@click.option("--trial", metavar="ID", help="Explain this trial.  [default: the winner]")
@home_option
@tracking_option
@json_option
def explain(search: str | None, trial: str | None, home: Home, as_json: bool) -> None:
    """Show what the winner of SEARCH, or of the newest, has learnt, and where it is mistaken.

    Pictures of what excites its filters and of how they came to be, which parts of an image matter, what it notices
    of changed images, and the images that it gets most wrong; all on the validation images. A trial whose weights
    were not kept is trained again first.

    Example: tunekit explain cnn-cifar10
    """
    from tunekit.cli.progress import make_progress
    from tunekit.study.explain import explain as run
    from tunekit.study.session import Settings

    with make_progress(to_stderr=as_json) as reporter:
        found = run(search, trial, Settings(home=home), reporter, _epoch_line)
    click.echo(json.dumps(_plain(found), indent=2) if as_json else _text(found))


def _epoch_line(timed: TimedEpoch) -> None:
    click.echo(f"epoch {timed.epoch.number} ({timed.epoch.seconds:.1f} s)", err=True)


def _plain(found: ExplainedTrial) -> dict[str, Any]:
    return {
        "search": found.search,
        "trial": found.trial,
        "folder": str(found.folder.absolute()),
        "pictures": [
            {
                "path": str(picture.path.absolute()),
                "title": picture.title,
                "caption": picture.caption,
                "alt": picture.alt,
            }
            for picture in found.pictures
        ],
        "notes": list(found.notes),
        "figures": dict(found.figures),
    }


def _text(found: ExplainedTrial) -> str:
    from tunekit.cli.tables import table

    rows = [[picture.title, str(picture.path)] for picture in found.pictures]
    lines = [f"Trial {found.trial} of {found.search}", "", table(rows, ["picture", "file"])]
    if found.notes:
        lines += ["", *(f"Note: {note}" for note in found.notes)]
    return "\n".join([*lines, "", f"Figures  {found.folder / 'explain.json'}"])
