"""Why a trial scores what it scores: its pictures, made once and read by whoever shows them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunekit.errors import Interrupted, SearchError, StoreError
from tunekit.report.wording import counted, listed
from tunekit.results import Outcome, TimedEpoch, TrialRecord
from tunekit.search.lock import SearchLock
from tunekit.search.state import State
from tunekit.study.files import disk_faults_explained, write_text
from tunekit.study.home import SearchFolder, home_option
from tunekit.study.jobs import JobFailed, run_job
from tunekit.study.model_source import check_source
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
from tunekit.study.signals import Interruption, interruption
from tunekit.trial import executions
from tunekit.trial.jobs import EpochDone, ExplainJob, Explanation, Step, TrainJob, WeightsLost
from tunekit.workers.workers import Workers

EXPLAINED = "explained"
"""Folder of a search for the pictures that explain its trials."""
FIGURES = "explain.json"
TRAINING, TRAINED = "training", "checkpoints"
"""Below a trial's explanation: the weights of one that is trained again for it, while it is and once it has been."""


@dataclass(frozen=True)
class Explained:
    """One picture that explains a trial."""

    path: Path
    title: str
    caption: str
    alt: str


@dataclass(frozen=True)
class ExplainedTrial:
    """All that explains one trial."""

    search: str
    trial: str
    folder: Path
    pictures: tuple[Explained, ...]
    notes: tuple[str, ...]
    """What could not be shown, and why."""
    figures: Mapping[str, Any]
    """The numbers in the pictures."""


def explain(
    name: str | None,
    trial_id: str | None,
    settings: Settings,
    reporter: Reporter,
    on_epoch: Callable[[TimedEpoch], None],
) -> ExplainedTrial:
    """Explain a trial of a search that does not run, or its winner; one whose weights are gone is trained again."""
    folder = settings.home.find(name)
    with disk_faults_explained(folder.path), SearchLock(folder.path), interruption() as interrupted:
        state = State.open(folder.state, write=False)
        try:
            record = _find(state, folder, trial_id, home_option(settings.home.path))
            _Study(folder, settings, reporter, state, record, interrupted, on_epoch).explain()
        except Interrupted as error:
            raise Interrupted("Stopped by a signal; the same command goes on where it was.") from error
        finally:
            state.close()
    found = read_explanation(folder, record.trial.id)
    assert found is not None
    return found


def explanations(folder: SearchFolder, trial_id: str) -> list[Explained]:
    """The pictures that an earlier `tunekit explain` made of a trial; none where there was none."""
    found = read_explanation(folder, trial_id)
    return list(found.pictures) if found else []


