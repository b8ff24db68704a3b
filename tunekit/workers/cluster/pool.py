"""Workers on the nodes of a Ray cluster, behind the interface that local ones have.

Ray places actors and tells of their death; here jobs are handed to them. A job whose node is lost goes on elsewhere
without anybody being told: only a death that may be the trial's own is an event.
"""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunekit.errors import ClusterError, TunekitError
from tunekit.results import Failure
from tunekit.trial.jobs import Done, EvaluateJob, Event, Failed, Job
from tunekit.workers.cluster.connection import Connection, connect
from tunekit.workers.cluster.data import Parts, parts_of
from tunekit.workers.cluster.host import Hello, Terms
from tunekit.workers.cluster.members import (
    Member,
    Task,
    check_hello,
    discharge,
    make_actor,
    variables_of_trials,
)
from tunekit.workers.cluster.request import OnRay
from tunekit.workers.cluster.watch import Watch
from tunekit.workers.local import LocalWorkers
from tunekit.workers.workers import WorkerEvent

STILLBORN = 10
"""Actors that may die one after the other before they have begun with anything."""


@dataclass
class RayWorkers:
    """As many workers as were asked for, or as the cluster has room for at the time."""

    on: OnRay
    wanted: int | None
    threads: int
    folder: Path
    """Of the search: every node has to see it."""
    scratch: Path
    """For the files of a Ray that is started here."""
    logs: Path
    deterministic: bool = True
    job_timeout: float | None = None
    devices: tuple[str, ...] = ()
    """GPUs of this machine, for what is done here."""

    def __post_init__(self) -> None:
        self.count = self.wanted or 1
        self._connection: Connection | None = None
        self._watch: Watch | None = None
        self._members: dict[int, Member] = {}
        self._made = 0
        self._answers: dict[Any, Member] = {}
        """What each member has been asked last: one thing at a time."""
        self._backlog: deque[Task] = deque()
        self._told: list[WorkerEvent] = []
        self._parts: dict[str, Parts] = {}
        self._stillborn = 0
        self._token = self.folder.absolute() / f".shared-{uuid.uuid4().hex}"
        # What needs the data's source, which may be on this machine alone, is done on this machine.
        self._here = LocalWorkers(
            1, self.threads, self.logs, self.deterministic, self.job_timeout, self.devices
        )

    @property
    def idle(self) -> int:
        """How many jobs can be submitted now."""
        return max(0, self.count - self.busy)

    @property
    def busy(self) -> int:
        return len(self._tasks()) + self._here.busy

    def warm_up(self) -> None:
        """Join the cluster and start actors on it: frameworks load there while the coordinator prepares."""
        if self._connection is None:
            cpus = self.threads if self.on.cpus is None else self.on.cpus
            asked = None if self.wanted is None else self.wanted * cpus
            self._connection = connect(self.on, self.scratch, asked)
            self._token.touch()
            self._watch = Watch(self._connection, self.on, self.threads)
            self._look()
            self._watch.check_room()
        self._staff()

    def submit(self, job: Job) -> int:
        """Take the job, for the next worker that is ready, and return the number it is shown under."""
        if isinstance(job, EvaluateJob):
            self._here.submit(job)
            return 0
        self.warm_up()
        taken = {task.slot for task in self._tasks()}
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        self._backlog.append(Task(slot, _absolute(job)))
        self._hand_out()
        return slot

    def events(self, timeout: float) -> list[WorkerEvent]:
        """What has happened since, waiting for up to `timeout` seconds for a first event."""
        if self._here.busy:
            return self._here.events(timeout)
        found, self._told = self._told, []
        if self._watch is None:
            return found
        self._look()
        if self._watch.away or not self._answers:
            time.sleep(0 if found else timeout)
        if self._watch.away:
            return found
        self._staff()
        self._hand_out()
        for reference in self._ready(0 if found else timeout):
            member = self._answers.pop(reference, None)
            if member is not None:  # else it was parted with since, its node being lost
                found += self._hear(member, reference)
        self._hand_out()
        return found

    def cancel(self, job_id: str) -> None:
        """Stop a job; its death is reported as any other."""
        self._here.cancel(job_id)
        for task in self._tasks():
            if task.job.id == job_id:
                task.cancelled = True
        for member in self._members.values():
            if member.task is not None and member.task.cancelled:
                discharge(self._ray, member)
        for task in [task for task in self._backlog if task.cancelled]:
            self._backlog.remove(task)
            self._told.append(_killed(task, "it was cancelled before it had begun"))

    def close(self) -> None:
        """End all workers and leave the cluster; what a busy one has checkpointed is safe."""
        self._here.close()
        connection, self._connection, self._watch = self._connection, None, None
        if connection is None:
            return
        self._token.unlink(missing_ok=True)
        if connection.answers():
            for member in self._members.values():
                discharge(connection.ray, member)
        self._members.clear()
        self._answers.clear()
        self._backlog.clear()
        connection.close()

    @property
    def _ray(self) -> Any:
        assert self._connection is not None
        return self._connection.ray

    def _tasks(self) -> list[Task]:
        held = [member.task for member in self._members.values() if member.task is not None]
        return [*held, *self._backlog]

    def _look(self, at_once: bool = False) -> None:
        """Follow the cluster's nodes as they come and go."""
        assert self._watch is not None
        if not self._watch.look(at_once):
            return
        for member in list(self._members.values()):
            if member.node and member.task is None and not self._watch.lives(member.node):
                self._part_with(member)
        if self.wanted is None:
            self.count = max(1, self._watch.room)

    def _staff(self) -> None:
        """Have an actor for each worker; those that wait for room in vain make no more than that."""
        terms = Terms(
            self.threads,
            self.deterministic,
            self.job_timeout,
            self.logs.absolute(),
            Path.cwd(),
            variables_of_trials(),
        )
        while len(self._members) < self.count:
            member = Member(self._made, make_actor(self._ray, self.on, terms, self._made))
            self._made += 1
            self._members[member.number] = member
            self._ask(member, member.actor.hello.remote(self._token))
        waiting = [member for member in self._members.values() if not member.node]
        for member in waiting[: max(0, len(self._members) - self.count)]:
            self._part_with(member)

    def _hand_out(self) -> None:
        """Give waiting jobs to members that are ready, rather to one that knows the job's parent."""
        while self._backlog:
            ready = [member for member in self._members.values() if member.node and member.task is None]
            if not ready:
                return
            task = self._backlog.popleft()
            member = max(ready, key=lambda member: (member.knows(task.job), -member.number))
            member.task, member.begun = task, False
            self._ask(member, member.actor.begin.remote(task.job))

    def _ask(self, member: Member, reference: Any) -> None:
        self._answers[reference] = member

    def _ready(self, timeout: float) -> list[Any]:
        """Answers that have come, all at once where they are many."""
        assert self._watch is not None
        references = list(self._answers)
        if not references:
            return []
        try:
            ready, waiting = self._ray.wait(references, num_returns=1, timeout=timeout)
            if ready and waiting:
                ready, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        except ConnectionError as error:
            raise self._watch.gone() from error
        return list(ready)

    def _hear(self, member: Member, reference: Any) -> list[WorkerEvent]:
        from ray.exceptions import RayError

        assert self._watch is not None
        try:
            answer = self._ray.get(reference)
        except RayError as error:
            self._look(at_once=True)
            if self._watch.away:
                # Judged when the cluster is there again: what was lost with it is nobody's fault.
                self._ask(member, reference)
                return []
            return self._lose(member, error)
        except ConnectionError as error:
            raise self._watch.gone() from error
        task = member.task
        if isinstance(answer, Hello):
            check_hello(answer, self.folder)
            member.node, member.name = answer.node, answer.name
        elif task is not None and answer is False:
            self._ask(member, member.actor.begin.remote(task.job, self._parts_for(task.job)))
        elif task is not None and answer is True:
            member.begun = True
            self._stillborn = 0
            self._ask(member, member.actor.tell.remote())
        elif task is not None:
            return self._pass_on(member, task, answer)
        return []

    def _pass_on(self, member: Member, task: Task, told: list[Event]) -> list[WorkerEvent]:
        if isinstance(told[-1], Done | Failed):
            member.task = None
            member.ended.add(task.job.id)
        else:
            self._ask(member, member.actor.tell.remote())
        return [WorkerEvent(task.slot, task.job.id, event) for event in told]

    def _parts_for(self, job: Job) -> Parts:
        prepared = job.split.prepared
        if prepared.sha256 not in self._parts:
            self._parts[prepared.sha256] = parts_of(prepared)
        return self._parts[prepared.sha256]

    def _lose(self, member: Member, error: Exception) -> list[WorkerEvent]:
        """The actor is gone, or cannot be reached and is taken for gone: its job goes on elsewhere."""
        cause = getattr(error, "cause", None)
        if isinstance(cause, TunekitError):
            raise cause
        self._part_with(member)
        task = member.task
        if task is not None and task.cancelled:
            return [_killed(task, "it was cancelled")]
        failure = self._blame(member, error)
        if failure is not None and not member.begun:
            self._count_stillborn(error)
        elif failure is not None and task is not None:
            return [WorkerEvent(task.slot, task.job.id, Failed(failure))]
        if task is not None:
            self._backlog.appendleft(task)
        return []

    def _count_stillborn(self, error: Exception) -> None:
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            raise ClusterError(
                f"{self._stillborn} workers on the cluster ended one after the other before they had begun with "
                f"anything, the last with {type(error).__name__}: {error}\nEvery node needs this tunekit with the "
                "extra `ray`, in the Python that Ray was started with."
            )

    def _blame(self, member: Member, error: Exception) -> Failure | None:
        """What the trial may have done to its actor; None where the node or the way to it is at fault."""
        from ray.exceptions import ActorDiedError, OutOfMemoryError, RayTaskError

        if isinstance(error, OutOfMemoryError):
            return Failure("oom", f"Ray ended it, for the node {member.name} ran out of memory")
        if not isinstance(error, ActorDiedError | RayTaskError) or "node has died" in str(error):
            return None
        assert self._watch is not None
        if member.node and not self._watch.lives(member.node):
            return None
        logs = self.logs / f"ray-{member.number}"
        return Failure("killed", f"the actor that held its worker on {member.name} died; see {logs}")

    def _part_with(self, member: Member) -> None:
        discharge(self._ray, member)
        self._members.pop(member.number, None)
        self._answers = {ref: other for ref, other in self._answers.items() if other is not member}


def _absolute(job: Job) -> Job:
    """With paths that mean the same on every node."""
    values = {item.name: getattr(job, item.name) for item in dataclasses.fields(job)}
    paths: dict[str, Any] = {
        name: value.absolute() for name, value in values.items() if isinstance(value, Path)
    }
    return dataclasses.replace(job, **paths)


def _killed(task: Task, why: str) -> WorkerEvent:
    return WorkerEvent(task.slot, task.job.id, Failed(Failure("killed", why)))
