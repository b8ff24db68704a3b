"""Collecting what is wrong with a space file, so that all of it is said at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from tunekit.errors import Problem, SpaceError
from tunekit.space.scalars import shown

MOST = 50
"""Problems reported of one file; nobody reads more at a time."""


class Report:
    """The problems found so far."""

    def __init__(self, file: str) -> None:
        self.file = shown(file, 500)
        self.problems: list[Problem] = []
        self._left_out = 0

    def add(self, path: str, line: int, expected: str, got: str, remedy: str) -> None:
        """Note one problem."""
        if len(self.problems) >= MOST:
            self._left_out += 1
            return
        self.problems.append(Problem(path, expected, got, remedy, line, self.file))

    def error(self) -> SpaceError:
        """All problems, in the order of their lines."""
        problems = sorted(self.problems, key=lambda problem: problem.line)
        if self._left_out:
            got = f"{self._left_out} more"
            problems.append(Problem("", f"at most {MOST} problems", got, "Mend these first.", 0, self.file))
        return SpaceError(problems)

    def check(self) -> None:
        """Raise SpaceError where there is any problem."""
        if self.problems:
            raise self.error()


def listed(names: Iterable[str]) -> str:
    """`a, b or c`."""
    known = list(names)
    return f"{', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else "".join(known)


def suggestion(name: str, known: Sequence[str]) -> str:
    """The remedy for an unknown name: the nearest known one, and all of them."""
    near = difflib.get_close_matches(name[:100], known, n=1)
    question = f"Did you mean {near[0]}? " if near else ""
    return f"{question}Known: {', '.join(known)}."
