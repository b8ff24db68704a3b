"""Changes made to a space on the command line: `--set parameter=value`, and search settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tunekit.results import Scalar
from tunekit.space.conditions import still_possible
from tunekit.space.document import read_node
from tunekit.space.fitting import fit
from tunekit.space.kinds import check_parameter_name
from tunekit.space.model_names import hypermodel_in
from tunekit.space.nodes import BrokenNode, Node, ScalarNode
from tunekit.space.parameters import Choice, Fixed, Parameter, Range
from tunekit.space.problems import Report, suggestion
from tunekit.space.reader import check_grid
from tunekit.space.scalars import shown, written
from tunekit.space.sections import SETTINGS, read_setting
from tunekit.space.space import SearchSettings, Space
from tunekit.space.start import distinct
from tunekit.space.values import read_value
from tunekit.space.vocabulary import COMPILING, known_parameters, knows_all


def apply_settings(space: Space, sets: Sequence[str], **search_overrides: Any) -> Space:
    """The space with parameters fixed as `name=value` and search settings replaced; None leaves a setting.

    Checked as a file is; raises SpaceError with every problem. A changed space is no longer `verified`.
    """
    report = Report("")
    values = _read_sets(report, space, sets)
    parameters = _narrowed(report, space, values) if not report.problems else space.parameters
    search = _read_overrides(report, space.search, search_overrides)
    if search.tuner == "grid":
        check_grid(report, parameters, {})
    report.check()
    starts = [
        fit(report, f"start[{number}]", parameters, values, {}) for number, values in enumerate(space.start)
    ]
    report.check()
    changed = replace(space, parameters=parameters, search=search, start=distinct(starts))
    return changed if changed == space else replace(changed, verified=None)


def _read_overrides(report: Report, search: SearchSettings, overrides: dict[str, Any]) -> SearchSettings:
    read = {}
    for name, value in overrides.items():
        if name not in SETTINGS:
            raise TypeError(f"no search setting {name}")
        if value is not None:
            node = ScalarNode(value, 0, str(value))
            read[name] = read_setting(report, f"--{name.replace('_', '-')}", name, node)
    return replace(search, **{name: value for name, value in read.items() if value is not None})


def _read_sets(report: Report, space: Space, sets: Sequence[str]) -> dict[str, Scalar]:
    """The value of every parameter that is set."""
    values: dict[str, Scalar] = {}
    for setting in sets:
        name, equals, text = setting.partition("=")
        name = name.strip()
        path = f"--set {shown(name, 40)}".rstrip()
        if not equals or not name:
            remedy = "Write, for instance, --set dropout=0.5."
            report.add(path, 0, "parameter=value", shown(repr(setting)), remedy)
        elif name in values:
            report.add(path, 0, "each parameter once", "it again", "Set it once.")
        elif _may_be_set(report, path, space, name):
            value = _read_set(report, path, space, name, text)
            if value is not None:
                values[name] = value
    return values


def _may_be_set(report: Report, path: str, space: Space, name: str) -> bool:
    if space.parameter(name) is not None:
        return True
    if knows_all(space.model):
        return check_parameter_name(report, path, 0, name, space.model)
    known = known_parameters(space.model)
    if hypermodel_in(space.model):
        # What compiling decides may be the HyperModel's to decide: only the file's reader knows.
        known = {other: each for other, each in known.items() if other not in COMPILING}
    # Of a user's own model only the file and training say which parameters there are.
    if name in known:
        return True
    named = [parameter.name for parameter in space.parameters]
    remedy = f"{suggestion(name, [*named, *known])} Others are added in the file."
    report.add(path, 0, "a parameter of the file or of training", shown(repr(name)), remedy)
    return False


def _read_set(report: Report, path: str, space: Space, name: str, text: str) -> Scalar | None:
    node = _node(report, path, text)
    parameter = space.parameter(name)
    own = parameter is not None and hypermodel_in(space.model) is not None
    value = read_value(report, path, node, None if own else known_parameters(space.model).get(name))
    if value is None or parameter is None:
        return value
    kind = _kind(parameter)
    if kind is float and type(value) is int:
        return float(value)
    if kind is not type(value) and not (isinstance(parameter, Fixed) and {kind, type(value)} == {int, float}):
        words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        remedy = "Write a value of the kind that the file has."
        report.add(path, 0, words[kind], shown(text), remedy)
        return None
    return value


def _kind(parameter: Parameter) -> type:
    match parameter:
        case Fixed():
            return type(parameter.value)
        case Choice():
            return type(parameter.values[0])
        case Range():
            return int if parameter.whole else float


def _node(report: Report, path: str, text: str) -> Node:
    """The text read as YAML; its problems are those of the option, without a line."""
    inner = Report("")
    node = read_node(text, inner)
    for problem in inner.problems:
        report.add(path, 0, problem.expected, problem.got, problem.remedy)
    if inner.problems:
        return BrokenNode(0)
    return ScalarNode(None, 0, "") if node is None else replace(node, line=0)


def _narrowed(report: Report, space: Space, values: dict[str, Scalar]) -> tuple[Parameter, ...]:
    """The parameters with these values fixed; those that can never be active any more are left out."""
    left: dict[str, Parameter] = {}
    for parameter in space.parameters:
        when = {name: still_possible(left.get(name), allowed) for name, allowed in parameter.when.items()}
        impossible = next((name for name, allowed in when.items() if not allowed), None)
        if impossible is None:
            value = values.get(parameter.name)
            kept = parameter if value is None else Fixed(parameter.name, value)
            left[parameter.name] = replace(kept, when=when)
        elif parameter.name in values:
            allowed = " or ".join(written(value) for value in parameter.when[impossible])
            remedy = f"Leave it out, or set {impossible} to {allowed}."
            path = f"--set {parameter.name}"
            report.add(path, 0, "a parameter that can be active", "one that depends on another", remedy)
    new = (Fixed(name, value) for name, value in values.items() if space.parameter(name) is None)
    return (*left.values(), *new)
