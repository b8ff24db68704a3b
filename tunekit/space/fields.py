"""Reading one field of a space file: the node as the type that is expected there, or a problem and None."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from tunekit.space.nodes import BrokenNode, ListNode, MappingNode, Node, ScalarNode, got
from tunekit.space.problems import Report, listed, suggestion
from tunekit.space.scalars import shown, written

LARGEST_WHOLE = 2**63 - 1
"""Whole numbers beyond it fit no array."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
NAME_EXPECTED = "up to 64 letters, digits, `-`, `_` and `.`, beginning with a letter, digit or `_`"


def unexpected(report: Report, path: str, node: Node, expected: str, remedy: str) -> None:
    """Report a node that is not what was expected, unless it has been reported already."""
    if not isinstance(node, BrokenNode):
        report.add(path, node.line, expected, got(node), remedy)


def mapping(
    report: Report, path: str, node: Node, expected: str, known: Sequence[str] = ()
) -> MappingNode | None:
    """A mapping; keys that are not known are reported, and all are accepted where none is given."""
    if not isinstance(node, MappingNode):
        example = f"{{{known[0]}: ...}}" if known else "{name: value}"
        unexpected(report, path, node, expected, f"Write a mapping such as {example}.")
        return None
    for key in node.entries:
        if known and key not in known:
            where = ".".join(filter(None, (path, shown(key, 40))))
            report.add(where, node.lines[key], "a known key", shown(repr(key)), suggestion(key, known))
    return node


def required(report: Report, path: str, node: MappingNode, key: str, remedy: str) -> Node | None:
    """The value of a key that must be there."""
    if key not in node.lines:
        report.add(".".join(filter(None, (path, key))), node.line, f"the key `{key}`", "no such key", remedy)
    return node.entries.get(key)


def items(node: Node) -> Sequence[Node]:
    """The items of a list; a single value counts as a list of one."""
    return node.items if isinstance(node, ListNode) else (node,)


def text(report: Report, path: str, node: Node, expected: str = "text", longest: int = 200) -> str | None:
    """Text that is not empty."""
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        remedy = "Write one text."
        if isinstance(node, ScalarNode) and node.value is not None:
            remedy = f'Put it in quotes: "{shown(node.text)}".'
        unexpected(report, path, node, expected, remedy)
        return None
    if not node.value:
        unexpected(report, path, node, expected, "Write some text.")
        return None
    if len(node.value) > longest:
        length = f"{len(node.value)} characters"
        report.add(path, node.line, f"at most {longest} characters", length, "Shorten it.")
        return None
    return node.value


def one_of(report: Report, path: str, node: Node, known: Sequence[str]) -> str | None:
    """One of the known names."""
    expected = listed(known)
    if not isinstance(node, ScalarNode) or node.value is None:
        unexpected(report, path, node, expected, f"Write {expected}.")
    elif node.value not in known:
        unexpected(report, path, node, expected, suggestion(node.text, known))
    else:
        return node.text
    return None


def boolean(report: Report, path: str, node: Node) -> bool | None:
    """True or false; `yes` and `no` are text."""
    if isinstance(node, ScalarNode) and isinstance(node.value, bool):
        return node.value
    unexpected(report, path, node, "true or false", "Write true or false.")
    return None


def whole(
    report: Report, path: str, node: Node, low: float | None = None, high: float | None = None
) -> int | None:
    """A whole number between two bounds, both included."""
    expected = f"a whole number{_between(low, high)}"
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, int):
        near = isinstance(value, float) and math.isfinite(value) and abs(value) < LARGEST_WHOLE
        example = round(value) if near and value is not None and not isinstance(value, str) else 10
        if not _within(example, low, high):
            example = math.ceil(low) if low is not None else 10
        unexpected(report, path, node, expected, f"Write a whole number, such as {example}.")
        return None
    if not _within(value, low, high) or abs(value) > LARGEST_WHOLE:
        unexpected(report, path, node, expected, _bound_remedy(value, low, high))
        return None
    return value


def number(
    report: Report, path: str, node: Node, low: float | None = None, high: float | None = None
) -> int | float | None:
    """A finite number between two bounds, both included."""
    expected = f"a number{_between(low, high)}"
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        example = written(0.1 if low is None or _within(0.1, low, high) else float(low))
        unexpected(report, path, node, expected, f"Write a number, such as {example}.")
        return None
    if not math.isfinite(value):
        unexpected(report, path, node, f"a finite number{_between(low, high)}", "Write a finite number.")
        return None
    if not _within(value, low, high) or (isinstance(value, int) and abs(value) > LARGEST_WHOLE):
        unexpected(report, path, node, expected, _bound_remedy(value, low, high))
        return None
    return value


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _between(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {_plain(low)} to {_plain(high)}"
    if low is not None:
        return f" of at least {_plain(low)}"
    return "" if high is None else f" of at most {_plain(high)}"


def _bound_remedy(value: float, low: float | None, high: float | None) -> str:
    if low is not None and value < low:
        return f"Raise it to {_plain(low)} or more."
    limit = high if high is not None else LARGEST_WHOLE
    return f"Lower it to {_plain(limit)} or less." if value > 0 else "Write a number nearer to 0."


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e16 else f"{value:g}"
