"""Builds the tree of a YAML document from PyYAML's events, without constructing any Python object.

It works in a loop, so that a tag, an alias or deep nesting can do nothing but be refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml

from tunekit.space.nodes import BrokenNode, ListNode, MappingNode, Node, ScalarNode, got
from tunekit.space.problems import Report
from tunekit.space.scalars import resolve, shown

MAX_DEPTH = 20
MAX_NODES = 10_000


@dataclass
class _Frame:
    """A list or mapping that is being read."""

    line: int
    path: str
    mapping: bool
    tagged: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Node] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    key: str | None = None
    """Of the value that comes next; None where the entry is to be dropped."""
    awaits_value: bool = False

    def below(self) -> str:
        """The path of what comes next."""
        if not self.mapping:
            return f"{self.path}[{len(self.items)}]"
        return ".".join(filter(None, (self.path, shown(self.key or "", 40))))

    def node(self) -> Node:
        if self.tagged:
            return BrokenNode(self.line)
        if self.mapping:
            return MappingNode(self.entries, self.lines, self.line)
        return ListNode(tuple(self.items), self.line)


class TreeBuilder:
    """Turns events into nodes."""

    def __init__(self, report: Report) -> None:
        self.root: Node | None = None
        self.going = True
        self._report = report
        self._stack: list[_Frame] = []
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """The next event of the document."""
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop("", line, "one document", "another one", "Remove what follows the line `---`.")
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._put(self._stack.pop().node())
        elif isinstance(event, yaml.NodeEvent):
            self._take_node(event, line)

    def _take_node(self, event: yaml.NodeEvent, line: int) -> None:
        path = self._path()
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(
                path, line, f"at most {MAX_NODES:,} values", "more", "Check that this is a space file."
            )
        elif isinstance(event, yaml.AliasEvent):
            name = f"the alias *{shown(event.anchor or '', 40)}"
            self._report.add(path, line, "a value", name, "Write the value itself; aliases are not read.")
            self._put(BrokenNode(line))
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_tag_and_anchor(event, line, path)
            self._put(self._scalar(event, line, path))
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._stack) >= MAX_DEPTH:
                self._stop(path, line, f"at most {MAX_DEPTH} levels", "more", "Nest less deeply.")
                return
            self._refuse_tag_and_anchor(event, line, path)
            mapping = isinstance(event, yaml.MappingStartEvent)
            self._stack.append(_Frame(line, path, mapping, tagged=event.tag is not None))

    def _scalar(self, event: yaml.ScalarEvent, line: int, path: str) -> Node:
        text = event.value
        if not text.isprintable():
            bad = next(letter for letter in text if not letter.isprintable())
            shape = f"the character U+{ord(bad):04X} in {shown(text, 40)!r}"
            self._report.add(path, line, "printable text on one line", shape, "Remove the character.")
            return BrokenNode(line)
        if event.tag is not None:
            return BrokenNode(line)
        value = resolve(text) if event.style is None else text
        return ScalarNode(value, line, text)

    def _refuse_tag_and_anchor(
        self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int, path: str
    ) -> None:
        if event.tag is not None:
            tag = f"the tag {shown(event.tag.replace('tag:yaml.org,2002:', '!!'), 60)}"
            self._report.add(
                path, line, "a plain value", tag, "Remove the tag; a space file holds no objects."
            )
        if event.anchor is not None:
            anchor = f"the anchor &{shown(event.anchor, 40)}"
            self._report.add(path, line, "a plain value", anchor, "Remove the anchor; aliases are not read.")

    def _path(self) -> str:
        frame = self._stack[-1] if self._stack else None
        if frame is None:
            return ""
        return frame.path if frame.mapping and not frame.awaits_value else frame.below()

    def _put(self, node: Node) -> None:
        """A finished node: the root, an item, a key or a key's value."""
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if not frame.mapping:
            frame.items.append(node)
        elif not frame.awaits_value:
            frame.key = self._key(frame, node)
            frame.awaits_value = True
        else:
            if frame.key is not None:
                frame.entries[frame.key] = node
            frame.awaits_value = False

    def _key(self, frame: _Frame, node: Node) -> str | None:
        if isinstance(node, BrokenNode):
            return None
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
            remedy = "Put it in quotes." if isinstance(node, ScalarNode) else "Write `name: value`."
            self._report.add(frame.path, node.line, "a key that is text", got(node), remedy)
            return None
        key = node.value
        path = ".".join(filter(None, (frame.path, shown(key, 40))))
        if key == "<<":
            remedy = "Write the entries themselves; merge keys are not read."
            self._report.add(path, node.line, "a key", "a merge key", remedy)
            return None
        if key in frame.lines:
            first = f"it again after line {frame.lines[key]}"
            self._report.add(path, node.line, "each key once", first, "Remove one of the two.")
            return None
        frame.lines[key] = node.line
        return key

    def _stop(self, path: str, line: int, expected: str, got: str, remedy: str) -> None:
        self._report.add(path, line, expected, got, remedy)
        self.root = None
        self.going = False
