"""Waiting for workers and for processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tunekit.trial.jobs import Done, Failed, Job
from tunekit.workers.local import LocalWorkers

PATIENCE = 60.0


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def finish(workers: LocalWorkers, count: int = 1) -> dict[str, Done | Failed]:
    """The ends of that many jobs."""
    ends: dict[str, Done | Failed] = {}
    deadline = time.monotonic() + PATIENCE
    while len(ends) < count:
        assert time.monotonic() < deadline, f"only {ends} have ended"
        for message in workers.events(0.2):
            if isinstance(message.event, Done | Failed):
                assert message.job_id not in ends
                ends[message.job_id] = message.event
    return ends


def do(workers: LocalWorkers, job: Job) -> Done | Failed:
    workers.submit(job)
    return finish(workers)[job.id]


def begun(file: Path) -> int:
    """The process that a job is in, once it says so in the file."""
    assert until(lambda: file.exists() and file.read_text() != "")
    return int(file.read_text().split()[0])


def running(process_id: int) -> bool:
    """Whether it is a process that does something; a zombie does not."""
    try:
        return bool(psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wakings(process: psutil.Process) -> int:
    """How often the process has begun to run after it had waited, in all its threads."""
    counts = 0
    for status in Path(f"/proc/{process.pid}/task").glob("*/status"):
        line = next(line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt"))
        counts += int(line.split()[1])
    return counts
