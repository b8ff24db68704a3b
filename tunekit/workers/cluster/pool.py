"""Workers on the nodes of a Ray cluster, behind the interface that local ones have.

Ray places actors and tells of their death; here jobs are handed to them. A job whose node is lost goes on elsewhere
without anybody being told: only a death that may be the trial's own is an event.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunekit.errors import TunekitError
from tunekit.trial.jobs import Done, EvaluateJob, Failed, Job
from tunekit.workers.cluster.connection import Connection, connect, load_ray
from tunekit.workers.cluster.data import Parts, Shipments
from tunekit.workers.cluster.host import Hello, Terms, Told
from tunekit.workers.cluster.keeper import Keeper
from tunekit.workers.cluster.members import (
    Member,
    Task,
    absolute,
    check_versions,
    discharge,
    killed,
    variables_of_trials,
)
from tunekit.workers.cluster.request import OnRay
from tunekit.workers.cluster.storage import StorageAway
from tunekit.workers.cluster.team import Team
from tunekit.workers.cluster.watch import Watch
from tunekit.workers.local import LocalWorkers
from tunekit.workers.workers import WorkerEvent


@dataclass
class RayWorkers:
    """As many workers as were asked for, or as the cluster has room for at the time."""

    on: OnRay
    wanted: int | None
    threads: int
    folder: Path
    """Of the search."""
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
        self._team: Team | None = None
        self._backlog: deque[Task] = deque()
        self._told: list[WorkerEvent] = []
        self._shipments = Shipments()
        self._keeper = Keeper(self.folder.absolute(), self.on.storage)
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
        if self._team is None:
            self._team = self._join()
        self._team.staff(self.count)

    def submit(self, job: Job) -> int:
        """Take the job, for the next worker that is ready, and return the number it is shown under."""
        job = absolute(job)
        if isinstance(job, EvaluateJob):
            self._keeper.bring(job.folder)
            self._here.submit(job)
            return 0
        self.warm_up()
        taken = {task.slot for task in self._tasks()}
        slot = next(number for number in range(len(taken) + 1) if number not in taken)
        self._backlog.append(Task(slot, job))
        self._hand_out()
        return slot

    def events(self, timeout: float) -> list[WorkerEvent]:
        """What has happened since, waiting for up to `timeout` seconds for a first event."""
        if self._here.busy:
            return self._here.events(timeout)
        found, self._told = self._told, []
        if self._team is None or self._watch is None:
            return found
        self._look()
        if self._watch.away or not self._team.waits:
            time.sleep(0 if found else timeout)
        if self._watch.away:
            return found
        self._team.staff(self.count)
        self._hand_out()
        for member, reference in self._team.answers(0 if found else timeout):
            if member.number in self._team.members:  # else it was parted with since, its node being lost
                found += self._hear(member, reference)
        for member in self._team.cut_off:
            found += self._lose(member, TimeoutError(f"the node {member.name} cannot be reached"))
        self._hand_out()
        return found

    def cancel(self, job_id: str) -> None:
        """Stop a job; its death is reported as any other."""
        self._here.cancel(job_id)
        for task in self._tasks():
            if task.job.id == job_id:
                task.cancelled = True
        for member in self._team.members.values() if self._team else ():
            if member.task is not None and member.task.cancelled:
                discharge(self._ray, member)
        for task in [task for task in self._backlog if task.cancelled]:
            self._backlog.remove(task)
            self._told.append(killed(task, "it was cancelled before it had begun"))

    def close(self) -> None:
        """End all workers and leave the cluster; what a busy one has checkpointed is safe."""
        self._here.close()
        connection, team = self._connection, self._team
        self._connection = self._team = self._watch = None
        self._backlog.clear()
        try:
            if team is not None and connection is not None and connection.answers():
                team.disband()
            self._keeper.close()
        finally:
            if connection is not None:
                connection.close()

    @property
    def _ray(self) -> Any:
        assert self._connection is not None
        return self._connection.ray

    def _join(self) -> Team:
        load_ray()
        self._keeper.open()
        cpus = self.threads if self.on.cpus is None else self.on.cpus
        asked = None if self.wanted is None else self.wanted * cpus
        self._connection = connect(self.on, self.scratch, asked)
        self._watch = Watch(self._connection, self.on, self.threads)
        self._look()
        self._watch.check_room()
        # A node that does not find it beside this folder keeps its worker's words to itself.
        self.logs.mkdir(parents=True, exist_ok=True)
        terms = Terms(
            self.threads,
            self.deterministic,
            self.job_timeout,
            self.logs.absolute(),
            Path.cwd(),
            variables_of_trials(),
        )
        return Team(self._ray, self.on, terms, self._watch, self._keeper.storages)

    def _tasks(self) -> list[Task]:
        return [*(self._team.tasks if self._team else []), *self._backlog]

    def _look(self, at_once: bool = False) -> None:
        """Follow the cluster's nodes as they come and go."""
        assert self._watch is not None
        if not self._watch.look(at_once):
            return
        if self._team is not None:
            self._team.forget_lost()
        if self.wanted is None:
            self.count = max(1, self._watch.room)

    def _hand_out(self) -> None:
        """Give waiting jobs to members that are ready, rather to one that knows the job's parent."""
        assert self._team is not None
        while self._backlog and (ready := self._team.ready):
            task = self._backlog.popleft()
            member = max(ready, key=lambda member: (member.knows(task.job), -member.number))
            member.task, member.begun = task, False
            self._begin(member, task.job)

    def _begin(self, member: Member, job: Job, parts: Parts | None = None) -> None:
        assert self._team is not None
        given = self._keeper.given(job, member)
        self._team.attend(member)
        self._team.ask(member, member.actor.begin.remote(job, given, parts))

    def _hear(self, member: Member, reference: Any) -> list[WorkerEvent]:
        from ray.exceptions import RayError

        assert self._watch is not None
        assert self._team is not None
        try:
            answer = self._ray.get(reference)
        except RayError as error:
            self._look(at_once=True)
            if self._watch.away:
                # Judged when the cluster is there again: what was lost with it is nobody's fault.
                self._team.ask(member, reference)
                return []
            return self._lose(member, error)
        except ConnectionError as error:
            raise self._watch.gone() from error
        task = member.task
        if isinstance(answer, Hello):
            self._meet(member, answer)
        elif task is not None and answer is False:
            self._begin(member, task.job, self._shipments.parts(task.job.split.prepared))
        elif task is not None and answer is True:
            self._team.begun(member)
            self._team.ask(member, member.actor.tell.remote(self._keeper.rubbish()))
        elif task is not None:
            return self._pass_on(member, task, answer)
        return []

    def _meet(self, member: Member, hello: Hello) -> None:
        assert self._team is not None
        check_versions(hello)
        if self._keeper.meet(hello):
            member.node, member.name, member.storage = hello.node, hello.name, hello.storage
        else:
            self._team.part_with(member)

    def _pass_on(self, member: Member, task: Task, told: Told) -> list[WorkerEvent]:
        assert self._team is not None
        try:
            self._keeper.take(task.job, told)
        except StorageAway as error:
            return self._lose(member, error)
        if told.events and isinstance(told.events[-1], Done | Failed):
            member.task = None
            member.ended.add(task.job.id)
        else:
            self._team.ask(member, member.actor.tell.remote(self._keeper.rubbish()))
        return [WorkerEvent(task.slot, task.job.id, event) for event in told.events]

    def _lose(self, member: Member, error: Exception) -> list[WorkerEvent]:
        """The actor is gone, or cannot be reached and is taken for gone: its job goes on elsewhere."""
        assert self._team is not None
        cause = getattr(error, "cause", None) or error
        if isinstance(cause, TunekitError) and not isinstance(cause, StorageAway):
            raise cause
        self._team.part_with(member)
        task = member.task
        if task is not None and task.cancelled:
            return [killed(task, "it was cancelled")]
        if isinstance(cause, StorageAway):
            self._keeper.away(cause)
        elif (failure := self._team.blame(member, error, self.logs)) is not None and task is not None:
            return [WorkerEvent(task.slot, task.job.id, Failed(failure))]
        if task is not None:
            self._backlog.appendleft(task)
        return []
