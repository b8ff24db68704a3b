"""After the last trial: pick the winner, open the sealed test set once, export, register."""

from __future__ import annotations

import dataclasses
import json
import platform
import shutil
import time
from pathlib import Path
from typing import Any

from tunekit.errors import SearchError
from tunekit.record.recorder import Recorder
from tunekit.record.registry import register
from tunekit.results import ClassScores, Evaluation, TrialRecord
from tunekit.search.winner import ranked
from tunekit.space.space import Verified
from tunekit.space.writer import write_space
from tunekit.study.files import write_text
from tunekit.study.finalists import retrain_finalists
from tunekit.study.jobs import JobFailed, run_job
from tunekit.study.model_source import SOURCES, digest_of_all
from tunekit.study.quiet import frameworks_log_to
from tunekit.study.recording import Recording
from tunekit.study.session import Session
from tunekit.study.snapshot import take_snapshot
from tunekit.trial import executions
from tunekit.trial.jobs import MODEL, EvaluateJob

AT_THE_END = 5.0
"""Seconds for pictures after the end of a time budget."""


def finish(session: Session, recorder: Recorder, recording: Recording, complete: bool) -> None:
    """Every step is written down before the next, so that a resume repeats none: the test set is read once."""
    state, space = session.state, session.space
    recording.settle()
    # Of a search that is complete, at most a snapshot that a kill broke off.
    recorder.kill(recording.running_runs())
    best = pick(session, recording, complete)
    if state.fact("best") != best.trial.id:
        # A search that went on after its time budget may have a new winner: what was said of the old one is void.
        state.set_facts(best=best.trial.id, evaluation=None, registered=None)
    if state.fact("evaluation") is None:
        session.reporter.stage("Evaluating the winner on the test set")
        evaluation = evaluate(session, best)
        state.set_facts(
            evaluation=dataclasses.asdict(evaluation),
            evaluated=time.time(),
            tested=[*state.fact("tested", []), best.trial.id],
        )
    evaluation = evaluation_from(state.fact("evaluation"))
    write_config(session, best, evaluation)
    session.reporter.stage("Recording the winner in MLflow")
    record_winner(session, recorder, best, evaluation)
    if state.fact("registered") is None:
        with frameworks_log_to(session.folder.framework_log):
            version = register(
                recorder.store,
                recorder.parent_run,
                session.folder.champion / MODEL,
                space.name,
                best.trial.id,
                [scores.name for scores in evaluation.classes],
            )
        state.set_facts(registered=version)
    for record in state.records("snapshot"):
        if record.trial.id != best.trial.id:
            # The search went on to a better one.
            shutil.rmtree(session.folder.checkpoints / record.trial.id, ignore_errors=True)
    # A search that its budget ended can be resumed, and draws what it then has time for.
    recording.draw_the_rest(None if complete else AT_THE_END)
    # The state last: what says that it is finished is not resumed, and its parent run would stay open for ever.
    recorder.finish("FINISHED")
    status = "FINISHED" if complete else "STOPPED"
    state.set_facts(status=status, seconds_recording=recording.seconds)


def pick(session: Session, recording: Recording, complete: bool) -> TrialRecord:
    """The best trial as searched, or the best of the finalists trained again."""
    trials = session.state.records("trial")
    contenders = ranked(trials, session.space.objective)
    finalists = session.space.search.finalists
    if not complete and not (contenders and finalists):
        taken = take_snapshot(session, recording, contenders[0] if contenders else None)
        if taken is not None:
            return taken
    if not contenders:
        causes = [record.failure.message for record in trials if record.failure]
        raise SearchError(
            f"No trial of {session.folder.name} completed, so there is no winner. "
            + (f"The last failure: {causes[-1]}" if causes else "Give it more time.")
        )
    if finalists:
        return retrain_finalists(session, recording, contenders[:finalists], session.space.search.repeats)
    return contenders[0]


