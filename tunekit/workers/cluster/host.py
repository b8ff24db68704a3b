"""What runs on a node: an actor that holds one worker process, the same as on a single machine.

A process of its own, and not the actor itself, trains: it gets the very environment that a local worker gets before
any framework loads, is recycled as one, and a trial that kills its process kills no actor, so that whose fault a
death was need not be guessed.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tunekit.trial.backend import versions
from tunekit.trial.jobs import Done, Event, Failed, Job
from tunekit.workers.cluster.data import Parts, on_this_node
from tunekit.workers.local import LocalWorkers

GLANCE = 1.0
"""Seconds between two looks at whether a silent worker is overdue."""
SIGHT = 5.0
"""Seconds that a network's folder may take to show a file that is new."""


@dataclass(frozen=True)
class Terms:
    """How the worker process is run."""

    threads: int
    deterministic: bool
    job_timeout: float | None
    logs: Path
    working_folder: Path
    variables: Mapping[str, str]
    """Of the coordinator's environment, those that a trial may depend on."""


@dataclass(frozen=True)
class Hello:
    """What a node says of itself."""

    node: str
    name: str
    versions: Mapping[str, str]
    shares: bool
    """Whether it sees and may write the search's folder."""


class Host:
    """One worker on one node. Its methods are called one after the other."""

    def __init__(self, terms: Terms) -> None:
        if terms.working_folder.is_dir():
            os.chdir(terms.working_folder)
        os.environ.update(terms.variables)
        sys.path[:] = [entry for entry in sys.path if _wanted(entry)]
        self._workers = LocalWorkers(
            1, terms.threads, terms.logs, terms.deterministic, job_timeout=terms.job_timeout
        )

    def hello(self, token: Path) -> Hello:
        """Introduce the node, and start its worker if it can take part."""
        import ray

        shares = _seen(token) and os.access(token.parent, os.W_OK)
        if shares:
            self._workers.warm_up()
        return Hello(ray.get_runtime_context().get_node_id(), os.uname().nodename, versions(), shares)

    def begin(self, job: Job, parts: Parts | None = None) -> bool:
        """Begin with the job; False where its data are not on this node and have not come with it."""
        prepared = on_this_node(job.split.prepared, parts)
        if prepared is None:
            return False
        split = dataclasses.replace(job.split, prepared=prepared)
        self._workers.submit(dataclasses.replace(job, split=split))
        return True

    def tell(self) -> list[Event]:
        """What the job has told since, all of it at once, as soon as there is something."""
        told: list[Event] = []
        while not told:
            told = self._news(GLANCE)
        while not isinstance(told[-1], Done | Failed) and (more := self._news(0)):
            told += more
        return told

    def _news(self, timeout: float) -> list[Event]:
        return [message.event for message in self._workers.events(timeout)]


def _seen(token: Path) -> bool:
    deadline = time.monotonic() + SIGHT
    while not token.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _wanted(entry: str) -> bool:
    """Whether a worker process looks for modules there.

    Ray adds folders of its own, which hold other versions of what tunekit uses, and puts the working folder first,
    where a user's random.py would be taken for Python's.
    """
    import ray

    import tunekit

    path, home = Path(entry), Path(ray.__file__).parent
    if path == Path.cwd():
        return Path(tunekit.__file__).parent.parent == path
    return home not in path.parents
