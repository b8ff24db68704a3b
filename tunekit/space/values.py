"""One parameter's value, checked against what the model knows of it."""

from __future__ import annotations

from tunekit.results import Scalar
from tunekit.space import fields
from tunekit.space.nodes import Node, ScalarNode
from tunekit.space.problems import Report
from tunekit.space.vocabulary import Known

LONGEST_TEXT = 200


def read_value(report: Report, path: str, node: Node, known: Known | None) -> Scalar | None:
    """A value that the parameter may take; None, with the problem reported, where it may not."""
    if isinstance(node, ScalarNode) and node.value is None:
        remedy = "Write a value, or leave the parameter out to take its default."
        fields.unexpected(report, path, node, "a value", remedy)
        return None
    if known is None:
        return _read_any(report, path, node)
    if known.kind is bool:
        return fields.boolean(report, path, node)
    if known.kind is int:
        return fields.whole(report, path, node, known.min, known.max)
    if known.kind is float:
        value = fields.number(report, path, node, known.min, known.max)
        return None if value is None else float(value)
    return fields.one_of(report, path, node, known.choices)


def _read_any(report: Report, path: str, node: Node) -> Scalar | None:
    """A value of a parameter that only the user's own model knows."""
    if not isinstance(node, ScalarNode):
        fields.unexpected(report, path, node, "one value", "Write true, false, a number or text.")
        return None
    if isinstance(node.value, bool):
        return node.value
    if isinstance(node.value, str):
        return "" if not node.value else fields.text(report, path, node, longest=LONGEST_TEXT)
    return fields.number(report, path, node)
