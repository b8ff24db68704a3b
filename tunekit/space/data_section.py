"""The section `data` of a space file: where examples come from, and what is made of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunekit.space import fields
from tunekit.space.nodes import ListNode, MappingNode, Node, ScalarNode, got
from tunekit.space.problems import Report, listed
from tunekit.space.scalars import shown
from tunekit.space.sources import BALANCED, COMMON_OPTIONS, EXPECTED, SOURCE_OPTIONS, TFDS_NAME, WITHOUT_PLACE
from tunekit.space.space import ClassWeights, DataSpec

LARGEST_SIDE = 16_384
"""Pixels of an image along one side."""
LARGEST_WEIGHT = 1e6


def read_data(report: Report, root: MappingNode, base: Path) -> DataSpec | None:
    """The data set, its options and the share held out of it."""
    node = fields.required(report, "", root, "data", "Add a line such as `data: {tfds: mnist}`.")
    if node is None:
        return None
    if isinstance(node, ScalarNode):
        return _read_short(report, node)
    options = tuple(dict.fromkeys(name for names in SOURCE_OPTIONS.values() for name in names))
    known = (*SOURCE_OPTIONS, *COMMON_OPTIONS, *options)
    section = fields.mapping(report, "data", node, EXPECTED, known)
    if section is None:
        return None
    problems = len(report.problems)
    common = _read_options(report, section, COMMON_OPTIONS, base)
    given = [key for key in section.lines if key in SOURCE_OPTIONS]
    if len(given) != 1:
        count = "several" if given else "none of them"
        expected = f"one of {listed(SOURCE_OPTIONS)}"
        report.add("data", section.line, expected, count, "Give exactly one source.")
        return None
    source = given[0]
    node = section.entries.get(source)
    location = None if node is None else _LOCATIONS[source](report, f"data.{source}", node, base)
    _check_options(report, section, source, options)
    own = _read_options(report, section, SOURCE_OPTIONS[source], base)
    if location is None or len(report.problems) > problems:
        return None
    return DataSpec(source, location, **common, **own)  # type: ignore[arg-type] # one of SOURCE_OPTIONS


def _read_short(report: Report, node: ScalarNode) -> DataSpec | None:
    """`data: digits`: a source that needs no more words."""
    if node.value in WITHOUT_PLACE:
        return DataSpec(node.value)  # type: ignore[arg-type] # one of WITHOUT_PLACE
    named = isinstance(node.value, str) and TFDS_NAME.fullmatch(node.value)
    remedy = f"Write {{tfds: {node.text}}}." if named else "Write {tfds: mnist}, for instance."
    fields.unexpected(report, "data", node, EXPECTED, remedy)
    return None


def _check_options(report: Report, section: MappingNode, source: str, options: tuple[str, ...]) -> None:
    """Every option belongs to the source, and none that it needs is missing."""
    for name in options:
        if name in section.lines and name not in SOURCE_OPTIONS[source]:
            owners = listed(key for key, names in SOURCE_OPTIONS.items() if name in names)
            remedy = f"Remove it: it belongs to {owners}."
            report.add(f"data.{name}", section.lines[name], f"an option of {source}", repr(name), remedy)
    if "label" in SOURCE_OPTIONS[source]:
        remedy = "Name the column that holds the classes, such as `label: species`."
        fields.required(report, "data", section, "label", remedy)


def _read_options(report: Report, section: MappingNode, names: tuple[str, ...], base: Path) -> dict[str, Any]:
    """The options that are given; of a wrong one the problem is reported."""
    return {
        name: _OPTIONS[name](report, f"data.{name}", section.entries[name], base)
        for name in names
        if name in section.entries
    }


def _validation(report: Report, path: str, node: Node, base: Path) -> float | None:
    value = node.value if isinstance(node, ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        fields.unexpected(report, path, node, "a number above 0 and below 1", "Write a share such as 0.1.")
        return None
    return float(value)


def _class_weights(report: Report, path: str, node: Node, base: Path) -> ClassWeights | None:
    expected = f"{BALANCED}, or a mapping of classes to weights"
    if isinstance(node, ScalarNode) and node.value == BALANCED:
        return "balanced"
    if not isinstance(node, MappingNode) or not node.entries:
        remedy = f"Write {BALANCED}, or weights such as {{cat: 1, dog: 2.5}}."
        fields.unexpected(report, path, node, expected, remedy)
        return None
    weights = []
    for name, entry in node.entries.items():
        where = f"{path}.{shown(name, 40)}"
        weight = fields.number(report, where, entry, 0, LARGEST_WEIGHT)
        if weight == 0:
            remedy = "Write a weight above 0; remove the class from the data if it is not to be learnt."
            fields.unexpected(report, where, entry, "a number above 0", remedy)
        if weight:
            weights.append((name, float(weight)))
    return tuple(weights)


def _size(report: Report, path: str, node: Node, base: Path) -> tuple[int, ...] | None:
    return _sides(report, path, node, (2,), "[height, width] in pixels", "Write it as [64, 48].")


def _shape(report: Report, path: str, node: Node, base: Path) -> tuple[int, ...] | None:
    expected = "[height, width] or [height, width, channels]"
    shape = _sides(report, path, node, (2, 3), expected, "Write it as [28, 28], or [32, 32, 3] for colour.")
    if shape is not None and len(shape) == 3 and shape[2] > 4:
        fields.unexpected(report, path, node, "1 to 4 channels, given last", "Write it as [32, 32, 3].")
        return None
    return shape if shape is None or len(shape) == 3 else (*shape, 1)


def _sides(
    report: Report, path: str, node: Node, counts: tuple[int, ...], expected: str, remedy: str
) -> tuple[int, ...] | None:
    if not isinstance(node, ListNode) or len(node.items) not in counts:
        what = f"a list of {len(node.items)}" if isinstance(node, ListNode) else got(node)
        report.add(path, node.line, expected, what, remedy)
        return None
    sides = [fields.whole(report, path, item, 1, LARGEST_SIDE) for item in node.items]
    return None if None in sides else tuple(side for side in sides if side is not None)


def _channels(report: Report, path: str, node: Node, base: Path) -> int | None:
    if isinstance(node, ScalarNode) and type(node.value) is int and node.value in (1, 3):
        return node.value
    fields.unexpected(report, path, node, "1 (grey) or 3 (colour)", "Write 1 or 3, or leave it out.")
    return None


def _label(report: Report, path: str, node: Node, base: Path) -> str | None:
    return fields.text(report, path, node, "the name of the column that holds the classes", longest=1000)


def _no_place(report: Report, path: str, node: Node, base: Path) -> str | None:
    if not isinstance(node, ScalarNode) or node.value is not True:
        source = path.removeprefix("data.")
        fields.unexpected(report, path, node, "true", f"Write `data: {source}`, or {{{source}: true}}.")
        return None
    return ""


def _tfds(report: Report, path: str, node: Node, base: Path) -> str | None:
    expected = "the name of a data set in TensorFlow Datasets"
    location = fields.text(report, path, node, expected)
    if location is not None and not TFDS_NAME.fullmatch(location):
        fields.unexpected(report, path, node, expected, "Write a name such as mnist or emnist/letters.")
        return None
    return location


def _npz(report: Report, path: str, node: Node, base: Path) -> str | None:
    location = fields.text(report, path, node, "the path of an .npz file", longest=4000)
    if location is not None and not location.endswith(".npz"):
        remedy = "Save the arrays with numpy.savez as an .npz file."
        fields.unexpected(report, path, node, "the path of an .npz file", remedy)
        return None
    return _absolute(location, base)


def _path(what: str) -> Callable[[Report, str, Node, Path], str | None]:
    def read(report: Report, path: str, node: Node, base: Path) -> str | None:
        return _absolute(fields.text(report, path, node, f"the path of {what}", longest=4000), base)

    return read


def _absolute(location: str | None, base: Path) -> str | None:
    # Not Path.resolve(), which follows links and fails on a loop of them.
    return None if location is None else os.path.abspath(base / location)  # noqa: PTH100


def _python(report: Report, path: str, node: Node, base: Path) -> str | None:
    expected = "package.module:function"
    location = fields.text(report, path, node, expected)
    if location is None:
        return None
    module, _, function = location.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), function)):
        remedy = "Write it as package.module:function, such as mine:load."
        fields.unexpected(report, path, node, expected, remedy)
        return None
    return location


_Read = Callable[[Report, str, Node, Path], Any]

_LOCATIONS: Mapping[str, _Read] = {
    **dict.fromkeys(WITHOUT_PLACE, _no_place),
    "tfds": _tfds,
    "npz": _npz,
    "images": _path("a folder of images"),
    "csv": _path("a CSV file"),
    "parquet": _path("a Parquet file"),
    "python": _python,
}
_OPTIONS: Mapping[str, _Read] = {
    "validation": _validation,
    "class_weights": _class_weights,
    "size": _size,
    "channels": _channels,
    "label": _label,
    "shape": _shape,
    "test": _path("a file like the first one"),
}
