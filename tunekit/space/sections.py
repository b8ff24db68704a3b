"""The sections of a space file beside its parameters: name, model, objective, search, verified."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from tunekit.space import fields
from tunekit.space.nodes import MappingNode, Node, ScalarNode
from tunekit.space.problems import Report, listed
from tunekit.space.scalars import shown
from tunekit.space.space import Objective, SearchSettings, Tuner, Verified

SECTIONS = ("name", "model", "data", "objective", "search", "parameters", "start", "verified")
TUNERS: tuple[str, ...] = get_args(Tuner)
OBJECTIVES: Mapping[str, Objective] = {
    "val_accuracy": Objective("val_accuracy", "max"),
    "val_loss": Objective("val_loss", "min"),
    "val_f1": Objective("val_f1", "max"),
    "val_auc": Objective("val_auc", "max"),
    "val_top5": Objective("val_top5", "max"),
    "val_log_loss": Objective("val_log_loss", "min"),
}
WHOLE_SETTINGS: Mapping[str, tuple[int, int]] = {
    "max_epochs": (1, 1_000_000),
    "factor": (2, 1_000_000),
    "iterations": (1, 1_000_000),
    "seed": (0, 2**32 - 1),
    "executions_per_trial": (1, 1000),
    "max_trials": (1, 1_000_000_000),
    "limit": (2, 1_000_000_000),
    "finalists": (0, 1_000_000),
    "repeats": (1, 1_000_000),
}
"""The least and the most of every setting that is a whole number."""

OPTIONAL_SETTINGS = ("max_trials", "limit")
SETTINGS = ("tuner", *WHOLE_SETTINGS)


def read_name(report: Report, root: MappingNode, file: str) -> str:
    """The space's name; the file's stem where none is given."""
    remedy = "Write a short name such as cnn-digits."
    if "name" not in root.lines:
        stem = Path(file).stem
        if not fields.NAME.fullmatch(stem):
            expected = f"a name of {fields.NAME_EXPECTED}"
            report.add("name", root.line, expected, f"the file's name {shown(repr(stem))}", remedy)
        return stem
    node = root.entries.get("name")
    name = None if node is None else fields.text(report, "name", node, fields.NAME_EXPECTED)
    if node is not None and name is not None and not fields.NAME.fullmatch(name):
        fields.unexpected(report, "name", node, fields.NAME_EXPECTED, remedy)
    return name or ""


def read_objective(report: Report, root: MappingNode) -> Objective:
    """The metric that ranks trials."""
    node = root.entries.get("objective")
    if node is None:
        return Objective()
    if not isinstance(node, MappingNode):
        return _objective(report, "objective", node) or Objective()
    section = fields.mapping(report, "objective", node, "a metric", ("name", "direction"))
    name = fields.required(report, "objective", node, "name", "Add {name: val_accuracy}.")
    objective = None if name is None else _objective(report, "objective.name", name)
    direction = None if section is None else section.entries.get("direction")
    if direction is not None:
        chosen = fields.one_of(report, "objective.direction", direction, ("max", "min"))
        if objective and chosen and chosen != objective.direction:
            right = f"{objective.direction}, which is better for {objective.name}"
            remedy = f"Write {objective.direction}, or leave the direction out."
            fields.unexpected(report, "objective.direction", direction, right, remedy)
    return objective or Objective()


def _objective(report: Report, path: str, node: Node) -> Objective | None:
    if isinstance(node, ScalarNode) and f"val_{node.value}" in OBJECTIVES:
        remedy = f"Write val_{node.value}: metrics of the training images do not rank trials."
        fields.unexpected(report, path, node, listed(OBJECTIVES), remedy)
        return None
    name = fields.one_of(report, path, node, tuple(OBJECTIVES))
    return None if name is None else OBJECTIVES[name]


def read_search(report: Report, root: MappingNode) -> SearchSettings:
    """How the space is searched."""
    node = root.entries.get("search")
    section = None if node is None else fields.mapping(report, "search", node, "search settings", SETTINGS)
    if section is None:
        return SearchSettings()
    settings = {
        name: read_setting(report, f"search.{name}", name, value)
        for name, value in section.entries.items()
        if name in SETTINGS
    }
    return dataclasses.replace(SearchSettings(), **{k: v for k, v in settings.items() if v is not None})


def read_setting(report: Report, path: str, name: str, node: Node) -> Any:
    """One search setting; None where it is left to its default, or wrong."""
    if name == "tuner":
        return fields.one_of(report, path, node, TUNERS)
    if name in OPTIONAL_SETTINGS and isinstance(node, ScalarNode) and node.value is None:
        return None
    return fields.whole(report, path, node, *WHOLE_SETTINGS[name])


def read_verified(report: Report, root: MappingNode) -> Verified | None:
    """What an exported configuration says about itself."""
    node = root.entries.get("verified")
    known = tuple(field.name for field in dataclasses.fields(Verified))
    section = None if node is None else fields.mapping(report, "verified", node, "a mapping", known)
    if section is None:
        return None
    read: dict[str, Any] = {}
    for field in dataclasses.fields(Verified):
        optional = field.name in ("versions", "test", "machine", "model_sha256")
        if optional and field.name not in section.lines:
            continue
        remedy = "Export the configuration again, or remove `verified`."
        value = fields.required(report, "verified", section, field.name, remedy)
        if value is not None:
            read[field.name] = _verified_field(report, f"verified.{field.name}", field.name, value)
    return None if report.problems else Verified(**read)


def _verified_field(report: Report, path: str, name: str, node: Node) -> Any:
    if name in ("search", "trial", "data_sha256", "model_sha256"):
        return fields.text(report, path, node)
    if name == "machine":
        empty = isinstance(node, ScalarNode) and node.value == ""
        return "" if empty else fields.text(report, path, node, longest=1000)
    if name == "score":
        return _float(report, path, node)
    if name in ("versions", "test"):
        section = fields.mapping(report, path, node, "a mapping")
        read = fields.text if name == "versions" else _float
        entries = section.entries if section else {}
        return {key: read(report, f"{path}.{shown(key, 40)}", value) for key, value in entries.items()}
    return fields.whole(report, path, node, 1 if name in ("epochs", "threads") else 0)


def _float(report: Report, path: str, node: Node) -> float | None:
    value = fields.number(report, path, node)
    return None if value is None else float(value)
