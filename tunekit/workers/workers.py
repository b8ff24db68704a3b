"""What every kind of worker offers its coordinator: processes on this machine, or a cluster's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tunekit.trial.jobs import Event, Job


@dataclass(frozen=True)
class WorkerEvent:
    """Something a worker told, or its death."""

    worker: int
    job_id: str
    event: Event


class Workers(Protocol):
    """Where jobs run. One job at a time each, and every job submitted ends in one `Done` or `Failed`."""

    @property
    def count(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def idle(self) -> int: ...
    @property
    def busy(self) -> int: ...
    def warm_up(self) -> None: ...
    def submit(self, job: Job) -> int: ...
    def events(self, timeout: float) -> list[WorkerEvent]: ...
    def cancel(self, job_id: str) -> None: ...
    def close(self) -> None: ...
