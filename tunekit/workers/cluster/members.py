"""The actors that hold workers: started, met, and parted with when they are gone."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunekit.errors import SearchError
from tunekit.results import Failure
from tunekit.trial.backend import versions
from tunekit.trial.jobs import Failed, Job, TrainJob
from tunekit.workers.cluster.host import HEARTBEAT, Hello, Host, Terms
from tunekit.workers.cluster.request import STORAGE_VARIABLE, OnRay
from tunekit.workers.cluster.storage import Storage
from tunekit.workers.workers import WorkerEvent

PREFIXES = ("KERAS_", "TF_", "TFDS_", "XLA_", "JAX_", "NVIDIA_", "MPL", "TUNEKIT_")
"""Begin the names of variables that a trial may depend on, which a local worker would inherit."""
PULSE = "pulse"
"""Ray's name for the thread of an actor that its heartbeat comes from."""


@dataclass
class Task:
    """A job that was submitted and has not ended."""

    slot: int
    """The worker that it is shown under, on whatever node it runs."""
    job: Job
    cancelled: bool = False


@dataclass
class Member:
    """One actor."""

    number: int
    actor: Any
    node: str = ""
    """Empty until it has said hello."""
    name: str = ""
    storage: Storage | None = None
    """What it uses for checkpoints, once it has said hello."""
    task: Task | None = None
    begun: bool = False
    """Whether it has taken the task: from here on it may be the task that it dies of."""
    silent: float = 0.0
    """Seconds for which nothing has come from it while it was listened to."""
    ended: set[str] = field(default_factory=set)
    """Jobs that it has brought to an end."""

    def knows(self, job: Job) -> bool:
        """Whether it has trained the job's parent, whose compiled model its worker may still have."""
        return isinstance(job, TrainJob) and job.trial.parent in self.ended


def make_actor(ray: Any, on: OnRay, terms: Terms, number: int) -> Any:
    """An actor that Ray places as soon as there is room for it; it ends with this process."""
    variables = dict(terms.variables)
    if not on.gpus:
        variables["CUDA_VISIBLE_DEVICES"] = ""
    terms = dataclasses.replace(terms, variables=variables, logs=terms.logs / f"ray-{number}")
    options: dict[str, Any] = {
        "num_cpus": terms.threads if on.cpus is None else on.cpus,
        "num_gpus": on.gpus,
        "max_restarts": 0,
        "max_task_retries": 0,
        "concurrency_groups": {PULSE: 1},
    }
    if on.memory is not None:
        options["memory"] = on.memory
    return ray.remote(**options)(Host).remote(terms)


def beat(member: Member) -> Any:
    """Ask for the next sign of life."""
    return member.actor.beat.options(concurrency_group=PULSE).remote(HEARTBEAT)


def room_on(nodes: list[Mapping[str, Any]], on: OnRay, threads: int) -> int:
    """How many workers the nodes that live can hold, whatever else runs there."""
    needs = {"CPU": threads if on.cpus is None else on.cpus, "GPU": on.gpus, "memory": on.memory or 0}
    total = 0
    for node in nodes:
        if node["Alive"]:
            offers = node["Resources"]
            # A little more than a third three times is one.
            total += int(min(offers.get(what, 0.0) / need + 1e-9 for what, need in needs.items() if need))
    return total


def variables_of_trials() -> dict[str, str]:
    """Ray keeps them for as long as an actor is there, so that no password may be among them."""
    variables = {name: value for name, value in os.environ.items() if name.startswith(PREFIXES)}
    variables.pop(STORAGE_VARIABLE, None)
    return variables


def check_versions(hello: Hello) -> None:
    """Refuse a node on which trials would come out differently."""
    here = versions()
    differing = [
        f"{name} {hello.versions.get(name, 'absent')} instead of {version}"
        for name, version in here.items()
        if hello.versions.get(name) != version
    ]
    if differing:
        raise SearchError(
            f"--on ray: the node {hello.name} has {', '.join(differing)}, on which trials come out differently. "
            "Install the same versions on all nodes."
        )


def discharge(ray: Any, member: Member) -> None:
    """Make sure that the actor ends, if it has not; what it still tells is not heard."""
    with contextlib.suppress(Exception):
        ray.kill(member.actor, no_restart=True)


def absolute(job: Job) -> Job:
    """With paths that mean the same whatever the working folder."""
    values = {item.name: getattr(job, item.name) for item in dataclasses.fields(job)}
    paths: dict[str, Any] = {
        name: value.absolute() for name, value in values.items() if isinstance(value, Path)
    }
    return dataclasses.replace(job, **paths)


def killed(task: Task, why: str) -> WorkerEvent:
    return WorkerEvent(task.slot, task.job.id, Failed(Failure("killed", why)))
