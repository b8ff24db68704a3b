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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunekit.errors import StoreError
from tunekit.trial.backend import versions
from tunekit.trial.jobs import Done, Event, Failed, Job, TrainJob
from tunekit.workers.cluster.data import Parts, on_this_node
from tunekit.workers.cluster.desk import Desk
from tunekit.workers.cluster.node import Room, own_folder
from tunekit.workers.cluster.storage import Kept, Receipt, Storage, ThroughRay
from tunekit.workers.local import LocalWorkers

GLANCE = 1.0
"""Seconds between two looks at whether a silent worker is overdue."""
HEARTBEAT = 10.0
"""Seconds between two signs that the node of a busy worker can be reached."""
FOLDERS = ("MPLCONFIGDIR", "KERAS_HOME")
"""Variables that name folders two below the search's home, which this node may not have."""


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
    storage: Storage | None
    """The one that it uses."""
    trouble: str
    """Why it uses none."""


@dataclass(frozen=True)
class Told:
    """What a job has told since it was last asked."""

    events: Sequence[Event]
    receipt: Receipt
    """The checkpoints that these events speak of."""
    pictures: Mapping[str, bytes]


class Host:
    """One worker on one node. But for `beat` its methods are called one after the other."""

    def __init__(self, terms: Terms) -> None:
        if terms.working_folder.is_dir():
            os.chdir(terms.working_folder)
        self._room = Room()
        os.environ.update(terms.variables)
        for name in FOLDERS:
            if not Path(os.environ.get(name, "/")).parent.parent.is_dir():
                os.environ[name] = str(own_folder() / name)
        sys.path[:] = [entry for entry in sys.path if _wanted(entry)]
        logs = terms.logs if terms.logs.parent.is_dir() else own_folder() / "logs" / terms.logs.name
        self._workers = LocalWorkers(
            1, terms.threads, logs, terms.deterministic, job_timeout=terms.job_timeout
        )
        self._storage: Storage | None = None
        self._desk: Desk | None = None

    def hello(self, storages: Sequence[Storage]) -> Hello:
        """Introduce the node, and start its worker if it can take part; it uses the first storage that it can."""
        import ray

        troubles = []
        for storage in storages:
            if not (trouble := storage.trouble()):
                self._storage = storage
                self._workers.warm_up()
                break
            troubles.append(trouble)
        node = ray.get_runtime_context().get_node_id()
        return Hello(node, os.uname().nodename, versions(), self._storage, "; ".join(troubles))

    def begin(self, job: Job, given: Receipt, parts: Parts | None = None) -> bool:
        """Begin with the job; False where its data are not on this node and have not come with it."""
        prepared = on_this_node(job.split.prepared, parts)
        if prepared is None:
            return False
        if isinstance(job, TrainJob):
            assert self._storage is not None
            self._desk = Desk(self._room.path, job, given, self._storage)
            job = self._desk.job
        split = dataclasses.replace(job.split, prepared=prepared)
        self._workers.submit(dataclasses.replace(job, split=split))
        return True

    def tell(self, outdated: Sequence[Kept] = ()) -> Told:
        """What the job has told since, as soon as there is something, and what it speaks of is stored."""
        if outdated and self._storage is not None:
            self._storage.remove(outdated)
        events: list[Event] = []
        receipt: Receipt = {}
        while not events and not receipt:
            events = self._heard()
            receipt = self._desk.put() if self._desk else {}
        pictures: Mapping[str, bytes] = {}
        if self._desk is not None and events and isinstance(events[-1], Done | Failed):
            pictures = self._desk.pictures()
            self._desk.clear()
            self._desk = None
        return Told(events, receipt, pictures)

    def beat(self, seconds: float) -> None:
        """A sign of life, in a thread of its own: the others may take their time."""
        time.sleep(seconds)

    def _heard(self) -> list[Event]:
        """All that there is, waiting a little for the first."""
        heard = self._workers.events(GLANCE)
        while more := self._workers.events(0):
            heard += more
        return [self._explained(message.event) for message in heard]

    def _explained(self, event: Event) -> Event:
        """What went wrong with this node's disk is told with its name."""
        if isinstance(event, Failed) and isinstance(event.error, StoreError):
            return dataclasses.replace(event, error=StoreError(f"{os.uname().nodename}: {event.error}"))
        if (
            isinstance(event, Done)
            and isinstance(event.result, tuple)
            and isinstance(self._storage, ThroughRay)
        ):
            self._storage.check(max(probe.checkpoint_bytes for probe in event.result))
        return event


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
