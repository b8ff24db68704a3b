"""Workers whose jobs do as they are told, on a backend that loads quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tunekit.data.prepared import prepare
from tunekit.space.space import DataSpec
from tunekit.trial.jobs import ProbeJob, Split
from tunekit.workers.local import LocalWorkers

OWN = '''
"""Models that do anything but build one."""
import os, signal, sys, time
from pathlib import Path
from tunekit.errors import ModelError

def leave(values, data):
    """End at once; the trial's failure is the sign that it ran."""
    print("a word from the model", flush=True)
    raise ValueError(f"left by {os.getpid()}")

def stay(values, data):
    """Say that it is here, and stay for a while."""
    Path(values["here"]).write_text(f"{os.getpid()} {time.time()}")
    time.sleep(values["seconds"])
    raise ValueError(f"stayed until {time.time()}")

def die(values, data):
    os._exit(3)

def die_and_leave_a_child(values, data):
    """The child inherits all that is open."""
    child = os.fork()
    if not child:
        time.sleep(20)
        os._exit(0)
    Path(values["here"]).write_text(str(child))
    os.kill(os.getpid(), signal.SIGKILL)

class Odd(ModelError):
    def __init__(self, one, other):
        super().__init__(f"{one} and {other}")

def odd(values, data):
    raise Odd(1, 2)

def cannot_travel(values, data):
    error = ModelError("with a lock")
    error.lock = sys.stdout
    raise error
'''


@pytest.fixture(scope="session")
def split(tmp_path_factory: pytest.TempPathFactory) -> Split:
    return Split(prepare(DataSpec("digits"), tmp_path_factory.mktemp("cache")), 0.2, 200, 0)


@pytest.fixture(scope="package", autouse=True)
def _surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "own_worker.py").write_text(OWN, encoding="utf-8")
    # A user may have such a file where the command runs; it must not be taken for Python's.
    (folder / "random.py").write_text("raise SystemExit('this is not the random that you look for')")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "numpy")
        patch.chdir(folder)
        yield


@pytest.fixture(scope="session")
def job(split: Split) -> Callable[..., ProbeJob]:
    """Makes a job that runs one of the functions above."""

    def make(id: str, function: str = "leave", **values: Any) -> ProbeJob:
        values = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
        return ProbeJob(id, f"own_worker:{function}", (values,), split)

    return make


@pytest.fixture
def make_workers(tmp_path: Path) -> Iterator[Callable[..., LocalWorkers]]:
    made: list[LocalWorkers] = []

    def make(count: int = 1, **settings: Any) -> LocalWorkers:
        made.append(LocalWorkers(count, threads=1, logs=tmp_path / "logs", **settings))
        return made[-1]

    yield make
    for workers in made:
        workers.close()


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalWorkers]:
    """One worker that tests share; whoever kills it leaves the next test a new one."""
    workers = LocalWorkers(1, threads=1, logs=tmp_path_factory.mktemp("warm"))
    yield workers
    workers.close()
