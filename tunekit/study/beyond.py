"""Trials beyond the oracle's plan, which are known before they are run."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from tunekit.results import Kind, Trial
from tunekit.search.coordinator import Coordinator
from tunekit.study.recording import Recording
from tunekit.study.session import Session


class Known:
    """An oracle of trials that are known beforehand."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self._waiting = deque(trials)
        self._unfinished = {trial.id for trial in trials}

    @property
    def complete(self) -> bool:
        return not self._unfinished

    def ask(self) -> Trial | None:
        return self._waiting.popleft() if self._waiting else None

    def finish(self, trial_id: str, score: float) -> None:
        self._unfinished.discard(trial_id)

    def fail(self, trial_id: str) -> None:
        self._unfinished.discard(trial_id)

    def may_continue(self, trial_id: str) -> bool:
        """All are kept until the winner is known."""
        return True

    def released(self) -> list[str]:
        return []


def run_beyond(
    session: Session, recording: Recording, trials: Sequence[Trial], kind: Kind, disk_max: int | None = None
) -> None:
    """As the search runs its own, each once: those that the state says have ended are not run again."""
    Coordinator(
        Known(trials),
        session.state,
        session.workers,
        session.single_job,  # a repeat is an execution already, and a snapshot trains nothing
        session.folder.checkpoints,
        session.space.objective,
        [session.reporter, recording],
        session.interrupted,
        kind=kind,
        disk_max=disk_max,
    ).run()
