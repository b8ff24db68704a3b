"""The nodes of a YAML document: values, lists and mappings that know their line."""

from __future__ import annotations

from dataclasses import dataclass

from tunekit.results import Scalar
from tunekit.space.scalars import shown


@dataclass(frozen=True)
class ScalarNode:
    """One value."""

    value: Scalar | None
    line: int
    text: str
    """As it stands in the file, without quotes."""


@dataclass(frozen=True)
class ListNode:
    """A list."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True)
class MappingNode:
    """A mapping; its keys are text and differ."""

    entries: dict[str, Node]
    lines: dict[str, int]
    """The line of each key."""
    line: int


@dataclass(frozen=True)
class BrokenNode:
    """Something that has been reported already and is not looked at again."""

    line: int


Node = ScalarNode | ListNode | MappingNode | BrokenNode


def got(node: Node) -> str:
    """What a node is, in words."""
    match node:
        case ScalarNode(value=None):
            return "nothing"
        case ScalarNode(value=str()):
            return f"the text {shown(node.text)!r}"
        case ScalarNode():
            return shown(node.text)
        case ListNode():
            return "a list"
        case MappingNode():
            return "a mapping"
        case BrokenNode():
            return "something broken"
