"""Failed trials, gathered by why they failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tunekit.results import Cause, TrialRecord

MEANINGS: dict[str, str] = {
    "nan": "the loss was not a finite number any more",
    "oom": "not enough memory",
    "exception": "an error was raised",
    "killed": "its worker died of it again and again",
    "timeout": "it took longer than --trial-timeout",
}


@dataclass(frozen=True)
class Said:
    """One message, and the trials that failed with it."""

    message: str
    trials: tuple[str, ...]


@dataclass(frozen=True)
class Failures:
    """All failures of one cause, the most frequent message first."""

    cause: Cause
    count: int
    messages: tuple[Said, ...]

    @property
    def meaning(self) -> str:
        return MEANINGS[self.cause]


def failures(records: Sequence[TrialRecord]) -> list[Failures]:
    """The most frequent cause first."""
    causes: dict[Cause, dict[str, list[str]]] = {}
    for record in records:
        if record.failure is not None:
            messages = causes.setdefault(record.failure.cause, {})
            messages.setdefault(record.failure.message, []).append(record.trial.id)
    found = []
    for cause, messages in causes.items():
        said = [Said(message, tuple(ids)) for message, ids in messages.items()]
        said.sort(key=lambda each: (-len(each.trials), each.trials))
        found.append(Failures(cause, sum(len(each.trials) for each in said), tuple(said)))
    return sorted(found, key=lambda each: (-each.count, each.cause))


def counts_by_cause(failed: Sequence[TrialRecord]) -> str:
    """Such as 1 nan, 2 oom."""
    causes = Counter(record.failure.cause for record in failed if record.failure)
    return ", ".join(f"{count} {cause}" for cause, count in sorted(causes.items()))
