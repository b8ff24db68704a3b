"""Reads a space file, or says everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tunekit.space import fields, sections
from tunekit.space.data_section import read_data
from tunekit.space.document import read_document, read_text
from tunekit.space.hypermodel import Declared, read_over
from tunekit.space.kinds import read_parameters
from tunekit.space.model_names import HYPERMODEL, location_in
from tunekit.space.model_section import read_model
from tunekit.space.nodes import MappingNode
from tunekit.space.parameters import Fixed, Parameter, Range
from tunekit.space.problems import Report
from tunekit.space.space import Space
from tunekit.space.start import read_start


def read_space(path: Path, declared: Declared | None = None) -> Space:
    """The space in a file; raises SpaceError with every problem found in it.

    `declared` is what the file's HyperModel says of itself. Without it the file names all parameters.
    """
    return parse_space(read_text(path, Report(str(path))), str(path), path.parent, declared)


def model_in(path: Path) -> str | None:
    """The model of a space file whose parameters may be declared elsewhere; None where it cannot be read."""
    return model_in_text(read_text(path, Report(str(path))), path.parent)


def model_in_text(text: str, base: Path) -> str | None:
    """The same of a text; relative paths in it start from `base`."""
    report = Report("")
    root = read_document(text, report)
    if root is None or "verified" in root.lines:
        return None
    return read_model(report, root, base)


def parse_space(text: str, file: str, base: Path, declared: Declared | None = None) -> Space:
    """The space in a text; `file` names it in messages, relative paths in it start from `base`."""
    report = Report(file)
    root = read_document(text, report)
    if root is None:
        raise report.error()
    space = _read(report, root, file, base, declared)
    if space is None or report.problems:
        raise report.error()
    return space


def _read(
    report: Report, root: MappingNode, file: str, base: Path, declared: Declared | None
) -> Space | None:
    fields.mapping(report, "", root, "a mapping of sections", sections.SECTIONS)
    name = sections.read_name(report, root, file)
    model = read_model(report, root, base)
    data = read_data(report, root, base)
    objective = sections.read_objective(report, root)
    search = sections.read_search(report, root)
    if declared is None:
        parameters = read_parameters(report, root, model)
    else:
        parameters = read_over(report, root, declared)
        model = f"{HYPERMODEL}{location_in(model or '')}"
    start = read_start(report, root, parameters)
    verified = sections.read_verified(report, root)
    section = root.entries.get("parameters")
    lines = section.lines if isinstance(section, MappingNode) else {}
    if "verified" in root.lines:
        check_fixed(report, parameters, lines)
    if search.tuner == "grid":
        check_grid(report, parameters, lines)
    if model is None or data is None:
        return None
    return Space(name, model, data, parameters, objective, search, verified, start)


def check_grid(report: Report, parameters: tuple[Parameter, ...], lines: Mapping[str, int]) -> None:
    """A grid needs values that can be counted."""
    for parameter in parameters:
        if isinstance(parameter, Range) and parameter.step is None:
            expected = "a step, because the tuner grid tries every value"
            remedy = "Add a step, or list the values in brackets."
            path = f"parameters.{parameter.name}"
            report.add(path, lines.get(parameter.name, 0), expected, "a range without one", remedy)


def check_fixed(report: Report, parameters: tuple[Parameter, ...], lines: Mapping[str, int]) -> None:
    """What was verified is one configuration."""
    for parameter in parameters:
        if not isinstance(parameter, Fixed):
            expected = "one value, because `verified` speaks of one configuration"
            remedy = "Fix the parameter, or remove `verified`."
            path = f"parameters.{parameter.name}"
            report.add(path, lines.get(parameter.name, 0), expected, "several values", remedy)
