"""Spaces whose parameters are declared by a HyperModel of the user's own."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tunekit.errors import ModelError
from tunekit.space.hypermodel import Declared
from tunekit.space.mapping import model_in_mapping, space_of
from tunekit.space.model_names import hypermodel_in, location_in
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.reader import model_in, read_space
from tunekit.space.space import Space
from tunekit.study.model_source import digests, find_source, model_sources

ASK = "tunekit.oracles.ask_hypermodel"


def read_whole_space(path: Path) -> Space:
    """The space in a file, with the parameters that its HyperModel declares where it has one."""
    return read_space(path, declared_by(model_in(path)))


def whole_space_of(mapping: Mapping[str, Any]) -> Space:
    """The same of a space that is given as a mapping."""
    return space_of(mapping, declared_by(model_in_mapping(mapping)))


def declared_by(model: str | None) -> Declared | None:
    """What the model says of its parameters; None where it is no HyperModel."""
    location = None if model is None else location_in(model)
    if location is None or model is None:
        return None
    if hypermodel_in(model) is None and is_plain_function(location):
        return None
    return ask(location, tuple(digests(model_sources(model)).items()))


def is_plain_function(location: str) -> bool:
    """Whether the module's source says that this is a function of several arguments: then nothing is loaded to see."""
    name, _, attribute = location.partition(":")
    file = find_source(name)
    try:
        tree = ast.parse(file.read_bytes()) if file is not None else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return False
    named = [node for node in tree.body if getattr(node, "name", None) == attribute]
    if len(named) != 1 or not isinstance(named[0], ast.FunctionDef) or named[0].decorator_list:
        return False
    return len(named[0].args.posonlyargs + named[0].args.args) - len(named[0].args.defaults) > 1


@lru_cache
def ask(location: str, sources: tuple[tuple[str, str], ...]) -> Declared | None:
    """What the HyperModel says of itself; None where this is a function of plain values.

    Asked anew where its sources are no longer what they were: in a notebook it is edited from one search to the next.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.json"
        done = subprocess.run(
            [sys.executable, "-m", ASK, location, str(file)], capture_output=True, text=True, check=False
        )
        if not file.is_file():
            tail = "\n".join(f"  {line}" for line in done.stderr.rstrip().splitlines()[-6:])
            raise ModelError(f"model {location}: the process that loads it ended by itself:\n{tail}")
        answer: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    if "error" in answer:
        raise ModelError(answer["error"])
    if "function" in answer:
        return None
    parameters = tuple(parameter_from(plain) for plain in answer["declared"])
    return Declared(parameters, answer["compiled"], answer["problems"])


def parameter_from(plain: dict[str, Any]) -> Parameter:
    """From what `plain_parameter` makes of it."""
    name = plain["name"]
    when = {parent: tuple(values) for parent, values in plain.get("when", {}).items()}
    if "value" in plain:
        return Fixed(name, plain["value"], when)
    if "values" in plain:
        return Choice(name, tuple(plain["values"]), when)
    return Range(name, plain["min"], plain["max"], plain.get("step"), plain.get("scale", "linear"), when)
