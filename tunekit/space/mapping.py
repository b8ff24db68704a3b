"""A space given as a Python mapping of the form that its file would have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import yaml

from tunekit.errors import Problem, SpaceError
from tunekit.space.hypermodel import Declared
from tunekit.space.reader import model_in_text, parse_space
from tunekit.space.scalars import shown
from tunekit.space.space import Space


class _Dumper(yaml.SafeDumper):
    """The same list in two places is written twice: a space file has no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def space_of(mapping: Mapping[str, Any], declared: Declared | None = None) -> Space:
    """Checked as a file is; relative paths start from the working folder."""
    if "name" not in mapping:
        remedy = "Add one, such as 'name': 'cnn-digits': its experiment in MLflow is called so."
        raise SpaceError([Problem("name", "the space's name", "nothing", remedy)])
    try:
        return parse_space(_text(mapping), "", Path.cwd(), declared)
    except SpaceError as error:
        # Of a text that nobody has seen no line helps.
        raise SpaceError([replace(problem, line=0) for problem in error.problems]) from None


def model_in_mapping(mapping: Mapping[str, Any]) -> str | None:
    """Its model, whose parameters may be declared elsewhere; None where there is none to be read."""
    return model_in_text(_text(mapping), Path.cwd())


def _text(mapping: Mapping[str, Any]) -> str:
    try:
        text: str = yaml.dump(_plain(mapping), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    except yaml.representer.RepresenterError as error:
        expected = "texts, numbers, booleans, lists and dicts alone, as a space file has them"
        got = shown(repr(error.args[-1]))
        raise SpaceError([Problem("", expected, got, "Write it as the file would.")]) from error
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, PurePath):
        return str(value)
    return value.item() if getattr(value, "shape", None) == () else value  # NumPy's scalars
