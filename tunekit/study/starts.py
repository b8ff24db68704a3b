"""Configurations that a search begins with, taken from exported files and from earlier searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tunekit.errors import SearchError
from tunekit.report.wording import counted
from tunekit.results import Scalar, Values
from tunekit.search.winner import ranked
from tunekit.space.fitting import fit, unmet_condition
from tunekit.space.parameters import Fixed
from tunekit.space.problems import Report, listed
from tunekit.space.reader import read_space
from tunekit.space.scalars import written
from tunekit.space.space import Space
from tunekit.space.start import distinct
from tunekit.study.home import STATE, Home
from tunekit.study.look import load_report

BEST = 3
"""Configurations that are taken from an earlier search: few enough to leave a first rung mostly to new ones."""


def with_starts(space: Space, files: Sequence[Path], like: str | None, home: Home) -> tuple[Space, list[str]]:
    """The space that begins with its own known configurations, then those of the files, then those of a search.

    With notes about what does not fit; raises SpaceError where a value of a file lies outside the space.
    """
    starts = [dict(values) for values in space.start]
    notes: list[str] = []
    report = Report("")
    for file in files:
        found = _from_file(report, space, file, notes)
        starts += [found] if found else []
    report.check()
    if like is not None:
        starts += _from_search(space, like, home, notes)
    return replace(space, start=distinct(starts)), notes


def _from_file(report: Report, space: Space, file: Path, notes: list[str]) -> dict[str, Scalar]:
    other = read_space(file)
    values = {each.name: each.value for each in other.parameters if isinstance(each, Fixed)}
    open_names = [each.name for each in other.parameters if not isinstance(each, Fixed)]
    if open_names:
        notes.append(f"--start {file}: {listed(open_names)} have no single value there, and are drawn.")
    kept, left_out = common(space, values)
    notes += [f"--start {file}: {reason}" for reason in left_out]
    if not kept:
        names = listed(parameter.name for parameter in space.parameters)
        expected = f"a configuration with a parameter of this space: {names}"
        remedy = "Name a file that `tunekit export` wrote for a space like this one."
        report.add(f"--start {file}", 0, expected, "none of them", remedy)
    return fit(report, f"--start {file}", space.parameters, kept, {})


def common(space: Space, values: Values) -> tuple[dict[str, Scalar], list[str]]:
    """The values of parameters that this space has and leaves open, and why the others are left out."""
    known = {parameter.name: parameter for parameter in space.parameters}
    kept = {name: value for name, value in values.items() if name in known}
    absent = [name for name in values if name not in known]
    left_out = [f"{listed(absent)}: not in this space, and left out."] if absent else []
    for name in list(kept):
        parameter = known[name]
        if isinstance(parameter, Fixed) and parameter.value != kept[name]:
            left_out.append(
                f"{name}: {written(kept.pop(name))} there, fixed to {written(parameter.value)} here."
            )
    for name in list(kept):
        unmet = unmet_condition(known, kept, name)
        if unmet is not None:
            left_out.append(f"{name}: left out, as {unmet} does not call for it here.")
            del kept[name]
    return kept, left_out


def _from_search(space: Space, like: str, home: Home, notes: list[str]) -> list[dict[str, Scalar]]:
    """The best configurations of a search that lie in this space, those of the full budget first."""
    found: list[dict[str, Scalar]] = []
    skipped = 0
    for values in _best_of(like, home):
        kept, left_out = common(space, values)
        report = Report("")
        fitting = fit(report, "", space.parameters, kept, {})
        if report.problems or not kept:
            skipped += 1
            continue
        if fitting not in found:
            notes += [
                note for note in (f"--like {like}: {reason}" for reason in left_out) if note not in notes
            ]
            found.append(fitting)
        if len(found) == BEST:
            break
    if not found:
        raise SearchError(
            f"--like {like}: expected a configuration that lies in the space {space.name}, got {skipped} that do not. "
            "Widen the space, or leave --like away."
        )
    if skipped:
        lie = "better configuration lies outside this space, and is left out"
        they_lie = "better configurations lie outside this space, and are left out"
        notes.append(f"--like {like}: {counted(skipped, lie, they_lie)}.")
    notes.append(
        f"--like {like}: begins with its best {counted(len(found), 'configuration')}; "
        "its scores themselves are not taken over."
    )
    return found


def _best_of(like: str, home: Home) -> list[Values]:
    """The configurations of the search's completed trials, best first."""
    path = Path(like)
    if (path / STATE).is_file():
        home, like = Home(path.absolute().parent.parent), path.absolute().name
    earlier = load_report(home, like)
    trials = ranked(
        (record for record in earlier.records if record.kind != "repeat"), earlier.space.objective
    )
    if not trials:
        raise SearchError(
            f"--like {like}: expected a search with a completed trial, got none. "
            f"Let it go on with `tunekit resume {like}`, or name another."
        )
    # A promoted trial has the values of its parent.
    found: dict[str, Values] = {}
    for record in trials:
        found.setdefault(str(sorted(record.trial.values.items())), record.trial.values)
    return list(found.values())
