"""Options of a function read by the command of the same name: its defaults, its checks and its words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from tunekit.errors import UserError


def read_options(command: click.Command, argument: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """The command's parameters; an option that is None or False is left away."""
    words = [word for name, value in options.items() for word in _words(name, value)]
    if argument is not None:
        words += ["--", argument]
    assert command.name is not None
    try:
        with command.make_context(command.name, words) as context:
            return dict(context.params)
    except click.ClickException as error:
        raise UserError(error.format_message()) from error


def _words(name: str, value: Any) -> Iterator[str]:
    option = f"--{name.replace('_', '-')}"
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield f"{option}={key}={_written(each)}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield f"{option}={each}"
    elif value is True:
        yield option
    elif value is not None and value is not False:
        yield f"{option}={value}"


def _written(value: Any) -> str:
    """As YAML, of which JSON's scalars are a part."""
    return json.dumps(value, default=lambda other: other.item() if hasattr(other, "item") else str(other))
