"""Writes a search into MLflow: a parent run for the search, a child run for each trial.

Every call can be repeated: runs are found again by their tags, and metrics carry the time at which the state
says they were measured, which MLflow stores once however often it is told. So a resume brings MLflow up to
date by recording again what may be missing.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.address import without_password
from tunekit.record import images
from tunekit.record.calls import Calls, metric, milliseconds
from tunekit.record.store import Store, check_same_store, open_store
from tunekit.record.trouble import explained
from tunekit.results import Evaluation, Metrics, TimedEpoch, TrialRecord, Values
from tunekit.space.space import Space

if TYPE_CHECKING:
    from mlflow.entities import Metric

MOST_CLASSES = 100
"""Up to which each class has metrics of its own."""
PARENT = "parent"


class Recorder:
    """One search's place in MLflow."""

    def __init__(self, store: Store, space: Space, search: str, uid: str, parent_run: str) -> None:
        self.store = store
        self.parent_run = parent_run
        self._space = space
        self._search = search
        self._uid = uid
        self._calls = Calls(store)

    @classmethod
    def open(
        cls, home: Path, space: Space, search: str, uid: str, parent_run: str | None, facts: Mapping[str, Any]
    ) -> Recorder:
        """Open the store and the search's parent run, made if it does not exist yet."""
        store = open_store(home, space.name, space.objective.name)
        recorder = cls(store, space, search, uid, parent_run or "")
        with explained(store.tracking_uri):
            if not parent_run:
                recorder.parent_run = recorder._find_run(PARENT) or recorder._create_parent(facts)
                recorder._describe_parent(facts)
            else:
                recorder._calls.write("update_run", parent_run, status="RUNNING")
        return recorder

    # Trials

    def start_trial(self, record: TrialRecord, ancestors: Sequence[TimedEpoch]) -> str:
        """The trial's run, which begins with its ancestors' epochs so that it can be read alone."""
        with explained(self.store.tracking_uri):
            run_id = record.run_id or self._find_run(record.trial.id) or self._create_child(record)
            if record.run_id is None:
                # Also on a run that is there already: a kill may have come before it had any.
                self._calls.log_params(run_id, record.trial.values)
            self.log_epochs(run_id, ancestors)
        return run_id

    def log_epochs(self, run_id: str, epochs: Iterable[TimedEpoch]) -> None:
        metrics = [
            metric(name, value, timed.ended, timed.epoch.number)
            for timed in epochs
            for name, value in {**timed.epoch.metrics, "seconds": timed.epoch.seconds}.items()
        ]
        self._calls.log(run_id, metrics)

    def end_trial(self, record: TrialRecord, run_id: str, pictures: Path) -> None:
        """The trial's score, statistics and artefacts, and its end as FINISHED or FAILED."""
        assert record.ended is not None
        with explained(self.store.tracking_uri):
            if record.outcome is not None:
                self._calls.log(run_id, self._final_metrics(record))
            if record.failure is not None:
                self._calls.set_tags(run_id, _failure_tags(record))
                if record.failure.traceback:
                    self._calls.write("log_text", run_id, record.failure.traceback, "traceback.txt")
            images.set_aside(pictures)
            images.log_folder(self._calls, run_id, pictures, record.ended)
            status = "FINISHED" if record.status == "COMPLETED" else "FAILED"
            self._calls.write("set_terminated", run_id, status, end_time=milliseconds(record.ended))
        shutil.rmtree(pictures, ignore_errors=True)

    def log_pictures(self, run_id: str, pictures: Path, when: float) -> None:
        """What was drawn of a trial since its end."""
        with explained(self.store.tracking_uri):
            images.log_folder(self._calls, run_id, pictures, when)
        shutil.rmtree(pictures, ignore_errors=True)

    def log_text(self, run_id: str, text: str, name: str) -> None:
        with explained(self.store.tracking_uri):
            self._calls.write("log_text", run_id, text, name)

    # The search

    def log_progress(self, completed: int, best: float, when: float) -> None:
        """The best score so far over the number of completed trials."""
        self._calls.log(
            self.parent_run, [metric(f"best_{self._space.objective.name}", best, when, completed)]
        )

    def log_summary(self, metrics: Metrics, tags: Mapping[str, str], when: float) -> None:
        with explained(self.store.tracking_uri):
            self._calls.log(
                self.parent_run, [metric(name, value, when, 0) for name, value in metrics.items()]
            )
            self._calls.set_tags(self.parent_run, tags)

    def log_values(self, values: Values) -> None:
        """Hyperparameters of a training that is not part of a search."""
        with explained(self.store.tracking_uri):
            self._calls.log_params(self.parent_run, values)

    def log_files(self, paths: Iterable[Path], folder: str | None = None) -> None:
        with explained(self.store.tracking_uri):
            for path in paths:
                self._calls.write("log_artifact", self.parent_run, str(path), folder)

    def log_images(self, folder: Path, when: float) -> None:
        """Pictures of one epoch each, NAME.EPOCH.png, for MLflow's grid of images with its step slider."""
        with explained(self.store.tracking_uri):
            images.log_grid(self._calls, self.parent_run, folder, when)

    def log_evaluation(self, evaluation: Evaluation, validation: float | None, when: float) -> None:
        """The winner's test scores on the parent run, beside what it scored in validation."""
        macro = {
            name: sum(getattr(scores, name) for scores in evaluation.classes) / len(evaluation.classes)
            for name in ("precision", "recall", "f1")
        }
        metrics = {f"test_{name}": value for name, value in evaluation.metrics.items()}
        metrics |= {f"test_{name}_macro": value for name, value in macro.items()}
        # Thousands of metrics would be waded through by nobody: test.json has those of many classes.
        classes = evaluation.classes if len(evaluation.classes) <= MOST_CLASSES else ()
        taken: set[str] = set()
        for number, scores in enumerate(classes):
            name = _safe(scores.name) or str(number)
            name = f"{name}_{number}" if name in taken else name
            taken.add(name)
            metrics |= {
                f"test_class/{name}/precision": scores.precision,
                f"test_class/{name}/recall": scores.recall,
                f"test_class/{name}/f1": scores.f1,
            }
        objective = self._space.objective
        gap = None if validation is None else objective.validation_minus_test(validation, evaluation.metrics)
        if gap is not None:
            metrics[f"validation_minus_test_{objective.metric}"] = gap
        self.log_summary(metrics, {"tunekit.test_sha256": evaluation.sha256}, when)

    def finish(self, status: str) -> None:
        """Close the parent run: FINISHED, FAILED or KILLED."""
        with explained(self.store.tracking_uri):
            self._calls.write("set_terminated", self.parent_run, status)

    def kill(self, run_ids: Iterable[str]) -> None:
        """Mark runs that a signal or an error broke off; a resume opens them again."""
        with explained(self.store.tracking_uri):
            for run_id in run_ids:
                self._calls.write("set_terminated", run_id, "KILLED")

    def reopen(self, run_id: str) -> None:
        with explained(self.store.tracking_uri):
            self._calls.write("update_run", run_id, status="RUNNING")

    # Runs and their tags

    def _find_run(self, trial_id: str) -> str | None:
        found = self.store.client.search_runs(
            [self.store.experiment_id],
            f"tags.`tunekit.uid` = '{self._uid}' AND tags.`tunekit.trial` = '{trial_id}'",
            max_results=1,
        )
        return str(found[0].info.run_id) if found else None

    def _create_parent(self, facts: Mapping[str, Any]) -> str:
        settings = self._space.search
        tags = self._tags(PARENT) | {
            "mlflow.runName": self._search,
            "mlflow.note.content": f"tunekit search of the space **{self._space.name}** "
            f"({self._space.model} on {facts.get('data_name')}), seed {settings.seed}.",
            **{f"tunekit.{name}": str(value) for name, value in facts.items()},
        }
        run = self._calls.write("create_run", self.store.experiment_id, tags=tags)
        return str(run.info.run_id)

    def _describe_parent(self, facts: Mapping[str, Any]) -> None:
        settings = self._space.search
        params = {
            name: getattr(settings, name)
            for name in ("tuner", "max_epochs", "factor", "iterations", "seed", "max_trials", "limit")
        }
        if settings.executions_per_trial > 1:
            params["executions_per_trial"] = settings.executions_per_trial
        self._calls.log_params(
            self.parent_run, {name: value for name, value in params.items() if value is not None}
        )
        self._log_data(self.parent_run, facts)

    def _create_child(self, record: TrialRecord) -> str:
        trial = record.trial
        tags = self._tags(trial.id) | {
            "mlflow.runName": f"{self._search} {trial.id}",
            "mlflow.parentRunId": self.parent_run,
            "tunekit.kind": record.kind,
            "tunekit.bracket": str(trial.bracket),
            "tunekit.round": str(trial.round),
            "tunekit.iteration": str(trial.iteration),
            "tunekit.initial_epoch": str(trial.initial_epoch),
            "tunekit.epochs": str(trial.epochs),
            "tunekit.seed": str(trial.seed),
            **({"tunekit.parent_trial": trial.parent} if trial.parent else {}),
            **({"tunekit.start": str(trial.start)} if trial.start else {}),
        }
        run = self._calls.write(
            "create_run", self.store.experiment_id, start_time=milliseconds(record.started), tags=tags
        )
        return str(run.info.run_id)

    def _tags(self, trial_id: str) -> dict[str, str]:
        command = f"tunekit {' '.join(sys.argv[1:])}"
        # MLflow matches rows one by one, so that what a search is filtered by stands on every run.
        return {
            "tunekit.uid": self._uid,
            "tunekit.search": self._search,
            "tunekit.space": self._space.name,
            "tunekit.model": self._space.model,
            "tunekit.tuner": self._space.search.tuner,
            "tunekit.trial": trial_id,
            "mlflow.user": os.environ.get("USER") or os.environ.get("LOGNAME") or "unknown",
            "mlflow.source.name": without_password(command, self.store.tracking_uri)[:5000],
            "mlflow.source.type": "LOCAL",
        }

    def _final_metrics(self, record: TrialRecord) -> list[Metric]:
        outcome, ended = record.outcome, record.ended
        assert outcome is not None
        assert ended is not None
        values = {
            f"best_{self._space.objective.name}": outcome.score,
            "best_epoch": outcome.best_epoch,
            "parameters": outcome.parameters,
            "trial_seconds": outcome.seconds,
            "looking_seconds": outcome.looking_seconds,
            **outcome.insight,
        }
        if outcome.deviation is not None:
            name = f"best_{self._space.objective.name}"
            values |= {f"{name}_deviation": outcome.deviation, f"{name}_of_model": outcome.own_score}
        return [metric(name, value, ended, record.trial.epochs) for name, value in values.items()]

    def _log_data(self, run_id: str, facts: Mapping[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        dataset = Dataset(
            name=str(facts.get("data_name", "data"))[:500],
            digest=str(facts.get("data_sha256", ""))[:36],
            source_type="tunekit",
            source=json.dumps({"source": facts.get("data_name")}),
            profile=json.dumps(
                {"training_images": facts.get("data_count"), "shape": facts.get("data_shape")}
            ),
        )
        self._calls.write(
            "log_inputs",
            run_id,
            datasets=[DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])],
        )


def log_to_run(
    home: Path, space: Space, run_id: str, recorded_in: str | None, paths: Iterable[Path], folder: str
) -> None:
    """Files made after a run's end, beside its other artefacts; what the run says of itself stays as it is.

    SearchError where MLflow's store is no longer the one that the search was recorded in.
    """
    check_same_store(home, recorded_in)
    store = open_store(home, space.name, space.objective.name)
    with explained(store.tracking_uri):
        for path in paths:
            store.client.log_artifact(run_id, str(path), folder)


def _failure_tags(record: TrialRecord) -> dict[str, str]:
    assert record.failure is not None
    return {"tunekit.cause": record.failure.cause, "tunekit.message": record.failure.message}


def _safe(name: str) -> str:
    return "".join(character if character.isalnum() or character in "_-. " else "_" for character in name)
