"""The section `model` of a space file."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tunekit.space import fields
from tunekit.space.model_names import HYPERMODEL, KerasFile, is_location
from tunekit.space.nodes import MappingNode, Node, ScalarNode
from tunekit.space.problems import Report, suggestion
from tunekit.space.vocabulary import MODELS

SUFFIX = ".keras"
NAMES = tuple(MODELS)
LOCATION = "package.module:function"
EXPECTED = f"{', '.join(NAMES)}, {LOCATION} or a {SUFFIX} file"
HYPERMODEL_EXPECTED = "package.module:name of a HyperModel or of a function build(hp)"
_SHA256 = re.compile("[0-9a-f]{64}")


def read_model(report: Report, root: MappingNode, base: Path) -> str | None:
    """A built-in model, `package.module:name`, a HyperModel or a saved model, as `model_names` has it."""
    node = fields.required(report, "", root, "model", f"Add a line such as `model: {NAMES[0]}`.")
    if node is None:
        return None
    if isinstance(node, MappingNode):
        return _read_mapping(report, node, base)
    model = fields.text(report, "model", node, EXPECTED, longest=4000)
    if model is None or model in NAMES or is_location(model):
        return model
    if model.endswith(SUFFIX):
        return str(KerasFile(_absolute(model, base)))
    written = ":" in model or "." in model
    remedy = f"Write it as {LOCATION}." if written else suggestion(model, NAMES)
    fields.unexpected(report, "model", node, EXPECTED, remedy)
    return None


def _read_mapping(report: Report, node: MappingNode, base: Path) -> str | None:
    fields.mapping(report, "model", node, EXPECTED, ("keras", "hypermodel", "sha256"))
    if ("keras" in node.lines) == ("hypermodel" in node.lines):
        both = "both" if "keras" in node.lines else "neither"
        report.add(
            "model",
            node.line,
            "either keras or hypermodel",
            both,
            f"Write {{keras: best{SUFFIX}}}, for instance.",
        )
        return None
    if "hypermodel" in node.lines:
        return _read_hypermodel(report, node)
    path = _read_path(report, node.entries.get("keras"), base)
    sha256 = _read_sha256(report, node.entries["sha256"]) if "sha256" in node.entries else None
    return None if path is None else str(KerasFile(path, sha256))


def _read_hypermodel(report: Report, node: MappingNode) -> str | None:
    inner = node.entries.get("hypermodel")
    location = None if inner is None else fields.text(report, "model.hypermodel", inner, HYPERMODEL_EXPECTED)
    if "sha256" in node.lines:
        remedy = "Remove it: it belongs to keras."
        report.add("model.sha256", node.lines["sha256"], "an option of hypermodel", "'sha256'", remedy)
    if inner is None or location is None or is_location(location):
        return None if location is None else f"{HYPERMODEL}{location}"
    fields.unexpected(
        report, "model.hypermodel", inner, HYPERMODEL_EXPECTED, "Write it as mine:Network, for instance."
    )
    return None


def _read_path(report: Report, node: Node | None, base: Path) -> str | None:
    expected = f"the path of a file that ends in {SUFFIX}"
    path = None if node is None else fields.text(report, "model.keras", node, expected, longest=4000)
    if path is None or node is None:
        return None
    if not path.endswith(SUFFIX):
        remedy = f"Save the model with model.save('model{SUFFIX}'): other formats may hold code."
        fields.unexpected(report, "model.keras", node, expected, remedy)
        return None
    return _absolute(path, base)


def _read_sha256(report: Report, node: Node) -> str | None:
    if isinstance(node, ScalarNode) and isinstance(node.value, str) and _SHA256.fullmatch(node.value):
        return node.value
    fields.unexpected(
        report, "model.sha256", node, "64 hexadecimal digits", "Leave it out: it is written down anew."
    )
    return None


def _absolute(path: str, base: Path) -> str:
    # Not Path.resolve(), which follows links and fails on a loop of them.
    return os.path.abspath(base / path)  # noqa: PTH100
