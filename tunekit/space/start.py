"""The section `start` of a space file: configurations that are known to be good, and tried first."""

from __future__ import annotations

from tunekit.results import Scalar, Values
from tunekit.space import fields
from tunekit.space.fitting import fit
from tunekit.space.nodes import ListNode, MappingNode, Node
from tunekit.space.parameters import Parameter
from tunekit.space.problems import Report
from tunekit.space.scalars import shown
from tunekit.space.values import read_value

EXPECTED = "a list of configurations"
EXAMPLE = "Write a list such as [{learning_rate: 0.01}]."


def read_start(
    report: Report, root: MappingNode, parameters: tuple[Parameter, ...]
) -> tuple[dict[str, Scalar], ...]:
    """The configurations, each once."""
    node = root.entries.get("start")
    if node is None:
        return ()
    if not isinstance(node, ListNode):
        fields.unexpected(report, "start", node, EXPECTED, EXAMPLE)
        return ()
    # Of a parameter that could not be read that has been said already.
    readable = len(report.problems)
    read = [_read_configuration(report, f"start[{number}]", item) for number, item in enumerate(node.items)]
    if readable:
        return ()
    found = [
        fit(report, f"start[{number}]", parameters, values, item.lines)
        for number, (values, item) in enumerate(zip(read, node.items, strict=True))
        if values is not None and isinstance(item, MappingNode)
    ]
    return distinct(found)


def distinct(starts: list[dict[str, Scalar]]) -> tuple[dict[str, Scalar], ...]:
    """Each configuration once, where it comes first."""
    return tuple(start for number, start in enumerate(starts) if start not in starts[:number])


def _read_configuration(report: Report, path: str, node: Node) -> Values | None:
    section = fields.mapping(report, path, node, "a mapping of parameters to values")
    if section is None:
        return None
    if not section.lines:
        fields.unexpected(report, path, node, "at least one value", "Name a parameter, or remove it.")
        return None
    values = {
        name: read_value(report, f"{path}.{shown(name, 40)}", item, None)
        for name, item in section.entries.items()
    }
    return {name: value for name, value in values.items() if value is not None}
