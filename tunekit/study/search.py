"""A search from its space to its tested winner; resuming goes the same way."""

from __future__ import annotations

import shlex
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from tunekit.address import shown
from tunekit.errors import ClusterError, Interrupted, SearchError, StoreError
from tunekit.imports import nothing_collected
from tunekit.search.coordinator import Coordinator
from tunekit.search.lock import SearchLock
from tunekit.search.state import State
from tunekit.space.space import Space
from tunekit.study.files import disk_faults_explained
from tunekit.study.finish import finish
from tunekit.study.home import SearchFolder, home_option
from tunekit.study.model_file import pinned
from tunekit.study.model_source import changes, check_source, kept_files
from tunekit.study.objective import doubt
from tunekit.study.overview import Report, make_report
from tunekit.study.precision import settled
from tunekit.study.quiet import frameworks_log_to
from tunekit.study.recording import Recording
from tunekit.study.reporting import report_finished
from tunekit.study.session import (
    Reporter,
    Session,
    Settings,
    check_unchanged,
    create_state,
    make_workers,
    prepare_both,
    probe_space,
    resources_for,
    stored_space,
)
from tunekit.study.signals import Interruption, interruption
from tunekit.workers.cluster.request import check_storage


def search(space: Space, settings: Settings, reporter: Reporter, resume: bool = False) -> Report:
    """Search the space; a search of this name that exists is refused, or goes on where `resume` says so."""
    folder = settings.home.folder(settings.name or space.name)
    if folder.state.exists() and not resume:
        raise SearchError(
            f"{folder.path}: a search named {folder.name} exists already. Go on with it by "
            f"`{resume_command(folder, settings)}`, or start another with --name."
        )
    return _open(folder, settings, reporter, space)


def resume(name: str | None, settings: Settings, reporter: Reporter) -> Report:
    """Go on with a search that exists, or the newest."""
    return _open(settings.home.find(name), settings, reporter, None)


def resume_command(folder: SearchFolder, settings: Settings) -> str:
    store = f" --tracking-uri {shlex.quote(settings.tracking_uri)}" if settings.tracking_uri else ""
    place = f" --on {settings.on.option}" if settings.on else ""
    if settings.on and settings.on.storage:
        place += f" --storage {shlex.quote(shown(settings.on.storage))}"
    return f"tunekit resume {folder.name}{home_option(settings.home.path)}{store}{place}"


def _open(folder: SearchFolder, settings: Settings, reporter: Reporter, space: Space | None) -> Report:
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder.path}: the search's folder could not be made: {error.strerror}. "
            "Free space there or make it writable, or choose another place with --home."
        ) from error
    with disk_faults_explained(folder.path), SearchLock(folder.path), interruption() as interrupted:
        try:
            return _run(folder, settings, reporter, space, interrupted)
        except Interrupted as error:
            name = interrupted.signal.name if interrupted.signal else "a signal"
            began = folder.state.exists()
            remedy = (
                f"Go on with `{resume_command(folder, settings)}`." if began else "Nothing had begun yet."
            )
            raise Interrupted(
                f"Stopped by {name}; every finished epoch is kept. {remedy}", interrupted.signal
            ) from error
        except ClusterError as error:
            if not folder.state.exists():
                raise
            raise ClusterError(
                f"{error}\nEvery finished epoch is kept. When a cluster is there again, go on with "
                f"`{resume_command(folder, settings)}`; without --on it goes on on this machine."
            ) from error


