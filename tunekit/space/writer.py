"""Writes a space as YAML that the reader turns into an equal space, and as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tunekit.results import Scalar
from tunekit.space.model_names import hypermodel_in, keras_file_in
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.scalars import written
from tunekit.space.space import DataSpec, SearchSettings, Space

_WIDEST_NAME = 24
_WIDEST_LINE = 110


def as_plain(space: Space) -> dict[str, Any]:
    """The space as dicts, lists and scalars; equal spaces give equal data, fit for a digest.

    Parameters are a list, because their order decides what a seed draws.
    """
    plain: dict[str, Any] = {
        "name": space.name,
        "model": space.model,
        "data": _plain_data(space.data),
        "objective": dataclasses.asdict(space.objective),
        "search": _plain_search(space.search),
        "parameters": [
            {"name": parameter.name} | plain_parameter(parameter) for parameter in space.parameters
        ],
    }
    if space.start:
        plain["start"] = [dict(values) for values in space.start]
    if space.verified is not None:
        record = {
            field.name: getattr(space.verified, field.name) for field in dataclasses.fields(space.verified)
        }
        plain["verified"] = {
            key: dict(value) if isinstance(value, Mapping) else value for key, value in record.items()
        }
        if not space.verified.model_sha256:
            del plain["verified"]["model_sha256"]  # as in configurations of before it was written down
    return plain


def _plain_search(search: SearchSettings) -> dict[str, Any]:
    plain = dataclasses.asdict(search)
    if search.executions_per_trial == 1:
        # Left out, so that a search that began before there was this setting is still the same one.
        del plain["executions_per_trial"]
    return plain


def _plain_data(data: DataSpec) -> dict[str, Any]:
    """Without the options that are left out, as JSON gives it back."""
    plain = {name: value for name, value in dataclasses.asdict(data).items() if value is not None}
    weights = plain.get("class_weights")
    if isinstance(weights, tuple):
        plain["class_weights"] = dict(weights)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in plain.items()}


def plain_parameter(parameter: Parameter) -> dict[str, Any]:
    """One parameter without its name."""
    plain: dict[str, Any]
    match parameter:
        case Fixed():
            plain = {"value": parameter.value}
        case Choice():
            plain = {"values": list(parameter.values)}
        case Range():
            plain = {"min": parameter.min, "max": parameter.max}
            plain |= {} if parameter.step is None else {"step": parameter.step}
            plain |= {} if parameter.scale == "linear" else {"scale": parameter.scale}
    if parameter.when:
        plain["when"] = {name: list(parameter.when[name]) for name in sorted(parameter.when)}
    return plain


def write_space(space: Space, comment: str = "") -> str:
    """The space as YAML, after the comment's lines."""
    plain = as_plain(space)
    objective = written(space.objective.name)
    lines = [_comment(line) for line in comment.splitlines()]
    lines += [f"name: {written(space.name)}", f"model: {_flow(_model(space.model))}"]
    lines += [f"data: {_flow(_data(space.data))}", f"objective: {objective}"]
    lines += _section("search", {key: value for key, value in plain["search"].items() if value is not None})
    lines += ["parameters:", *_aligned({parameter.name: _short(parameter) for parameter in space.parameters})]
    if space.start:
        lines += ["start:", *(f"  - {_flow(values)}" for values in space.start)]
    if "verified" in plain:
        lines += [
            "verified:",
            *_aligned({key: value for key, value in plain["verified"].items() if value != {}}),
        ]
    return "\n".join(lines) + "\n"


def _comment(line: str) -> str:
    clean = "".join(letter if letter.isprintable() else " " for letter in line)
    return f"# {clean}".rstrip()


def _model(model: str) -> Any:
    location, file = hypermodel_in(model), keras_file_in(model)
    if location is not None:
        return {"hypermodel": location}
    if file is not None:
        return {"keras": file.path} | ({"sha256": file.sha256} if file.sha256 else {})
    return model


def _data(data: DataSpec) -> dict[str, Any]:
    source = {data.source: data.location or True}
    options = {key: value for key, value in _plain_data(data).items() if key not in ("source", "location")}
    return source | options


def _short(parameter: Parameter) -> Any:
    """As one would write it by hand: without a mapping where there is no condition."""
    plain = plain_parameter(parameter)
    if len(plain) == 1:
        return next(iter(plain.values()))
    return plain


def _section(name: str, entries: Mapping[str, Any]) -> list[str]:
    line = f"{name}: {_flow(entries)}"
    return [line] if len(line) <= _WIDEST_LINE else [f"{name}:", *_aligned(entries)]


def _aligned(entries: Mapping[str, Any]) -> list[str]:
    """One line for each entry, the values in one column."""
    widest = min(max((len(written(name)) for name in entries), default=0), _WIDEST_NAME)
    return [f"  {written(name) + ':':<{widest + 1}} {_flow(value)}" for name, value in entries.items()]


def _flow(value: Scalar | Sequence[Any] | Mapping[str, Any]) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(key)}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bool | int | float | str):
        return written(value)
    return "[" + ", ".join(map(_flow, value)) + "]"
