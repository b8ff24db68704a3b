"""A space whose every parameter is fixed: trained from scratch, compared, and evaluated."""

from __future__ import annotations

import dataclasses
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tunekit.errors import SearchError, UserError
from tunekit.report.wording import counted
from tunekit.results import Evaluation, Outcome, Scalar, TimedEpoch, Trial
from tunekit.search.state import State
from tunekit.space.parameters import Fixed
from tunekit.space.space import Space, Verified
from tunekit.study.finish import evaluation_from
from tunekit.study.home import Home, SearchFolder
from tunekit.study.jobs import JobFailed, run_job
from tunekit.study.model_file import pinned
from tunekit.study.model_source import check_source, digest_of_all, digests, model_sources
from tunekit.study.precision import settled
from tunekit.study.quiet import frameworks_log_to
from tunekit.study.resources import choose
from tunekit.study.session import (
    Reporter,
    Settings,
    check_data,
    make_workers,
    prepare_data,
    split_of,
    stored_space,
)
from tunekit.study.signals import interruption
from tunekit.trial import executions
from tunekit.trial.backend import backend, versions
from tunekit.trial.jobs import IMAGES, EpochDone, EvaluateJob, Step, TrainJob

TRAINED = "trained"
"""Folder below the home for models trained from a configuration."""


@dataclass(frozen=True)
class Trained:
    """A configuration trained from scratch, beside what its file says it scored."""

    name: str
    folder: str
    outcome: Outcome
    verified: Verified | None
    notes: tuple[str, ...]
    """What differs from when the score was written down."""
    run_id: str

    @property
    def difference(self) -> float | None:
        return None if self.verified is None else self.outcome.score - self.verified.score

    def came_back(self, tolerance: float) -> bool:
        return self.difference is None or abs(self.difference) <= tolerance


@dataclass(frozen=True, repr=False)
class Evaluated:
    """A test score, beside the one that was recorded."""

    search: str
    trial: str
    evaluation: Evaluation
    recorded: float | None

    def __repr__(self) -> str:
        """On a line, as a notebook shows it: the confusion matrix may have a million cells."""
        scores = ", ".join(f"{name} {value:.4f}" for name, value in self.evaluation.metrics.items())
        recorded = "" if self.recorded is None else f"; recorded: accuracy {self.recorded:.4f}"
        return f"<trial {self.trial} of {self.search} on the test set: {scores}{recorded}>"


def fixed_values(space: Space) -> dict[str, Scalar]:
    """The one configuration of a space that leaves nothing to choose."""
    varying = [parameter.name for parameter in space.parameters if not isinstance(parameter, Fixed)]
    if varying:
        raise UserError(
            f"{space.name}: expected a configuration whose every parameter is fixed, got choices for "
            f"{', '.join(varying)}. Search it with `tunekit search`, or fix them with --set."
        )
    return space.smallest()


def only_trial(space: Space) -> Trial:
    """The one trial that a configuration leaves: as it was verified, else as its search would begin it."""
    verified = space.verified
    return Trial(
        id="0",
        values=fixed_values(space),
        seed=verified.seed if verified else space.search.seed,
        initial_epoch=0,
        epochs=verified.epochs if verified else space.search.max_epochs,
    )


def train(
    space: Space, settings: Settings, reporter: Reporter, on_epoch: Callable[[TimedEpoch], None]
) -> Trained:
    """Train the configuration from scratch for as long as it was trained, and compare the score."""
    space = settled(pinned(space))
    fixed_values(space)  # refused before anything is written
    verified = space.verified
    settings.home.keep_caches()
    folder = _free_folder(settings.home, settings.name or space.name)
    wanted = settings.threads or (verified.threads if verified else None)
    workers = make_workers(folder, choose(1, wanted), settings)
    with interruption() as interrupted:
        try:
            reporter.stage(f"Reading {space.data.source} {space.data.location}".rstrip())
            prepared = prepare_data(space, settings.home, interrupted)
            trial = only_trial(space)
            job = TrainJob(
                id=trial.id,
                trial=trial,
                model=space.model,
                split=split_of(space, prepared),
                max_epochs=space.search.max_epochs,
                objective=space.objective,
                folder=folder.checkpoints / trial.id,
                parent_folder=None,
                pictures=folder.pictures / trial.id,
            )
            reporter.stage(f"Training {counted(trial.epochs, 'epoch')}")
            epochs: list[TimedEpoch] = []

            def heard(event: Step | EpochDone) -> None:
                if isinstance(event, EpochDone):
                    epochs.append(TimedEpoch(event.epoch, time.time()))
                    on_epoch(epochs[-1])

            try:
                outcome: Outcome = run_job(workers, job, interrupted, heard)
            except JobFailed as error:
                raise SearchError(
                    f"{space.name}: the training failed: {error.failure.cause}: {error.failure.message}\n"
                    f"{error.failure.traceback}"
                ) from error
            source = digest_of_all(digests(model_sources(space.model)))
            notes = _differences(verified, prepared.sha256, source, workers.threads) if verified else ()
            run_id = _record(space, settings, folder, trial, outcome, epochs, prepared.name)
        finally:
            workers.close()
    return Trained(folder.name, str(folder.path.absolute()), outcome, verified, notes, run_id)


