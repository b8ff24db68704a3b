"""The text of a space file that a beginner can edit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tunekit.data.glance import Glance
from tunekit.report.wording import counted
from tunekit.space import fields
from tunekit.space.scalars import written
from tunekit.space.vocabulary import MODELS, known_parameters
from tunekit.study.init.choices import OWN, Line, lines, suited_objectives, validation
from tunekit.study.init.kinds import Data

WIDEST_COMMENTED = 46
"""Columns of a value beyond which no other line's comment is moved to the right for it."""


@dataclass(frozen=True)
class Plan:
    """All that is written."""

    data: Data
    seen: Glance
    model: str
    named_model: str
    """As the file names it."""
    objective: str
    max_epochs: int
    factor: int


def space_text(file: Path, plan: Plan, commands: tuple[str, ...]) -> str:
    """The file, which says above its sections what to run next."""
    name = _name(file)
    check, cost, search = commands
    parameters = lines(plan.model, plan.seen)
    text = [
        f"# {name}: {plan.named_model} on {_one_line(str(plan.data))}, {described(plan.seen)}",
        f"# {_one_line(search)}",
        f"# Before that, `{_one_line(check)}` says whether all is well,",
        f"# and `{_one_line(cost)}` how long it takes.",
        "",
        f"name: {written(name)}",
        _model(plan),
        "# Of the training examples, the share `validation` ranks the trials; the test part is read once, at the end.",
        *_data(file, plan),
        _objective(plan),
        "# Hyperband trains many trials for few epochs, keeps one in `factor` of them at each step, and trains the",
        "# last for `max_epochs`. A larger max_epochs means more trials and longer ones.",
        f"search: {{tuner: hyperband, max_epochs: {plan.max_epochs}, factor: {plan.factor}, seed: 0}}",
        "",
        "# A plain value is fixed, a [list] is a choice, {min: ..., max: ...} is a range; `when` lets a parameter",
        "# exist only beside certain values of another.",
        "parameters:",
        *_parameters(parameters),
        "  # Understood as well; remove the # to fix or to search it:",
        *_parameters(_further(plan.model, {line.name for line in parameters}), "# "),
    ]
    return "\n".join(text) + "\n"


def described(seen: Glance) -> str:
    """Such as 1,200 examples of 28x28x3, 5 classes."""
    found = counted(seen.count, "example") if seen.count is not None else "examples"
    if seen.shape is not None:
        vector = " features" if len(seen.shape) == 1 else ""
        found += f" of {'x'.join(map(str, seen.shape))}{vector}"
    if seen.classes is not None:
        found += f", {counted(seen.classes, 'class', 'classes')}"
    return found


def _name(file: Path) -> str:
    """The file's, as far as a space may be named so."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", file.stem).lstrip("-.")[:64]
    return name if fields.NAME.fullmatch(name) else "my-space"


def _model(plan: Plan) -> str:
    if plan.model == OWN:
        module = plan.named_model.partition(":")[0]
        return f"model: {plan.named_model}  # the function in {module}.py; run tunekit in its folder"
    others = ", ".join(name for name in MODELS if name != plan.model)
    return f"model: {plan.named_model}  # or {others}, or a function of your own: package.module:function"


def _data(file: Path, plan: Plan) -> list[str]:
    """The section on one line, or on several where one of them needs a comment."""
    location = plan.data.as_seen_from(file.absolute().parent)
    label = plan.data.label
    entries = [
        f"{plan.data.kind}: {written(location) if location else 'true'}",
        *([f"label: {written(label)}"] if label is not None else []),
        f"validation: {validation(plan.seen)}",
    ]
    notes = _data_notes(plan.seen)
    if not notes:
        return [f"data: {{{', '.join(entries)}}}"]
    return ["data:", *(f"  {line}" for line in (*entries, *notes))]


def _data_notes(seen: Glance) -> list[str]:
    if seen.size is not None:
        return [
            "# The images differ in size: all are brought to this height and width, the most frequent one of those",
            "# looked at. Smaller images train faster.",
            f"size: [{seen.size[0]}, {seen.size[1]}]",
        ]
    if seen.pixels is not None:
        return [
            "# The columns look like pixels. With this line each row is an image, also for lenet5 and recurrent:",
            f"# shape: [{seen.pixels[0]}, {seen.pixels[1]}]",
        ]
    return []


def _objective(plan: Plan) -> str:
    others = ", ".join(name for name in suited_objectives(plan.seen) if name != plan.objective)
    return f"objective: {plan.objective}  # or {others}"


def _parameters(parameters: list[Line], prefix: str = "") -> list[str]:
    """The values in one column, and the comments in another."""
    widest = max((len(line.name) for line in parameters), default=0)
    texts = [f"  {prefix}{line.name + ':':<{widest + 1}} {line.value}" for line in parameters]
    column = max((len(text) for text in texts if len(text) < WIDEST_COMMENTED + widest), default=0)
    return [
        f"{text:<{column}}  # {line.about}" if line.about else text
        for text, line in zip(texts, parameters, strict=True)
    ]


def _further(model: str, named: set[str]) -> list[Line]:
    """What else is understood, with the value that it has where it is not named."""
    left = [known for known in known_parameters(model).values() if known.name not in named]
    return [
        Line(
            known.name,
            written(known.default),
            ": ".join(filter(None, (known.help, ", ".join(known.choices)))),
        )
        for known in left
    ]


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
