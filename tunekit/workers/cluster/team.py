"""The actors that are there at a time, each asked one thing at a time, and what is thought of those that die."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunekit.errors import ClusterError
from tunekit.results import Failure
from tunekit.workers.cluster.host import HEARTBEAT, Terms
from tunekit.workers.cluster.members import Member, Task, beat, discharge, make_actor
from tunekit.workers.cluster.request import OnRay
from tunekit.workers.cluster.storage import Storage
from tunekit.workers.cluster.watch import Watch

LISTENING = 1.0
"""Seconds between two looks at what has come, at most, that count as listening."""
STILLBORN = 10
"""Actors that may die one after the other before they have begun with anything."""


class Team:
    """Members come as they are wanted, and go when their actor is gone, or cannot be reached."""

    def __init__(self, ray: Any, on: OnRay, terms: Terms, watch: Watch, storages: Sequence[Storage]) -> None:
        self.members: dict[int, Member] = {}
        self._ray = ray
        self._on = on
        self._terms = terms
        self._watch = watch
        self._storages = storages
        self._made = 0
        self._answers: dict[Any, Member] = {}
        """What each member has been asked last."""
        self._beats: dict[Any, Member] = {}
        """The heartbeats that busy members owe."""
        self._listened = time.monotonic()
        self._stillborn = 0

    @property
    def tasks(self) -> list[Task]:
        """Those in hand."""
        return [member.task for member in self.members.values() if member.task is not None]

    @property
    def ready(self) -> list[Member]:
        """Those that can take a task."""
        return [member for member in self.members.values() if member.node and member.task is None]

    @property
    def waits(self) -> bool:
        """Whether anybody owes an answer."""
        return bool(self._answers)

    def staff(self, count: int) -> None:
        """See that there are that many; those that wait for room in vain make no more than that."""
        waiting = [member for member in self.members.values() if not member.node]
        for member in waiting[: max(0, len(self.members) - count)]:
            self.part_with(member)
        while len(self.members) < count:
            member = Member(self._made, make_actor(self._ray, self._on, self._terms, self._made))
            self._made += 1
            self.members[member.number] = member
            self.ask(member, member.actor.hello.remote(self._storages))

    def forget_lost(self) -> None:
        """After a look at the cluster: idle members on nodes that are gone will never say so."""
        for member in list(self.members.values()):
            if member.node and member.task is None and not self._watch.lives(member.node):
                self.part_with(member)

    def ask(self, member: Member, reference: Any) -> None:
        self._answers[reference] = member

    def answers(self, timeout: float) -> list[tuple[Member, Any]]:
        """References of answers that have come, all at once where they are many."""
        references = [*self._answers, *self._beats]
        if not references:
            return []
        try:
            ready, waiting = self._ray.wait(references, num_returns=1, timeout=timeout)
            if ready and waiting:
                ready, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        except ConnectionError as error:
            raise self._watch.gone() from error
        self._note_silence([self._answers.get(reference) or self._beats[reference] for reference in ready])
        for reference in [reference for reference in ready if reference in self._beats]:
            member = self._beats.pop(reference)
            if member.task is not None and member.number in self.members:
                self.attend(member)
        return [
            (self._answers.pop(reference), reference) for reference in ready if reference in self._answers
        ]

    @property
    def cut_off(self) -> list[Member]:
        """Busy ones that two heartbeats in a row have not come from."""
        return [
            member
            for member in self.members.values()
            if member.task is not None and member.silent > 2 * HEARTBEAT
        ]

    def attend(self, member: Member) -> None:
        """Expect heartbeats for as long as it has a task."""
        member.silent = 0.0
        if all(other is not member for other in self._beats.values()):
            self._beats[beat(member)] = member

    def _note_silence(self, heard: Sequence[Member]) -> None:
        """For as long as this process was itself busy or stopped, nobody was silent."""
        now = time.monotonic()
        passed, self._listened = min(now - self._listened, LISTENING), now
        for member in self.members.values():
            member.silent += passed
        for member in heard:
            member.silent = 0.0

    def part_with(self, member: Member) -> None:
        discharge(self._ray, member)
        self.members.pop(member.number, None)
        self._answers = {ref: other for ref, other in self._answers.items() if other is not member}
        self._beats = {ref: other for ref, other in self._beats.items() if other is not member}

    def disband(self) -> None:
        for member in self.members.values():
            discharge(self._ray, member)

    def begun(self, member: Member) -> None:
        """It has taken its task."""
        member.begun = True
        self._stillborn = 0

    def blame(self, member: Member, error: Exception, logs: Path) -> Failure | None:
        """What the trial may have done to its actor; None where it had no part in it.

        ClusterError where actors die one after the other before they have begun with anything.
        """
        failure = self._suspicion(member, error, logs)
        if failure is None or member.begun:
            return failure
        self._stillborn += 1
        if self._stillborn >= STILLBORN:
            raise ClusterError(
                f"{self._stillborn} workers on the cluster ended one after the other before they had begun with "
                f"anything, the last with {type(error).__name__}: {error}\nEvery node needs this tunekit with the "
                "extra `ray`, in the Python that Ray was started with."
            )
        return None

    def _suspicion(self, member: Member, error: Exception, logs: Path) -> Failure | None:
        """None where the node or the way to it is at fault."""
        from ray.exceptions import ActorDiedError, OutOfMemoryError, RayTaskError

        if isinstance(error, OutOfMemoryError):
            return Failure("oom", f"Ray ended it, for the node {member.name} ran out of memory")
        if not isinstance(error, ActorDiedError | RayTaskError) or "node has died" in str(error):
            return None
        if member.node and not self._watch.lives(member.node):
            return None
        log = logs / f"ray-{member.number}"
        # An error of the actor's own, if there was one, is all that anybody will hear of it.
        cause = f": {error.cause!r}" if isinstance(error, RayTaskError) else ""
        return Failure("killed", f"the actor that held its worker on {member.name} died{cause}; see {log}")
