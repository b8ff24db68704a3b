"""Jobs beside the trials, with a real worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tunekit.data.prepared import prepare
from tunekit.space.space import DataSpec
from tunekit.study.jobs import JobFailed, run_jobs
from tunekit.trial.jobs import ProbeJob, Split
from tunekit.workers.local import LocalWorkers

BUILD = '''
"""A model that never comes to be: it says that it is being built, and fails once it is told to."""
import time
from pathlib import Path

def build(values, data):
    Path("begun").touch()
    deadline = time.monotonic() + 60
    while not Path("go").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    raise ValueError("told to" if Path("go").exists() else "never told to")
'''


@pytest.fixture
def one_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalWorkers]:
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "builds_on_request.py").write_text(BUILD, encoding="utf-8")
    workers = LocalWorkers(1, threads=1, logs=tmp_path / "logs")
    yield workers
    workers.close()


def test_workers_are_at_work_meanwhile(one_worker: LocalWorkers, tmp_path: Path) -> None:
    split = Split(prepare(DataSpec("digits"), tmp_path / "cache"), 0.2, 200, 0)
    jobs = [ProbeJob(name, "builds_on_request:build", ({},), split) for name in ("first", "second")]
    busy: list[int] = []

    def meanwhile() -> None:
        busy.append(one_worker.busy)
        (tmp_path / "go").touch()

    with pytest.raises(JobFailed, match="ValueError: told to"):
        run_jobs(one_worker, jobs, meanwhile=meanwhile)

    assert (tmp_path / "begun").exists()
    assert busy == [1], "once, and after the worker has its job"
