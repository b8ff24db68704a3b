"""What several benchmarks share: made-up data, and one training in a worker of tunekit's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tunekit.data.prepared import Prepared, prepare
from tunekit.results import Outcome, Trial, Values
from tunekit.space.space import DataSpec, Objective
from tunekit.trial.jobs import Done, EpochDone, Failed, Split, TrainJob
from tunekit.workers.local import LocalWorkers


def made_up(folder: Path, shape: tuple[int, int, int], images: int) -> Prepared:
    """Images without meaning; their content does not change the time of a step."""
    random = np.random.default_rng(0)
    path = folder / f"{shape[0]}.npz"
    x = random.integers(0, 256, (images, *shape), dtype=np.uint8)
    np.savez(path, x_train=x, y_train=np.arange(images) % 10, x_test=x[:10], y_test=np.arange(10))
    return prepare(DataSpec("npz", str(path)), folder / "cache")


def train_job(name: str, model: str, values: Values, split: Split, epochs: int, folder: Path) -> TrainJob:
    """A training from scratch, without pictures."""
    trial = Trial(name, values, int(name) if name.isdigit() else 1, 0, epochs)
    return TrainJob(name, trial, model, split, epochs, Objective(), folder / name, None, None)


def train_all(workers: LocalWorkers, jobs: list[TrainJob]) -> dict[str, tuple[Outcome, list[float]]]:
    """Of each training its outcome and the seconds of its epochs; as many at a time as there are workers."""
    waiting = list(jobs)
    seconds: dict[str, list[float]] = {job.id: [] for job in jobs}
    outcomes: dict[str, Outcome] = {}
    while len(outcomes) < len(jobs):
        while waiting and workers.idle:
            workers.submit(waiting.pop(0))
        for message in workers.events(1):
            match message.event:
                case EpochDone(epoch):
                    seconds[message.job_id].append(epoch.seconds)
                case Failed(failure):
                    raise SystemExit(f"{failure.message}\n{failure.traceback}")
                case Done(outcome):
                    outcomes[message.job_id] = outcome
    return {name: (outcomes[name], seconds[name]) for name in outcomes}