def read_explanation(folder: SearchFolder, trial_id: str) -> ExplainedTrial | None:
    """What an earlier `tunekit explain` wrote of a trial."""
    output = folder.path / EXPLAINED / trial_id
    try:
        stored = json.loads((output / FIGURES).read_text(encoding="utf-8"))
        pictures = tuple(
            Explained(output / entry["file"], entry["title"], entry["caption"], entry["alt"])
            for entry in stored["pictures"]
        )
        notes, figures = tuple(stored["notes"]), stored["figures"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return ExplainedTrial(folder.name, trial_id, output, pictures, notes, figures)


def _find(state: State, folder: SearchFolder, trial_id: str | None, home: str) -> TrialRecord:
    """The trial asked for, or the winner; refused unless it completed."""
    wanted = trial_id or state.fact("best")
    if wanted is None:
        raise SearchError(
            f"{folder.name}: expected a search that has its winner, got one that is {state.fact('status')}. "
            f"Finish it with `tunekit resume {folder.name}{home}`, or name a trial with --trial."
        )
    record = state.find(wanted)
    if record is None:
        known = [one.trial.id for one in state.records()]
        raise SearchError(
            f"{folder.name}: expected a trial of this search, got {wanted!r}. "
            f"See them with `tunekit show {folder.name}{home}`: {listed(known, 20) or 'there is none yet'}."
        )
    if record.failure is not None:
        raise SearchError(
            f"{folder.name}: expected a trial that completed, got {wanted}, which failed: {record.failure.cause}: "
            f"{record.failure.message.splitlines()[0]}. Choose another with --trial."
        )
    if record.outcome is None:
        raise SearchError(
            f"{folder.name}: expected a trial that completed, got {wanted}, which was broken off. "
            f"Finish it with `tunekit resume {folder.name}{home}`, or choose another with --trial."
        )
    return record


@dataclass
class _Study:
    """One explanation under way."""

    folder: SearchFolder
    settings: Settings
    reporter: Reporter
    state: State
    record: TrialRecord
    interrupted: Interruption
    on_epoch: Callable[[TimedEpoch], None]

    @property
    def output(self) -> Path:
        return self.folder.path / EXPLAINED / self.record.trial.id

    def explain(self) -> None:
        """From the data to the pictures, their numbers and their place in MLflow."""
        home = self.settings.home
        home.keep_caches()
        space = stored_space(self.state, self.folder)
        check_source(self.state, self.folder, space.model, "be explained")
        # As the search trained: threads and determinism decide whether a trial comes out the same again.
        settings = dataclasses.replace(self.settings, fast=not self.state.fact("deterministic"))
        workers = make_workers(self.folder, choose(1, self.state.fact("threads")), settings)
        try:
            workers.warm_up()
            prepared = prepare_data(space, home, self.interrupted)
            check_data(self.folder, self.state.fact("data_sha256"), prepared)
            trial = dataclasses.replace(executions.chosen(self.record), initial_epoch=0, parent=None)
            job = ExplainJob(
                id="explain",
                trial=trial,
                model=space.model,
                split=split_of(space, prepared),
                folder=executions.weights(self.folder.checkpoints, self.record),
                output=self.output,
            )
            training = TrainJob(
                id=trial.id,
                trial=trial,
                model=space.model,
                split=job.split,
                max_epochs=space.search.max_epochs,
                objective=space.objective,
                folder=self.output / TRAINING,
                parent_folder=None,
                pictures=None,
            )
            # Pictures of an earlier explanation must not be told of by its figures while they change.
            (self.output / FIGURES).unlink(missing_ok=True)
            explanation = self._explain(workers, job, training)
        except JobFailed as error:
            raise SearchError(
                f"{self.folder.name}: trial {self.record.trial.id} could not be explained: "
                f"{error.failure.message}\n{error.failure.traceback}"
            ) from error
        finally:
            workers.close()
        write_text(self.output / FIGURES, json.dumps(_plain(explanation), indent=2) + "\n")
        self._log()

    def _explain(self, workers: Workers, job: ExplainJob, training: TrainJob) -> Explanation:
        """From the weights that the search kept, else from those of the trial trained again, now or earlier."""
        self.reporter.stage(f"Explaining trial {job.trial.id} on the validation images")
        trained = dataclasses.replace(job, folder=self.output / TRAINED)
        for kept in (job, trained):
            try:
                found: Explanation = run_job(workers, kept, self.interrupted)
                return found
            except WeightsLost:
                continue
        outcome = self._train(workers, training)
        self.reporter.stage(f"Explaining trial {job.trial.id} on the validation images")
        found = run_job(workers, trained, self.interrupted)
        assert self.record.outcome is not None
        if outcome.score == self.record.outcome.own_score:
            return found
        note = (
            f"Trained again it scored {outcome.score:.4f} instead of {self.record.outcome.own_score:.4f}: "
            "other versions, another machine or --fast make a difference."
        )
        return dataclasses.replace(found, notes=(note, *found.notes))

    def _train(self, workers: Workers, job: TrainJob) -> Outcome:
        """The same weights once more, from the seed; what was broken off goes on where it was."""
        assert self.record.outcome is not None
        seconds = sum(timed.epoch.seconds for timed in self.state.curve(job.trial.id))
        seconds /= max(1, len(self.record.outcome.scores))
        self.reporter.stage(
            f"Trial {job.trial.id} was not kept: training it again for {counted(job.trial.epochs, 'epoch')}, "
            f"which took {seconds:.0f} s in the search"
        )

        def heard(event: Step | EpochDone) -> None:
            if isinstance(event, EpochDone):
                self.on_epoch(TimedEpoch(event.epoch, time.time()))

        outcome: Outcome = run_job(workers, job, self.interrupted, heard)
        shutil.rmtree(self.output / TRAINED, ignore_errors=True)  # what is there is damaged
        job.folder.rename(self.output / TRAINED)
        return outcome

    def _log(self) -> None:
        """Beside the trial's other artefacts; the pictures are on disk whatever MLflow says."""
        if self.record.run_id is None:
            return
        found = read_explanation(self.folder, self.record.trial.id)
        assert found is not None
        try:
            with frameworks_log_to(self.folder.framework_log):
                from tunekit.record.recorder import log_to_run

                home, space = self.settings.home.path.absolute(), stored_space(self.state, self.folder)
                paths = [*(picture.path for picture in found.pictures), self.output / FIGURES]
                recorded_in = self.state.fact("tracking_uri")
                log_to_run(home, space, self.record.run_id, recorded_in, paths, "explain")
        except (StoreError, SearchError) as error:
            self.reporter.warn(f"{error} The pictures are not in MLflow, but in {self.output}.")


def _plain(explanation: Explanation) -> dict[str, Any]:
    return {
        "pictures": [dataclasses.asdict(picture) for picture in explanation.pictures],
        "notes": list(explanation.notes),
        "figures": dict(explanation.figures),
    }
