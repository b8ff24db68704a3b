"""The next search's space, from what a search says about its own."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tunekit.errors import SearchError, UserError
from tunekit.report.advice import Advice, advise
from tunekit.report.changes import Change
from tunekit.report.importance import Importance, importance
from tunekit.space.conditions import still_possible
from tunekit.space.parameters import Parameter
from tunekit.space.space import Space
from tunekit.space.writer import as_plain, write_space
from tunekit.study.files import write_text
from tunekit.study.home import Home
from tunekit.study.look import load_report
from tunekit.study.overview import Report

NEXT = re.compile(r"(.*)-next([0-9]*)")
LONGEST_NAME = 64


@dataclass(frozen=True)
class Refined:
    """What a search says, and the space that follows from it."""

    search: str
    found: Importance
    advice: Advice
    space: Space
    text: str

    def plain(self) -> dict[str, Any]:
        """For programs."""
        after = {entry["name"]: entry for entry in as_plain(self.space)["parameters"]}
        before = {change.name: change.before for change in self.advice.changes}
        old = as_plain(replace(self.space, parameters=tuple(before.values())))["parameters"]
        return {
            "search": self.search,
            "sentences": list(self.advice.sentences),
            "changes": [
                {
                    "name": change.name,
                    "before": entry,
                    "after": after.get(change.name),
                    "changed": after.get(change.name) != entry,
                    "reason": change.reason,
                }
                for change, entry in zip(self.advice.changes, old, strict=True)
            ],
            "importance": asdict(self.found),
            "max_epochs": self.space.search.max_epochs,
            "space": as_plain(self.space),
        }


def refine(home: Home, name: str | None, output: Path | None = None, force: bool = False) -> Refined:
    """Read a search, and write the next space to `output` where it is given."""
    if output is not None and output.exists() and not force:
        raise UserError(f"{output}: there is such a file already. Choose another name, or add --force.")
    refined = refined_from(load_report(home, name), output)
    if output is not None:
        write_text(output, refined.text)
    return refined


def refined_from(report: Report, output: Path | None = None) -> Refined:
    """From what a state says of a search."""
    records = [record for record in report.records if record.kind == "trial"]
    if not any(record.score is not None for record in records):
        raise SearchError(
            f"{report.search}: expected completed trials to learn from, got none. "
            f"Let it go on with `tunekit resume {report.search}`."
        )
    found = importance(report.space, records)
    advice = advise(report.space, records, found, report.best.trial.values if report.best else None)
    space, advice = next_space(report.space, advice)
    file = str(output) if output is not None else f"{space.name}.yaml"
    head = (
        f"{space.name}: what the search {report.search} says about its space\n"
        f"tunekit search {file}\n" + "\n".join(advice.sentences[:1])
    )
    return Refined(report.search, found, advice, space, commented(space, advice, head))


def next_space(space: Space, advice: Advice) -> tuple[Space, Advice]:
    """The space with the advice followed; parameters that can never be active any more are left out."""
    changed = {change.name: change for change in advice.changes}
    kept: dict[str, Parameter] = {}
    gone: list[Change] = []
    for parameter in space.parameters:
        change = changed.get(parameter.name)
        wanted = change.after if change and change.after is not None else parameter
        when = {name: still_possible(kept.get(name), allowed) for name, allowed in parameter.when.items()}
        lost = next((name for name, allowed in when.items() if not allowed), None)
        if lost is None:
            kept[parameter.name] = replace(wanted, when=when)
        else:
            gone.append(
                Change(parameter.name, parameter, None, f"left out, as what is left of {lost} never uses it.")
            )
    left = {change.name: change for change in gone}
    changes = tuple(left.get(change.name, change) for change in advice.changes)
    fixed = [change for change in gone if change.name not in changed]
    search = replace(space.search, max_epochs=advice.max_epochs)
    sentences = (*advice.sentences, *(f"{change.name}: {change.reason}" for change in gone))
    made = replace(
        space,
        name=next_name(space.name),
        parameters=tuple(kept.values()),
        search=search,
        verified=None,
        start=(),  # of the space that was: `--like` brings the best of its search
    )
    return made, replace(advice, sentences=sentences, changes=(*changes, *fixed))


def next_name(name: str) -> str:
    """mnist, mnist-next, mnist-next2, mnist-next3."""
    found = NEXT.fullmatch(name)
    base, ending = (found[1], f"-next{int(found[2] or 1) + 1}") if found else (name, "-next")
    return base[: LONGEST_NAME - len(ending)] + ending


def commented(space: Space, advice: Advice, head: str) -> str:
    """The space as YAML with the reason above each parameter."""
    reasons = {change.name: change.reason for change in advice.changes}
    lines = write_space(space, head).splitlines()
    first = lines.index("parameters:") + 1
    written = []
    for parameter, line in zip(space.parameters, lines[first:], strict=True):
        reason = reasons.get(parameter.name)
        written += [f"  # {_one_line(reason)}"] if reason else []
        written.append(line)
    above = [f"# {_one_line(advice.epochs_reason)}"] if advice.epochs_reason else []
    before = next(number for number, line in enumerate(lines) if line.startswith("search:"))
    return "\n".join([*lines[:before], *above, *lines[before:first], *written]) + "\n"


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
