"""What a time budget broke off, as it stood then: it may be better than all that ended."""

from __future__ import annotations

from dataclasses import replace

from tunekit.results import Trial, TrialRecord
from tunekit.search.state import State
from tunekit.space.space import Space
from tunekit.study.beyond import run_beyond
from tunekit.study.recording import Recording
from tunekit.study.session import Session


def take_snapshot(session: Session, recording: Recording, leader: TrialRecord | None) -> TrialRecord | None:
    """The best trial that was broken off, as its best epoch left it; None where it does not lead.

    The trial itself stays as it is, for a resume to go on with.
    """
    taken = snapshot(session.state, session.space, leader)
    if taken is None:
        return None
    session.reporter.stage(
        f"Trial {taken.parent}, which the time budget broke off, is the best so far: "
        f"taking it as it was after epoch {taken.epochs}"
    )
    # Without a limit to its checkpoint: it is the best one's once more, and the winner must not be lost for it.
    run_beyond(session, recording, [taken], "snapshot")
    record = session.state.find(taken.id)
    return record if record is not None and record.score is not None else None


def snapshot(state: State, space: Space, leader: TrialRecord | None) -> Trial | None:
    """Of the running trial that scored best, if it is better than the leader.

    In a Hyperband a score after few epochs may be luck: there it must have been trained for as long as the leader.
    """
    if space.search.executions_per_trial > 1:
        return None  # the score is the mean of executions that have not all been trained
    least = leader.trial.epochs if leader is not None and space.search.tuner == "hyperband" else 1
    best: Trial | None = None
    score = leader.score if leader is not None else None
    for record in state.records("trial"):
        if record.status != "RUNNING" or not state.own_epochs(record.trial.id):
            continue
        curve = [timed.epoch for timed in state.curve(record.trial.id)]
        for epoch in curve if curve[-1].number >= least else ():
            reached = epoch.metrics[space.objective.name]
            if score is None or space.objective.better(reached, score):
                best, score = _of(record.trial, epoch.number), reached
    return best


def _of(trial: Trial, epoch: int) -> Trial:
    """It inherits all of its epochs."""
    return replace(trial, id=f"{trial.id}-epoch{epoch}", initial_epoch=epoch, epochs=epoch, parent=trial.id)
