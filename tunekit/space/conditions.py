"""`when`: the values of earlier parameters under which a parameter is active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tunekit.results import Scalar
from tunekit.space import fields
from tunekit.space.nodes import MappingNode, Node, ScalarNode, got
from tunekit.space.parameters import Choice, Conditions, Fixed, Parameter, Range
from tunekit.space.problems import Report, listed, suggestion
from tunekit.space.scalars import shown, written

Declared = Mapping[str, Parameter | None]
"""The parameters above the one that is read; None for one that could not be read."""

_MOST_VALUES = 100_000


def possible_values(parameter: Parameter) -> tuple[Scalar, ...] | None:
    """Every value a parameter may take; None where they cannot be told apart exactly."""
    match parameter:
        case Fixed():
            return (parameter.value,)
        case Choice():
            return parameter.values
        case Range() if parameter.whole:
            return _whole_values(parameter)
        case _:
            return None


def _whole_values(parameter: Range) -> tuple[Scalar, ...] | None:
    low, high, step = int(parameter.min), int(parameter.max), int(parameter.step or 0)
    if parameter.scale == "log" and step:
        values = [low]
        while values[-1] * step <= high:
            values.append(values[-1] * step)
        return tuple(values)
    numbers = range(low, high + 1, step or 1)
    return tuple(numbers) if high - low < _MOST_VALUES * (step or 1) else None


def reachable(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Those that can be active, each under the conditions that can still hold."""
    left: dict[str, Parameter] = {}
    for parameter in parameters:
        when = {name: still_possible(left.get(name), allowed) for name, allowed in parameter.when.items()}
        if all(when.values()):
            left[parameter.name] = replace(parameter, when=when)
    return tuple(left.values())


def still_possible(parent: Parameter | None, allowed: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """Of the values that a condition allows those that its parameter can take; none where it is gone."""
    possible = () if parent is None else possible_values(parent)
    return allowed if possible is None else tuple(value for value in allowed if value in possible)


def read_when(report: Report, path: str, node: Node, declared: Declared) -> Conditions | None:
    """The conditions, those of the parents included; None where there is a problem."""
    found = len(report.problems)
    section = fields.mapping(report, path, node, "conditions such as {optimizer: [momentum]}")
    if section is None:
        return None
    conditions: dict[str, tuple[Scalar, ...]] = {}
    for name in section.entries:
        values = _read_condition(report, f"{path}.{shown(name, 40)}", name, section, declared)
        if values:
            conditions[name] = values
    if len(report.problems) == found:
        conditions = _inherited(report, path, section, conditions, declared)
    return conditions if len(report.problems) == found else None


def _read_condition(
    report: Report, path: str, name: str, section: MappingNode, declared: Declared
) -> tuple[Scalar, ...]:
    node = section.entries[name]
    if name not in declared:
        remedy = suggestion(name, tuple(declared)) if declared else "None is."
        expected = "a parameter that is declared above"
        report.add(
            path,
            section.lines[name],
            expected,
            shown(repr(name)),
            f"{remedy} A parameter comes after those it depends on.",
        )
        return ()
    parent = declared[name]
    if parent is None:
        return ()
    possible = possible_values(parent)
    if possible is None:
        expected = "a parameter whose values are listed or whole numbers"
        remedy = f"List the values of {name}, or depend on another parameter."
        report.add(path, section.lines[name], expected, f"{name}, a range", remedy)
        return ()
    wanted = [_read_possible(report, path, item, possible) for item in fields.items(node)]
    values = tuple(value for value in wanted if value is not None)
    if not wanted or len(set(values)) < len(values):
        few = "values that differ from each other" if wanted else "at least one value"
        fields.unexpected(report, path, node, few, f"Write a list such as [{written(possible[0])}].")
    return values


def _read_possible(report: Report, path: str, node: Node, possible: tuple[Scalar, ...]) -> Scalar | None:
    if isinstance(node, ScalarNode) and node.value is not None:
        for value in possible:
            if value == node.value and isinstance(value, bool) == isinstance(node.value, bool):
                return value
    some = [written(value) for value in possible[:12]]
    expected = f"one of {', '.join(some)}, ..." if len(possible) > len(some) else listed(some)
    word = node.text if isinstance(node, ScalarNode) else got(node)
    fields.unexpected(report, path, node, expected, suggestion(word, some))
    return None


def _inherited(
    report: Report,
    path: str,
    section: MappingNode,
    conditions: Mapping[str, tuple[Scalar, ...]],
    declared: Declared,
) -> dict[str, tuple[Scalar, ...]]:
    """The conditions and, of every parent, its own: a child of an inactive parent is inactive."""
    merged = dict(conditions)
    for name in conditions:
        parent = declared[name]
        for ancestor, allowed in parent.when.items() if parent else ():
            wanted = merged.get(ancestor, allowed)
            merged[ancestor] = tuple(value for value in wanted if value in allowed)
            if not merged[ancestor]:
                clash = f"conditions under which {name} is never active"
                remedy = f"Allow {ancestor} = {written(allowed[0])}, as {name} does."
                report.add(path, section.line, "conditions that can hold together", clash, remedy)
    return merged