def evaluate(name: str | None, settings: Settings, reporter: Reporter) -> Evaluated:
    """Repeat a finished search's test score with its winner's weights."""
    folder = settings.home.find(name)
    state = State.open(folder.state, write=False)
    try:
        space = stored_space(state, folder)
        record = state.find(state.fact("best") or "")
        if record is None or state.fact("evaluation") is None:
            raise SearchError(
                f"{folder.name}: expected a search that has its winner, got one that is {state.fact('status')}. "
                f"Finish it with `tunekit resume {folder.name}`: the test set stays sealed until then."
            )
        check_source(state, folder, space.model, "be tested again")
        recorded = evaluation_from(state.fact("evaluation"))
        threads, sha256 = state.fact("threads"), state.fact("data_sha256")
    finally:
        state.close()
    kept = executions.weights(folder.checkpoints, record)
    return _evaluate(
        space, settings, reporter, folder, executions.chosen(record), kept, recorded, threads, sha256
    )


def evaluate_config(
    space: Space, settings: Settings, reporter: Reporter, on_epoch: Callable[[TimedEpoch], None]
) -> Evaluated:
    """The test score of a configuration: of the search it came from where that is here, else trained first."""
    space = settled(pinned(space))
    verified = space.verified
    if verified is not None:
        folder = SearchFolder(settings.home.searches / verified.search)
        if folder.state.exists() and _is_best(folder, verified):
            return evaluate(verified.search, settings, reporter)
    reporter.stage(f"{space.name}: its search is not below {settings.home.path}; training it first")
    trained = train(space, settings, reporter, on_epoch)
    folder = SearchFolder(settings.home.path / TRAINED / trained.name)
    trial = only_trial(space)
    threads = verified.threads if verified else None
    kept = folder.checkpoints / trial.id
    evaluated = _evaluate(space, settings, reporter, folder, trial, kept, None, threads)
    recorded = verified.test.get("accuracy") if verified else None
    return dataclasses.replace(evaluated, recorded=recorded)


def _evaluate(
    space: Space,
    settings: Settings,
    reporter: Reporter,
    folder: SearchFolder,
    trial: Trial,
    weights: Path,
    recorded: Evaluation | None,
    threads: int | None,
    sha256: str | None = None,
) -> Evaluated:
    settings.home.keep_caches()
    workers = make_workers(folder, choose(1, threads), settings)
    with interruption() as interrupted:
        try:
            prepared = prepare_data(space, settings.home, interrupted)
            if sha256 is not None:
                check_data(folder, sha256, prepared)
            reporter.stage("Evaluating on the test set")
            job = EvaluateJob(
                id="evaluate",
                spec=space.data,
                trial=trial,
                model=space.model,
                split=split_of(space, prepared),
                folder=weights,
                output=folder.champion,
                objective=space.objective,
            )
            evaluation: Evaluation = run_job(workers, job, interrupted)
        except JobFailed as error:
            raise SearchError(
                f"{folder.name}: trial {trial.id} could not be evaluated: {error.failure.message}"
            ) from error
        finally:
            workers.close()
    return Evaluated(folder.name, trial.id, evaluation, recorded.accuracy if recorded else None)


def _is_best(folder: SearchFolder, verified: Verified) -> bool:
    state = State.open(folder.state, write=False)
    try:
        record = state.find(state.fact("best") or "")
    finally:
        state.close()
    if record is None or record.outcome is None:
        return False
    return record.trial.id == verified.trial and executions.chosen(record).seed == verified.seed


def _free_folder(home: Home, name: str) -> SearchFolder:
    home.folder(name)  # checks the name
    base = home.path / TRAINED
    number = 1
    while True:
        path = base / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
            continue
        except OSError as error:
            raise SearchError(f"{path}: the folder could not be made: {error.strerror}.") from error
        return SearchFolder(path)


def _differences(verified: Verified, sha256: str, source: str, threads: int) -> tuple[str, ...]:
    """What a score depends on and is no longer the same."""
    notes = []
    if verified.data_sha256 != sha256:
        notes.append(f"the data: sha256 was {verified.data_sha256[:12]}, is {sha256[:12]}")
    if verified.model_sha256 not in ("", source):
        notes.append(
            f"the model's source: sha256 was {verified.model_sha256[:12]}, is {source[:12] or 'absent'}"
        )
    if verified.threads != threads:
        notes.append(f"threads: were {verified.threads}, are {threads}")
    now = versions()
    for package, before in verified.versions.items():
        if now.get(package) != before:
            notes.append(f"{package}: was {before}, is {now.get(package, 'not in use')}")
    return tuple(notes)


def _record(
    space: Space,
    settings: Settings,
    folder: SearchFolder,
    trial: Trial,
    outcome: Outcome,
    epochs: list[TimedEpoch],
    data_name: str,
) -> str:
    """A run of its own in the space's experiment."""
    with frameworks_log_to(folder.framework_log):
        from tunekit.record.recorder import Recorder

    facts = {"data_name": data_name, "backend": backend(), "kind": "train"}
    recorder = Recorder.open(settings.home.path.absolute(), space, folder.name, uuid.uuid4().hex, None, facts)
    recorder.log_values(trial.values)
    recorder.log_epochs(recorder.parent_run, epochs)
    summary = {f"best_{space.objective.name}": outcome.score, "parameters": float(outcome.parameters)}
    recorder.log_summary({**summary, **outcome.insight}, {}, time.time())
    pictures = folder.pictures / trial.id
    recorder.log_images(pictures / IMAGES, time.time())
    recorder.log_files(sorted(path for path in pictures.glob("*") if path.is_file()))
    recorder.finish("FINISHED")
    return recorder.parent_run