def _run(
    folder: SearchFolder,
    settings: Settings,
    reporter: Reporter,
    space: Space | None,
    interrupted: Interruption,
) -> Report:
    began = time.time()
    settings.home.keep_caches()
    state = _open_state(folder)
    if state is not None:
        settings = replace(settings, fast=not state.fact("deterministic"))
        stored = stored_space(state, folder)
        check_unchanged(state, settled(pinned(space), stored) if space else stored, None)
        space = stored
        if state.fact("status") == "FINISHED":
            reporter.stage(f"{folder.name} is finished already")
            if not folder.report.exists():
                report_finished(folder, settings.home, reporter)
            return make_report(folder, state, space, settings.home.path.absolute().as_posix())
        check_source(state, folder, space.model, "go on")
        check_storage(folder.path, settings.on)
    assert space is not None
    space = settled(pinned(space))
    resources = resources_for(state, settings)
    workers = make_workers(folder, resources, settings)
    load_frameworks = partial(_load_frameworks, folder.framework_log, interrupted)
    try:
        reporter.stage(f"Reading {space.data.source} {space.data.location}".rstrip())
        workers.warm_up()
        prepared = prepare_both(space, settings.home, interrupted)
        if state is None:
            if found := doubt(space):
                reporter.warn(found)
            reporter.stage("Building the model with its smallest and its largest values")
            probe_space(space, prepared, workers, interrupted, meanwhile=load_frameworks)
            state = create_state(folder, space, prepared, resources, settings.fast)
        else:
            check_unchanged(state, space, prepared)
            load_frameworks()
        session = Session(
            folder,
            settings.home,
            space,
            state,
            workers,
            prepared,
            reporter,
            interrupted,
            settings.pictures,
            began + settings.time_budget - _reserve(settings.time_budget) if settings.time_budget else None,
            settings.disk_max,
        )
        report = _search_and_finish(session)
        for change in changes(state, folder, space.model):
            reporter.warn(
                f"While the search ran: {change}. A worker that began anew has trained the new one."
            )
        # After the state says that the search is over: a page that cannot be written costs no result.
        report_finished(folder, settings.home, reporter)
        return report
    finally:
        workers.close()
        if state is not None:
            state.close()


def _open_state(folder: SearchFolder) -> State | None:
    """None for a search that is new; one whose state is gone is never begun anew in silence."""
    folder.check_not_lost()
    return State.open(folder.state) if folder.state.exists() else None


def _load_frameworks(log: Path, interrupted: Interruption) -> None:
    """Keras Tuner and MLflow take seconds to load, which the workers need for their own frameworks as well."""
    with interrupted.at_once(), frameworks_log_to(log), nothing_collected():
        from tunekit.oracles import tuners
        from tunekit.record.store import load_mlflow

        assert tuners
        load_mlflow()


def _reserve(budget: float) -> float:
    """Seconds of a time budget kept back to evaluate, export and register the winner.

    Most of it is a large model's 10,000 test images and the report: some 12 s on one core.
    """
    return min(45.0, 0.25 * budget, 8.0 + 0.05 * budget)


def _search_and_finish(session: Session) -> Report:
    state, space = session.state, session.space
    session.reporter.stage("Opening MLflow's store")
    with frameworks_log_to(session.folder.framework_log):
        from tunekit.oracles.tuners import make_oracle
        from tunekit.record.recorder import Recorder
        from tunekit.record.store import check_same_store

        check_same_store(session.home.path, state.fact("tracking_uri"))
        recorder = Recorder.open(
            session.home.path.absolute(),
            space,
            session.folder.name,
            state.fact("uid"),
            state.fact("run_id"),
            {name: state.fact(name) for name in FACTS_SHOWN},
        )
        oracle = make_oracle(space)
    if oracle.starts_left_out:
        numbers = ", ".join(map(str, oracle.starts_left_out))
        session.reporter.warn(f"The plan has no place for the known configurations {numbers} of `start`.")
    state.set_facts(
        run_id=recorder.parent_run,
        tracking_uri=recorder.store.address,
        experiment_id=recorder.store.experiment_id,
        status="RUNNING",
    )
    recording = Recording(recorder, state, space, session.folder.pictures, session.reporter.warn)
    try:
        recorder.log_files([session.folder.space])
        for path in kept_files(session.folder):
            recorder.log_files([path], path.parent.relative_to(session.folder.path).as_posix())
        recording.catch_up()
        session.reporter.opened(session)
        complete = Coordinator(
            oracle,
            state,
            session.workers,
            session.train_job,
            session.folder.checkpoints,
            space.objective,
            [session.reporter, recording],
            session.interrupted,
            session.deadline,
            disk_max=session.disk_max,
            executions=space.search.executions_per_trial,
        ).run()
        finish(session, recorder, recording, complete)
    except BaseException as error:
        session.workers.close()
        status = "KILLED" if isinstance(error, Interrupted | KeyboardInterrupt) else "FAILED"
        with suppress(StoreError):
            state.set_facts(status=status)
        # The error that ended the search matters more than that MLflow cannot be told of it.
        with suppress(StoreError):
            recording.tell_epochs()
            recorder.kill(recording.running_runs())
            recorder.finish(status)
        raise
    return make_report(session.folder, state, space, session.home.path.absolute().as_posix())


FACTS_SHOWN = (
    "data_name",
    "data_sha256",
    "data_count",
    "data_shape",
    "threads",
    "deterministic",
    "backend",
    "versions",
)
