"""The section `parameters`: a list is a choice, a mapping a range, a plain value fixed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from tunekit.space import fields
from tunekit.space.conditions import read_when
from tunekit.space.model_names import hypermodel_in
from tunekit.space.nodes import ListNode, MappingNode, Node, ScalarNode, got
from tunekit.space.parameters import Choice, Conditions, Fixed, Parameter, Range
from tunekit.space.problems import Report, suggestion
from tunekit.space.scalars import shown
from tunekit.space.values import read_value
from tunekit.space.vocabulary import MODELS, Known, known_parameters, knows_all

DECLARED_NAME = re.compile(r"(?!tuner/)[A-Za-z_][A-Za-z0-9_.:/ -]{0,63}")
PARAMETER_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
MOST_STEPS = 1_000_000

_RANGE_KEYS = ("min", "max", "step", "scale", "when")
_FORMS = "a value, a list of values, or a mapping with min and max"
_REMEDIES: Mapping[str, tuple[str, str]] = {
    "min below max": ("min", "Swap them, or write one plain value to fix the parameter."),
    "min above 0 on a log scale": ("min", "Raise min, or write scale: linear."),
    "a step above 0": ("step", "Leave the step out, or write one such as 0.1."),
    "a step above 1 on a log scale, where it multiplies": ("step", "Write a factor such as 2 or 10."),
    "a step no larger than max - min": ("step", "Write a smaller step, or list the values."),
}
"""What a Range says it expected → the key it is about, and the remedy."""


def read_parameters(report: Report, root: MappingNode, model: str | None) -> tuple[Parameter, ...]:
    """All parameters, in the file's order."""
    remedy = "Add a section such as `parameters: {learning_rate: {min: 1.0e-4, max: 1.0e-1, scale: log}}`."
    node = fields.required(report, "", root, "parameters", remedy)
    section = None if node is None else fields.mapping(report, "parameters", node, "a mapping of parameters")
    if section is None:
        return ()
    if not section.lines:
        report.add("parameters", section.line, "at least one parameter", "none", "Name a parameter.")
    declared: dict[str, Parameter | None] = {}
    for name, value in section.entries.items():
        path = f"parameters.{shown(name, 40)}"
        accepted = check_parameter_name(report, path, section.lines[name], name, model)
        # A HyperModel's `optimizer` is its own: what it may be was checked when the HyperModel was asked.
        known = None if hypermodel_in(model or "") else known_parameters(model or "").get(name)
        declared[name] = read_parameter(report, path, name, value, known, declared) if accepted else None
    return tuple(parameter for parameter in declared.values() if parameter is not None)


def check_parameter_name(report: Report, path: str, line: int, name: str, model: str | None) -> bool:
    """Whether a parameter may have this name: one the model knows, or any where the model is the user's."""
    known = tuple(known_parameters(model)) if model is not None and knows_all(model) else ()
    if known and name not in known:
        expected = f"a parameter of {model if model in MODELS else 'a saved model'} or of training"
        report.add(path, line, expected, shown(repr(name)), suggestion(name, known))
        return False
    if hypermodel_in(model or ""):
        return check_name(report, path, line, name)
    if not PARAMETER_NAME.fullmatch(name):
        expected = "a name of up to 64 letters, digits, `_`, `-` and `.`, beginning with a letter or `_`"
        report.add(path, line, expected, shown(repr(name)), "Rename the parameter.")
        return False
    return True


def check_name(report: Report, path: str, line: int, name: str) -> bool:
    """Whether a parameter of a HyperModel may have this name: what MLflow takes, scopes and spaces too."""
    if DECLARED_NAME.fullmatch(name):
        return True
    expected = "a name of up to 64 letters, digits, spaces, `_`, `-`, `.`, `:` and `/`, beginning with a letter or `_`"
    report.add(path, line, expected, shown(repr(name)), "Rename the parameter in the HyperModel.")
    return False


