"""The parameters of a HyperModel: those that it declares itself, as the space file restricts them, and training's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tunekit.space import fields
from tunekit.space.conditions import reachable
from tunekit.space.kinds import check_name, read_parameter
from tunekit.space.nodes import MappingNode
from tunekit.space.parameters import Choice, Parameter
from tunekit.space.problems import Report, listed, suggestion
from tunekit.space.scalars import shown
from tunekit.space.vocabulary import COMPILING, TRAINING, Known

TRAININGS_ALONE = ("flip", "shift", "precision")
"""What tunekit does to every model: a HyperModel's parameter of this name would mean something else."""


@dataclass(frozen=True)
class Declared:
    """What a HyperModel says of itself."""

    parameters: tuple[Parameter, ...]
    compiled: bool
    """Whether its build compiles the model: training's optimizer, loss and schedule then have no say."""
    problems: Mapping[str, str]
    """Parameters that a space cannot have as they are declared, and why; the space file may declare them anew."""


def read_over(report: Report, root: MappingNode, declared: Declared) -> tuple[Parameter, ...]:
    """The declared parameters in their order, those that the file names as it has them, then training's."""
    node = root.entries.get("parameters")
    section = MappingNode({}, {}, root.line)
    if node is not None:
        section = fields.mapping(report, "parameters", node, "a mapping of parameters") or section
    training = _training(declared)
    own = {parameter.name: parameter for parameter in declared.parameters}
    _check_names(report, section, declared, training)
    found: dict[str, Parameter | None] = {}
    for name in (*own, *(name for name in section.entries if name not in own)):
        path = f"parameters.{shown(name, 40)}"
        if name not in section.entries:
            found[name] = own[name]
        elif check_name(report, path, section.lines[name], name):
            read = read_parameter(report, path, name, section.entries[name], training.get(name), found)
            inherits = read is not None and not read.when and name in own
            found[name] = replace(read, when=own[name].when) if read is not None and inherits else read
    for name, why in declared.problems.items():
        if name not in section.lines:
            remedy = f"Declare it in the file, such as `parameters: {{{shown(name, 40)}: [1, 2]}}`."
            report.add(
                f"parameters.{shown(name, 40)}", root.line, "a parameter that a space can have", why, remedy
            )
    if not found and not report.problems:
        remedy = "Add a section such as `parameters: {batch_size: [32, 64]}`."
        report.add(
            "parameters", root.line, "at least one parameter", "a HyperModel that declares none", remedy
        )
    _check_meaning(report, root, found, declared)
    return reachable(tuple(parameter for parameter in found.values() if parameter is not None))


def _training(declared: Declared) -> dict[str, Known]:
    """The parameters of training that are the file's to give."""
    own = {parameter.name for parameter in declared.parameters} | set(declared.problems)
    left = (known for known in TRAINING if known.name not in own)
    return {known.name: known for known in left if not declared.compiled or known.name not in COMPILING}


def _check_names(
    report: Report, section: MappingNode, declared: Declared, training: Mapping[str, Known]
) -> None:
    own = [parameter.name for parameter in declared.parameters] + list(declared.problems)
    for name, line in section.lines.items():
        if name in own or name in training:
            continue
        path = f"parameters.{shown(name, 40)}"
        if declared.compiled and name in COMPILING:
            remedy = "Remove it, or declare it in the HyperModel, or leave its compile() to tunekit."
            expected = "a parameter that has an effect"
            report.add(path, line, expected, f"{name}, which the HyperModel's own compile() decides", remedy)
        else:
            expected = "a parameter of the HyperModel or of training"
            report.add(path, line, expected, shown(repr(name)), suggestion(name, [*own, *training]))


def _check_meaning(
    report: Report, root: MappingNode, found: Mapping[str, Parameter | None], declared: Declared
) -> None:
    """A parameter that is named as one of training's must be fit to be that one."""
    for known in TRAINING:
        parameter = found.get(known.name)
        if parameter is None:
            continue
        path = f"parameters.{known.name}"
        if known.name in TRAININGS_ALONE and known.name in {each.name for each in declared.parameters}:
            expected = f"another name: {known.name} is tunekit's own ({known.help})"
            report.add(path, root.line, expected, known.name, "Rename it in the HyperModel.")
        elif not declared.compiled and known.choices:
            values = parameter.values if isinstance(parameter, Choice) else (parameter.smallest,)
            strange = [value for value in values if value not in known.choices]
            if strange:
                expected = f"{listed(known.choices)}, as tunekit trains a HyperModel that does not compile"
                remedy = f"Rename {known.name} in the HyperModel, or compile the model there."
                report.add(path, root.line, expected, shown(str(strange[0])), remedy)
