"""What each kind of value may be: spaces, searches, trials, parameters. Reads quickly, and writes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from tunekit.results import Scalar
    from tunekit.space.parameters import Parameter
    from tunekit.space.space import Space
    from tunekit.study.home import Home

Items = list[CompletionItem]

MOST_STEPS = 20
"""Values of a range that are listed one by one."""


def spaces(context: click.Context, incomplete: str) -> Items:
    from tunekit.space.shipped import describe, shipped_spaces

    shipped = shipped_spaces()
    names = _plain({name: describe(path) for name, path in shipped.items()}, incomplete)
    return [*names, *space_files(context, incomplete)]


def space_files(context: click.Context, incomplete: str) -> Items:
    """Files that end in .yaml, and the folders on the way to them."""
    typed, paths = _listed(incomplete)
    found = [
        CompletionItem(f"{typed}{path.name}{'/' if path.is_dir() else ''}", type="path")
        for path in paths
        if path.is_dir() or path.suffix in (".yaml", ".yml")
    ]
    if len(found) == 1 and found[0].value.endswith("/"):
        # Alone it must not be followed by a space, so that one can go on into it.
        return [CompletionItem(found[0].value, type="open")]
    return found


def searches(context: click.Context, incomplete: str) -> Items:
    """The newest first, without those that are named already."""
    named = context.params.get("searches") or ()
    names = [folder.name for folder in reversed(_home(context).existing())]
    return _plain((name for name in names if name not in named), incomplete)


def searches_and_files(context: click.Context, incomplete: str) -> Items:
    return [*searches(context, incomplete), *space_files(context, incomplete)]


def trials(context: click.Context, incomplete: str) -> Items:
    """Of the search that is named, or of the newest; with their scores."""
    folder = _home(context).find(context.params.get("search"))
    with closing(
        sqlite3.connect(f"{folder.state.absolute().as_uri()}?mode=ro", uri=True, timeout=0.2)
    ) as state:
        rows = state.execute(
            "SELECT id, outcome FROM trials WHERE status = 'COMPLETED' AND kind = 'trial' ORDER BY rowid"
        ).fetchall()
    return _plain({name: f"{json.loads(outcome)['score']:.4f}" for name, outcome in rows}, incomplete)


def parameters(context: click.Context, incomplete: str) -> Items:
    """The names, each with its `=`; after it the values."""
    from tunekit.space.vocabulary import MODELS, TRAINING, known_parameters

    space = _space(context)
    if space is None:
        known = {
            known.name: known for known in (*TRAINING, *(each for own in MODELS.values() for each in own))
        }
    else:
        known = known_parameters(space.model)
    own = {parameter.name: parameter for parameter in space.parameters} if space else {}
    name, equals, _ = incomplete.partition("=")
    if not equals:
        helps = dict.fromkeys(own, "") | {each.name: each.help for each in known.values()}
        return [
            CompletionItem(f"{item.value}=", type="open", help=item.help)
            for item in _plain(helps, incomplete)
        ]
    values = _values(own[name]) if name in own else []
    if name in known:
        values += [*known[name].choices, *(("true", "false") if known[name].kind is bool else ())]
        values = values or [_written(known[name].default)]
    return _plain(dict.fromkeys(f"{name}={value}" for value in values), incomplete)


def data(context: click.Context, incomplete: str) -> Items:
    """The kinds, each with its `:`; after it the files."""
    from tunekit.space.declared import data_kinds
    from tunekit.space.sources import WITHOUT_PLACE

    kind, colon, place = incomplete.partition(":")
    if not colon:
        kinds = _plain(data_kinds(), kind)
        return [
            item if item.value in WITHOUT_PLACE else CompletionItem(f"{item.value}:", type="open")
            for item in kinds
        ]
    typed, paths = _listed(place)
    return [
        CompletionItem(f"{kind}:{typed}{path.name}/", type="open")
        if path.is_dir()
        else CompletionItem(f"{kind}:{typed}{path.name}")
        for path in paths
    ]


def models(context: click.Context, incomplete: str) -> Items:
    from tunekit.space.vocabulary import MODELS

    return _plain((*MODELS, "own"), incomplete)


def objectives(context: click.Context, incomplete: str) -> Items:
    from tunekit.space.sections import OBJECTIVES

    return _plain(list(OBJECTIVES), incomplete)


def tuners(context: click.Context, incomplete: str) -> Items:
    from tunekit.space.sections import TUNERS

    return _plain(TUNERS, incomplete)


def counts(context: click.Context, incomplete: str) -> Items:
    return _plain(("auto", "1", "2", "4", "8"), incomplete)


def times(context: click.Context, incomplete: str) -> Items:
    """The units, once there is a number."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    if not incomplete.isdigit():
        return []
    return _plain({f"{incomplete}{unit}": f"{incomplete} {name}" for unit, name in units.items()}, incomplete)


def _listed(typed: str) -> tuple[str, list[Path]]:
    """The folder as it is typed, and what in it begins as the rest; hidden files only where they are asked for."""
    head, slash, start = typed.rpartition("/")
    folder = Path(f"{head}{slash}" or ".").expanduser()
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    shown = [
        path for path in paths if path.name.startswith(start) and (start or not path.name.startswith("."))
    ]
    return f"{head}{slash}", shown


def _home(context: click.Context) -> Home:
    home: Home = context.params["home"]
    return home


def _space(context: click.Context) -> Space | None:
    """The space that is named before; None where there is none yet, or it is wrong."""
    from tunekit.errors import TunekitError
    from tunekit.space.reader import read_space
    from tunekit.space.shipped import find_space

    named = context.params.get("space") or context.params.get("config")
    try:
        return read_space(find_space(str(named))) if named else None
    except TunekitError:
        return None


def _values(parameter: Parameter) -> list[str]:
    from tunekit.space.parameters import Choice, Fixed, Range

    match parameter:
        case Fixed():
            return [_written(parameter.value)]
        case Choice():
            return [_written(value) for value in parameter.values]
        case Range():
            return [_written(value) for value in _range_values(parameter)]


def _range_values(parameter: Any) -> list[Scalar]:
    """Every step of a short linear range, else both ends."""
    if parameter.step is not None and parameter.scale == "linear":
        steps = round((parameter.max - parameter.min) / parameter.step)
        if steps <= MOST_STEPS:
            return [round(parameter.min + parameter.step * number, 10) for number in range(steps + 1)]
    return [parameter.min, parameter.max]


def _written(value: Scalar) -> str:
    from tunekit.space.scalars import written

    return written(value)


def _plain(values: Iterable[str], incomplete: str) -> Items:
    """Those that begin as what is typed; a mapping's values are their help."""
    helps = values if isinstance(values, dict) else {}
    return [CompletionItem(value, help=helps.get(value)) for value in values if value.startswith(incomplete)]
