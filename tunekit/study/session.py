"""A search that is open: its folder, state and workers, and the facts that define it."""

from __future__ import annotations

import platform
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tunekit.data.cached import aside_digest
from tunekit.data.prepared import Prepared, prepare
from tunekit.data.sealed import check_test
from tunekit.errors import SearchError
from tunekit.results import Trial
from tunekit.search.coordinator import Observer
from tunekit.search.state import State
from tunekit.space.reader import parse_space
from tunekit.space.space import Space
from tunekit.space.writer import as_plain, write_space
from tunekit.study.files import write_text
from tunekit.study.home import Home, SearchFolder
from tunekit.study.jobs import JobFailed, model_error, run_jobs
from tunekit.study.model_source import SOURCES, keep, model_sources
from tunekit.study.objective import check_classes
from tunekit.study.resources import Resources, choose
from tunekit.study.signals import Interruption
from tunekit.trial.backend import backend, check_backend, versions
from tunekit.trial.jobs import Probe, ProbeJob, Split, TrainJob
from tunekit.workers.cluster.request import OnRay
from tunekit.workers.local import LocalWorkers
from tunekit.workers.workers import Workers


@dataclass(frozen=True)
class Settings:
    """How a search is run, apart from what it searches."""

    home: Home
    name: str | None = None
    tracking_uri: str | None = None
    """What the command line said of MLflow's store, without a password: for the commands that are told."""
    workers: int | None = None
    threads: int | None = None
    fast: bool = False
    """Gives up that one search comes out bit for bit the same twice."""
    pictures: bool = True
    trial_timeout: float | None = None
    time_budget: float | None = None
    disk_max: int | None = None
    """Bytes that the checkpoints of a search may take."""
    on: OnRay | None = None
    """Where workers run, if not on this machine; no part of what defines the search."""


