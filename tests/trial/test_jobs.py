"""Records that travel between processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tunekit.errors import ModelError
from tunekit.results import Epoch, Failure, Outcome
from tunekit.space.space import DataSpec
from tunekit.trial.jobs import Done, EpochDone, EvaluateJob, Failed, ProbeJob, Split, Step

from .helpers import train_job


def test_every_job_travels(part: Split) -> None:
    trained = train_job(part, Path("trial"), 1)
    spec = DataSpec("digits")
    jobs = [
        ProbeJob("probe", "lenet5", ({"filters": 3},), part),
        trained,
        EvaluateJob("evaluate", spec, trained.trial, "lenet5", part, Path("trial"), Path("winner")),
    ]
    for job in jobs:
        assert pickle.loads(pickle.dumps(job)) == job


@pytest.mark.parametrize(
    "event",
    [
        Step(1, 0.5),
        EpochDone(Epoch(1, {"loss": 0.1}, 2.0)),
        Done(Outcome(0.9, 3, 322, 1.5, {"weights/dense/norm": 1.0}), 123),
        Failed(Failure("nan", "no number", "traceback"), memory=123),
    ],
)
def test_every_event_travels(event: object) -> None:
    assert pickle.loads(pickle.dumps(event)) == event


def test_an_error_travels() -> None:
    failed = pickle.loads(pickle.dumps(Failed(Failure("exception", "odd"), ModelError("odd"))))

    assert isinstance(failed.error, ModelError)
    assert str(failed.error) == "odd"


def test_the_coordinator_needs_no_framework_for_them() -> None:
    script = """
import sys
import tunekit.trial.jobs, tunekit.workers.local
loaded = {"keras", "tensorflow", "jax", "sklearn", "matplotlib", "mlflow"} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
