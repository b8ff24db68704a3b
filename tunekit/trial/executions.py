"""A trial that is trained several times with different seeds, so that luck counts for less in its score.

They are trained one after the other. The first has the trial's own seed and folder, each other one a seed that follows
from it and a folder below, in which a promoted trial continues it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from tunekit.oracles.seeds import derive_seed
from tunekit.results import Epoch, Trial, TrialRecord
from tunekit.trial.jobs import Emit, EpochDone, Step, TrainJob

NAME = "execution-"


def folder_of(trial_folder: Path, number: int) -> Path:
    """Where an execution's checkpoints are; they are counted from 0, and named from 1."""
    return trial_folder / f"{NAME}{number + 1}" if number else trial_folder


def folders(trial_folder: Path) -> list[Path]:
    """Those of all executions that there are."""
    return [trial_folder, *sorted(trial_folder.glob(f"{NAME}*"))]


def trial_of(trial: Trial, number: int) -> Trial:
    """The trial as one of its executions is trained."""
    return dataclasses.replace(trial, seed=derive_seed(trial.seed, "execution", number)) if number else trial


def chosen(record: TrialRecord) -> Trial:
    """The best execution of a completed trial, whose model is the trial's."""
    assert record.outcome is not None
    return trial_of(record.trial, record.outcome.execution)


def weights(checkpoints: Path, record: TrialRecord) -> Path:
    """The folder with the checkpoints of the best execution of a completed trial."""
    assert record.outcome is not None
    return folder_of(checkpoints / record.trial.id, record.outcome.execution)


def execution(job: TrainJob, number: int) -> TrainJob:
    """The job of one execution."""
    return dataclasses.replace(
        job,
        trial=trial_of(job.trial, number),
        folder=folder_of(job.folder, number),
        parent_folder=job.parent_folder and folder_of(job.parent_folder, number),
        executions=1,
    )


def mean_curve(curves: Sequence[Sequence[Epoch]]) -> list[Epoch]:
    """Each epoch's metrics as the mean of the executions', and the time that all of them took."""
    return [
        Epoch(
            same[0].number,
            {name: fmean(epoch.metrics[name] for epoch in same) for name in same[0].metrics},
            sum(epoch.seconds for epoch in same),
        )
        for same in zip(*curves, strict=True)
    ]


def muffled(emit: Emit, job: TrainJob, number: int) -> Emit:
    """Tells of one execution of several how far the whole trial is; its epochs are told when all have ended."""
    if job.executions == 1:
        return emit
    first, own = job.trial.initial_epoch, job.trial.epochs - job.trial.initial_epoch

    def heard(event: Step | EpochDone) -> None:
        if isinstance(event, Step):
            done = (number * own + event.epoch - 1 - first + event.share) / job.executions
            emit(Step(first + int(done) + 1, done % 1))

    return heard