def evaluate(session: Session, best: TrialRecord) -> Evaluation:
    """In a worker: the only job that opens the test set."""
    job = EvaluateJob(
        id="evaluate",
        spec=session.space.data,
        trial=executions.chosen(best),
        model=session.space.model,
        split=session.split,
        folder=executions.weights(session.folder.checkpoints, best),
        output=session.folder.champion,
        objective=session.space.objective,
    )
    try:
        result: Evaluation = run_job(session.workers, job, session.interrupted)
    except JobFailed as error:
        raise SearchError(
            f"Trial {best.trial.id} won, but could not be evaluated: {error.failure.message}\n"
            f"{error.failure.traceback}"
        ) from error
    return result


def evaluation_from(stored: dict[str, Any]) -> Evaluation:
    """From the state's JSON."""
    return Evaluation(
        loss=stored["loss"],
        accuracy=stored["accuracy"],
        classes=tuple(ClassScores(**scores) for scores in stored["classes"]),
        confusion=tuple(tuple(row) for row in stored["confusion"]),
        sha256=stored["sha256"],
        others=stored.get("others", {}),
    )


def write_config(session: Session, best: TrialRecord, evaluation: Evaluation) -> Path:
    """best.yaml: the winner as a space of fixed values, with what makes it verifiable."""
    assert best.outcome is not None
    state, path = session.state, session.folder.best_config
    verified = Verified(
        search=session.folder.name,
        trial=best.trial.id,
        score=best.outcome.own_score,
        # A snapshot may hold one epoch more than was told before its trial was broken off.
        epochs=max(best.trial.epochs, best.outcome.best_epoch),
        best_epoch=best.outcome.best_epoch,
        seed=executions.chosen(best).seed,
        threads=state.fact("threads"),
        data_sha256=session.prepared.sha256,
        versions=state.fact("versions"),
        test=evaluation.metrics,
        machine=platform.machine(),
        model_sha256=digest_of_all(state.fact(SOURCES) or {}),
    )
    comment = (
        f"The best configuration of the search {session.folder.name}.\n"
        f"Train it again from scratch: tunekit train {path.name}"
    )
    text = write_space(session.space.fixed(best.trial.values, verified=verified), comment)
    write_text(path, text)
    return path


def record_winner(session: Session, recorder: Recorder, best: TrialRecord, evaluation: Evaluation) -> None:
    """Scores, confusion matrix, class table and best.yaml on the parent run."""
    from tunekit.insight.confusion import draw_confusion

    folder = session.folder.champion
    picture = draw_confusion(
        evaluation.confusion,
        [scores.name for scores in evaluation.classes],
        f"{session.folder.name}: test set, accuracy {evaluation.accuracy:.4f}",
        folder / "confusion.png",
    )
    table = folder / "test.json"
    write_text(table, _test_table(evaluation))
    own_score = best.outcome.own_score if best.outcome else None
    recorder.log_evaluation(evaluation, own_score, session.state.fact("evaluated"))
    finalists = session.state.fact("finalists")
    if finalists:
        recorder.log_summary(
            {"finalist_mean": finalists[0]["mean"], "finalist_deviation": finalists[0]["deviation"]},
            {},
            session.state.fact("evaluated"),
        )
    tags = {"tunekit.best_trial": best.trial.id, "tunekit.best_run": best.run_id or ""}
    recorder.log_summary({}, tags, session.state.fact("evaluated"))
    recorder.log_files([session.folder.best_config, picture, table])


def _test_table(evaluation: Evaluation) -> str:
    """As JSON, a row of the confusion matrix on a line: a thousand classes have a million cells."""
    plain = dataclasses.asdict(evaluation)
    rows = [json.dumps(row, separators=(",", ":")) for row in plain.pop("confusion")]
    confusion = ",\n    ".join(rows)
    return f'{json.dumps(plain, indent=2)[:-2]},\n  "confusion": [\n    {confusion}\n  ]\n}}\n'