class Reporter(Observer):
    """Told of what a study does beside its trials; the command line prints it."""

    def stage(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
    def opened(self, session: Session) -> None: ...


@dataclass
class Session:
    """Everything that the stages of a study share."""

    folder: SearchFolder
    home: Home
    space: Space
    state: State
    workers: Workers
    prepared: Prepared
    reporter: Reporter
    interrupted: Callable[[], bool]
    pictures: bool = True
    deadline: float | None = None
    disk_max: int | None = None

    @property
    def split(self) -> Split:
        return split_of(self.space, self.prepared)

    def train_job(self, trial: Trial) -> TrainJob:
        """With as many executions as the space wants."""
        return replace(self.single_job(trial), executions=self.space.search.executions_per_trial)

    def single_job(self, trial: Trial) -> TrainJob:
        checkpoints = self.folder.checkpoints
        return TrainJob(
            id=trial.id,
            trial=trial,
            model=self.space.model,
            split=self.split,
            max_epochs=self.space.search.max_epochs,
            objective=self.space.objective,
            folder=checkpoints / trial.id,
            parent_folder=checkpoints / trial.parent if trial.parent else None,
            pictures=self.folder.pictures / trial.id if self.pictures else None,
            borders=self._borders(trial),
            draw_all=False,
        )

    def _borders(self, trial: Trial) -> tuple[int, ...]:
        parent = self.state.find(trial.parent) if trial.parent else None
        return (*self._borders(parent.trial), trial.initial_epoch) if parent else ()


def split_of(space: Space, prepared: Prepared) -> Split:
    """The part held out depends on the search's seed, and is the same for all its trials."""
    data, search = space.data, space.search
    return Split(prepared, data.validation, search.limit, search.seed, data.class_weights)


def make_workers(folder: SearchFolder, resources: Resources, settings: Settings) -> Workers:
    check_backend()
    if settings.on is not None:
        from tunekit.workers.cluster.pool import RayWorkers

        return RayWorkers(
            settings.on,
            settings.workers,
            resources.threads,
            folder.path,
            settings.home.path.absolute() / "ray",
            folder.logs,
            deterministic=not settings.fast,
            job_timeout=settings.trial_timeout,
            devices=resources.devices,
        )
    return LocalWorkers(
        count=resources.workers,
        threads=resources.threads,
        logs=folder.logs,
        deterministic=not settings.fast,
        job_timeout=settings.trial_timeout,
        devices=resources.devices,
    )


def prepare_data(space: Space, home: Home, interrupted: Interruption) -> Prepared:
    """Here and not in a worker, so that what is wrong with the data is said before anything heavy has loaded."""
    with interrupted.at_once():
        prepared = prepare(space.data, home.data.absolute())
    check_classes(space.objective, len(prepared.class_names))
    return prepared


def prepare_both(space: Space, home: Home, interrupted: Interruption) -> Prepared:
    """For what ends with the test part: what is wrong with that is found now, and not hours later."""
    prepared = prepare_data(space, home, interrupted)
    with interrupted.at_once():
        check_test(space.data, prepared)
    return prepared


def probe_space(
    space: Space,
    prepared: Prepared,
    workers: Workers,
    interrupted: Callable[[], bool],
    timed: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> tuple[Probe, Probe]:
    """Train one batch with the smallest and the largest values; a model that cannot build is found here.

    `meanwhile` is called while the workers do so.
    """
    split = split_of(space, prepared)
    extremes = {"its smallest values": space.smallest(), "its largest values": space.largest()}
    jobs = [
        ProbeJob(which, space.model, (values,), split, timed, space.objective)
        for which, values in extremes.items()
    ]
    try:
        smallest, largest = run_jobs(workers, jobs, interrupted, meanwhile=meanwhile)
    except JobFailed as error:
        shown = ", ".join(f"{name}={value}" for name, value in extremes[error.job.id].items())
        raise model_error(space.name, error.failure, f"{error.job.id} ({shown})") from error
    return smallest[0], largest[0]


def create_state(
    folder: SearchFolder, space: Space, prepared: Prepared, resources: Resources, fast: bool
) -> State:
    """Write down what defines the search; from here on it can be resumed."""
    settings = space.search
    text = write_space(space, f"The search {folder.name}: what it searches, with its seed")
    write_text(folder.space, text)
    return State.create(
        folder.state,
        {
            "uid": uuid.uuid4().hex,
            "created": time.time(),
            "space": text,
            "definition": as_plain(space),
            "threads": resources.threads,
            "deterministic": not fast,
            "backend": backend(),
            "versions": versions(),
            "machine": f"{platform.system()} {platform.machine()}",
            "data_name": prepared.name,
            "data_sha256": prepared.sha256,
            "data_count": prepared.count,
            "data_shape": list(prepared.shape),
            "class_names": list(prepared.class_names),
            "seed": settings.seed,
            "status": "RUNNING",
            "data_aside": aside_digest(prepared.folder),
            SOURCES: keep(folder, model_sources(space.model)),
        },
    )


def stored_space(state: State, folder: SearchFolder) -> Space:
    """The space as it was when the search began, from the state and not from the file beside it."""
    return parse_space(state.fact("space"), f"{folder.space}", folder.path)


def check_unchanged(state: State, space: Space, prepared: Prepared | None) -> None:
    """Refuse to go on where what is searched is no longer what was."""
    changes = []
    before, now = state.fact("definition"), as_plain(space)
    for key in sorted(set(before) | set(now)):
        if before.get(key) != now.get(key):
            changes += _differences(key, before.get(key), now.get(key))
    current = backend()
    if state.fact("backend") != current:
        changes.append(f"backend: was {state.fact('backend')}, is {current}")
    if prepared is not None and prepared.sha256 != state.fact("data_sha256"):
        changes.append(
            f"data: {prepared.name} was {state.fact('data_sha256')[:12]}, is {prepared.sha256[:12]} (sha256)"
        )
    if prepared is not None and state.fact("data_aside") not in (None, aside_digest(prepared.folder)):
        changes.append(f"data: the test part that {prepared.name} returned is another one")
    if changes:
        listed = "\n".join(f"  {change}" for change in changes)
        raise SearchError(
            "The search cannot go on: it would mix two searches, since something changed since it began:\n"
            f"{listed}\nSet it back, or start a new search under another --name."
        )


def check_data(folder: SearchFolder, sha256: str, prepared: Prepared) -> None:
    """Refuse to say of a search's trial what it makes of other data."""
    if prepared.sha256 != sha256:
        raise SearchError(
            f"{folder.name}: expected the data that it was searched on, sha256 {sha256[:12]}, got "
            f"{prepared.sha256[:12]}. Set {prepared.name} back."
        )


def _differences(key: str, before: Any, now: Any) -> list[str]:
    if key == "parameters":
        before = {entry["name"]: entry for entry in before}
        now = {entry["name"]: entry for entry in now}
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            f"{key}.{name}: was {_shown(before.get(name))}, is {_shown(now.get(name))}"
            for name in sorted(set(before) | set(now))
            if before.get(name) != now.get(name)
        ]
    return [f"{key}: was {_shown(before)}, is {_shown(now)}"]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {v}" for k, v in value.items() if k != "name") + "}"
    return "absent" if value is None else str(value)


def resources_for(state: State | None, settings: Settings) -> Resources:
    """A resumed search keeps its threads, which its outcome depends on; workers may change."""
    if state is None:
        return choose(settings.workers, settings.threads)
    threads = state.fact("threads")
    if settings.threads not in (None, threads):
        raise SearchError(
            f"--threads {settings.threads}: the search began with {threads} threads a trial and keeps them, "
            "since its scores depend on them. Leave --threads away, or start a new search."
        )
    return choose(settings.workers, threads)
