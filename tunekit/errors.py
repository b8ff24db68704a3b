"""Everything that can go wrong, as one tree.

TunekitError                    base of all errors that tunekit raises on purpose
├── UserError                   the caller can mend it: exit code 2
│   ├── SpaceError              a space file, with every problem found in it
│   ├── DataError               a data set that is missing, damaged or unfit
│   ├── ModelError              a model that cannot be found or built
│   └── SearchError             a search that is unknown, taken, changed or still running
├── StoreError                  disk or MLflow's store: full, read-only, locked, damaged: exit code 1
├── ClusterError                a cluster that is gone, or that workers die on: exit code 1
└── Interrupted                 a signal ended the work; what was finished is kept: exit code 130

A trial that fails is not an error: it is a result (`tunekit.results.Failure`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class TunekitError(Exception):
    """Base of all errors that tunekit raises on purpose."""

    exit_code = 1


class UserError(TunekitError):
    """Something the caller can mend; the message says how."""

    exit_code = 2


class DataError(UserError):
    """A data set that is missing, damaged or unfit."""


class ModelError(UserError):
    """A model that cannot be found or built."""


class SearchError(UserError):
    """A search that is unknown, taken, changed or still running."""


class StoreError(TunekitError):
    """The disk or MLflow's store: full, read-only, locked or damaged."""


class ClusterError(TunekitError):
    """A cluster that is gone, or that workers cannot live on."""


class Interrupted(TunekitError):
    """A signal ended the work; what was finished is kept."""

    exit_code = 130

    def __init__(self, message: str, signal: int | None = None) -> None:
        super().__init__(message)
        self.signal = signal
        """Its number, where it is known."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a space file: where, what was expected, what came, and the remedy."""

    path: str
    """Where in the document, such as `parameters.dropout.min`; empty for the whole file."""
    expected: str
    got: str
    remedy: str
    line: int = 0
    """Counted from 1; 0 where the problem has no line, as for an option of the command line."""
    file: str = ""

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place = f"{place}:{self.line}" if place else f"line {self.line}"
        head = ": ".join(part for part in (place, self.path) if part)
        text = f"expected {self.expected}, got {self.got}. {self.remedy}"
        return f"{head}: {text}" if head else text


class SpaceError(UserError):
    """A space file that cannot be used, with every problem found in it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[SpaceError], tuple[tuple[Problem, ...]]]:
        return SpaceError, (self.problems,)