def read_parameter(
    report: Report,
    path: str,
    name: str,
    node: Node,
    known: Known | None,
    declared: Mapping[str, Parameter | None],
) -> Parameter | None:
    """One parameter; None, with every problem reported, where it cannot be read."""
    if not isinstance(node, MappingNode):
        return _read_listed(report, path, name, node, known, {})
    found = len(report.problems)
    when: Conditions | None = {}
    if "when" in node.entries:
        when = read_when(report, f"{path}.when", node.entries["when"], declared)
    forms = [form for form in ("values", "value") if form in node.lines]
    keys = (forms[0], "when") if forms else _RANGE_KEYS
    fields.mapping(report, path, node, _FORMS, keys)
    parameter: Parameter | None
    if forms:
        inner = node.entries.get(forms[0])
        fits = inner is None or isinstance(inner, ListNode) == (forms[0] == "values")
        if inner is not None and not fits:
            form, remedy = (
                ("a list", "Write it in brackets, or `value:`.")
                if forms[0] == "values"
                else ("one value", "Write `values:` for a list.")
            )
            fields.unexpected(report, f"{path}.{forms[0]}", inner, form, remedy)
        readable = inner is not None and fits
        parameter = _read_listed(report, path, name, inner, known, when or {}) if readable and inner else None
    else:
        parameter = _read_range(report, path, name, node, known, when or {})
    return parameter if len(report.problems) == found else None


def _read_listed(
    report: Report, path: str, name: str, node: Node, known: Known | None, when: Conditions
) -> Parameter | None:
    """A fixed value, or a choice of several."""
    if not isinstance(node, ListNode):
        value = read_value(report, path, node, known)
        return None if value is None else Fixed(name, value, when)
    read = [read_value(report, f"{path}[{number}]", item, known) for number, item in enumerate(node.items)]
    values = [value for value in read if value is not None]
    if len(values) < len(read):
        return None
    if {type(value) for value in values} == {int, float}:
        values = [float(value) for value in values]
    if len(values) == 1:
        return Fixed(name, values[0], when)
    try:
        return Choice(name, tuple(values), when)
    except ValueError as problem:
        remedy = "List at least one value." if not values else "Remove the one that does not fit."
        report.add(path, node.line, str(problem), _shown_values(node), remedy)
        return None


def _shown_values(node: ListNode) -> str:
    texts = [item.text if isinstance(item, ScalarNode) else got(item) for item in node.items]
    return shown(f"[{', '.join(texts)}]")


def _read_range(
    report: Report, path: str, name: str, node: MappingNode, known: Known | None, when: Conditions
) -> Range | None:
    if known is not None and known.kind in (bool, str):
        example = "[true, false]" if known.kind is bool else f"[{', '.join(known.choices[:3])}]"
        report.add(
            path, node.line, "a value or a list of values", "a range", f"List the values, as in {example}."
        )
        return None
    found = len(report.problems)
    for key in ("min", "max"):
        fields.required(report, path, node, key, f"Add a {key}, or list the values in brackets.")
    numbers = {key: _read_bound(report, path, node, key, known) for key in ("min", "max", "step")}
    scale: Literal["linear", "log"] = "linear"
    if "scale" in node.entries:
        chosen = fields.one_of(report, f"{path}.scale", node.entries["scale"], ("linear", "log"))
        scale = "log" if chosen == "log" else "linear"
    low, high, step = numbers["min"], numbers["max"], numbers["step"]
    if len(report.problems) > found or low is None or high is None:
        return None
    if any(isinstance(number, float) for number in (low, high, step)):
        low, high, step = float(low), float(high), None if step is None else float(step)
    try:
        made = Range(name, low, high, step, scale, when)
    except ValueError as problem:
        key, remedy = _REMEDIES.get(str(problem), ("min", "Check min, max and step."))
        given = ", ".join(f"{part} {got(inner)}" for part, inner in node.entries.items() if part in numbers)
        report.add(f"{path}.{key}", node.lines.get(key, node.line), str(problem), shown(given), remedy)
        return None
    return made if _sensible_step(report, path, node, made) else None


def _read_bound(
    report: Report, path: str, node: MappingNode, key: str, known: Known | None
) -> int | float | None:
    inner = node.entries.get(key)
    if inner is None:
        return None
    where = f"{path}.{key}"
    low, high = (known.min, known.max) if known is not None and key != "step" else (None, None)
    read = fields.whole if known is not None and known.kind is int else fields.number
    value = read(report, where, inner, low, high)
    return float(value) if value is not None and known is not None and known.kind is float else value


def _sensible_step(report: Report, path: str, node: MappingNode, made: Range) -> bool:
    """A step so small that no search would tell its values apart is a slip."""
    if made.step is None or made.scale == "log" or (made.max - made.min) / made.step <= MOST_STEPS:
        return True
    expected = f"a step that gives at most {MOST_STEPS:,} values"
    report.add(
        f"{path}.step", node.lines["step"], expected, f"{made.step:g}", "Write a larger step, or none."
    )
    return False
