"""Real worker processes and real signals: whatever happens to one, its job's end is told, and the next job runs."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tunekit.results import Trial
from tunekit.space.space import Objective
from tunekit.trial.jobs import Failed, ProbeJob, Split, TrainJob
from tunekit.workers import local
from tunekit.workers.local import LocalWorkers, _ending

from .helpers import begun, do, finish, running, until, wakings

MakeJob = Callable[..., ProbeJob]
MakeWorkers = Callable[..., LocalWorkers]


def test_a_job_keeps_its_worker_busy_until_it_ends(warm: LocalWorkers, job: MakeJob) -> None:
    assert (warm.idle, warm.busy) == (1, 0)
    number = warm.submit(job("one"))
    assert (number, warm.idle, warm.busy) == (0, 0, 1)

    ended = finish(warm)["one"]

    assert ended.memory > 2**20
    assert (warm.idle, warm.busy) == (1, 0)


def test_one_worker_does_job_after_job(warm: LocalWorkers, job: MakeJob) -> None:
    messages = {do(warm, job(f"job{number}")).failure.message for number in range(3)}

    assert messages == {f"ValueError: left by {warm.process_ids[0]}"}


def test_an_idle_worker_sleeps_until_it_gets_a_job(warm: LocalWorkers, job: MakeJob) -> None:
    do(warm, job("before"))
    process = psutil.Process(warm.process_ids[0])
    until(lambda: process.status() == psutil.STATUS_SLEEPING)
    time.sleep(0.5)
    before = wakings(process)
    time.sleep(2)
    assert wakings(process) - before <= 2, "it looks for jobs more often than once a second"


def test_what_a_worker_prints_is_in_its_log(warm: LocalWorkers, job: MakeJob) -> None:
    do(warm, job("prints"))

    assert "a word from the model" in (warm.logs / "worker-0.log").read_text()


@pytest.mark.parametrize(
    ("function", "said"),
    [("odd", "what the worker answered cannot be read"), ("cannot_travel", "with a lock")],
)
def test_an_error_that_cannot_travel_is_a_failure(
    warm: LocalWorkers, job: MakeJob, function: str, said: str
) -> None:
    ended = do(warm, job("odd", function))

    assert isinstance(ended, Failed)
    assert ended.failure.cause == "exception"
    assert said in ended.failure.message
    assert isinstance(do(warm, job("next")), Failed)


def test_thirty_jobs_leave_nothing_open(warm: LocalWorkers, job: MakeJob) -> None:
    do(warm, job("first"))
    me = psutil.Process()
    before = me.num_fds(), len(me.children())

    for number in range(30):
        do(warm, job(f"job{number}"))

    assert (me.num_fds(), len(me.children())) == before


def test_a_stopped_worker_is_overdue(warm: LocalWorkers, job: MakeJob, tmp_path: Path) -> None:
    do(warm, job("first"))
    warm.job_timeout = 1.0
    try:
        warm.submit(job("slow", "stay", here=tmp_path / "here", seconds=60))
        os.kill(begun(tmp_path / "here"), signal.SIGSTOP)
        ended = finish(warm)["slow"]
    finally:
        warm.job_timeout = None

    assert isinstance(ended, Failed)
    assert ended.failure.cause == "timeout"
    assert ended.failure.message == "the trial ran longer than 1 s"
    assert (warm.idle, warm.process_ids) == (1, [])


def test_a_killed_worker_names_its_job(warm: LocalWorkers, job: MakeJob, tmp_path: Path) -> None:
    warm.submit(job("victim", "stay", here=tmp_path / "here", seconds=60))
    victim = begun(tmp_path / "here")
    os.kill(victim, signal.SIGKILL)

    ended = finish(warm)["victim"]

    assert isinstance(ended, Failed)
    assert ended.failure.cause == "killed"
    log = warm.logs / "worker-0.log"
    assert ended.failure.message == f"its worker process ended with SIGKILL; see {log}"
    assert do(warm, job("next")).failure.message != f"ValueError: left by {victim}"


@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_a_worker_that_dies_while_idle_is_no_obstacle(warm: LocalWorkers, job: MakeJob, pause: float) -> None:
    do(warm, job("first"))
    (dead,) = warm.process_ids
    os.kill(dead, signal.SIGKILL)
    # Without a pause it is not quite dead yet, and takes the job with it.
    time.sleep(pause)

    ended = do(warm, job("next"))

    assert ended.failure.message == f"ValueError: left by {warm.process_ids[0]}"
    assert warm.process_ids != [dead]


def test_an_idle_death_is_nothing_to_tell(warm: LocalWorkers, job: MakeJob) -> None:
    do(warm, job("first"))
    os.kill(warm.process_ids[0], signal.SIGKILL)

    assert until(lambda: warm.events(0.05) == [] and warm.process_ids == [])
    assert warm.idle == 1


def test_a_cancelled_job_is_told_as_a_death(warm: LocalWorkers, job: MakeJob, tmp_path: Path) -> None:
    warm.submit(job("slow", "stay", here=tmp_path / "here", seconds=60))
    warm.cancel("another")
    warm.cancel("slow")

    assert finish(warm)["slow"].failure.cause == "killed"


def test_a_worker_that_ends_itself(warm: LocalWorkers, job: MakeJob) -> None:
    ended = do(warm, job("ends", "die"))

    assert ended.failure.cause == "killed"
    assert "ended with exit code 3" in ended.failure.message


def test_a_death_is_seen_though_a_child_lives_on(warm: LocalWorkers, job: MakeJob, tmp_path: Path) -> None:
    began = time.monotonic()

    ended = do(warm, job("ends", "die_and_leave_a_child", here=tmp_path / "here"))

    child = begun(tmp_path / "here")
    try:
        assert running(child)
        assert ended.failure.cause == "killed"
        assert time.monotonic() - began < 18
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_job_that_ends_as_it_is_cancelled_leaves_no_doomed_worker(warm: LocalWorkers, job: MakeJob) -> None:
    do(warm, job("first"))
    (old,) = warm.process_ids
    warm.submit(job("last"))
    time.sleep(0.5)  # its end waits to be read
    warm.cancel("last")

    assert "left by" in finish(warm)["last"].failure.message
    assert warm.process_ids == []
    assert do(warm, job("next")).failure.message != f"ValueError: left by {old}"


def test_a_worker_that_has_grown_is_replaced(
    warm: LocalWorkers, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(warm, job("first"))
    me = psutil.Process()
    before = me.num_fds(), len(me.children())
    (old,) = warm.process_ids
    monkeypatch.setattr(local, "GROWTH_LIMIT", -(2**50))
    do(warm, job("grows"))

    assert warm.process_ids == []
    assert not psutil.pid_exists(old)

    monkeypatch.undo()
    assert isinstance(do(warm, job("next")), Failed)
    assert (me.num_fds(), len(me.children())) == before


@pytest.mark.long
def test_thirty_replacements_leave_nothing_open(
    warm: LocalWorkers, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "GROWTH_LIMIT", -(2**50))
    do(warm, job("first"))
    me = psutil.Process()
    before = me.num_fds(), len(me.children())

    for number in range(30):
        do(warm, job(f"job{number}"))

    assert (me.num_fds(), len(me.children())) == before


def test_two_work_side_by_side_and_close_ends_all(
    make_workers: MakeWorkers, job: MakeJob, tmp_path: Path
) -> None:
    workers = make_workers(2)
    numbers = [
        workers.submit(job(f"job{number}", "stay", here=tmp_path / str(number), seconds=60))
        for number in (0, 1)
    ]
    assert numbers == [0, 1]
    assert (workers.idle, workers.busy) == (0, 2)
    # Both are at it at once.
    assert {begun(tmp_path / "0"), begun(tmp_path / "1")} == set(workers.process_ids)
    assert workers.events(0) == []
    assert sorted(path.name for path in workers.logs.iterdir()) == [
        "worker-0.log",
        "worker-1.log",
        "workers.log",
    ]
    processes = workers.process_ids

    began = time.monotonic()
    workers.close()

    assert time.monotonic() - began < 4
    assert not any(psutil.pid_exists(process) for process in processes)
    assert workers.idle == 2


def test_close_ends_workers_that_start_wait_and_stand_still(
    make_workers: MakeWorkers, job: MakeJob, tmp_path: Path
) -> None:
    workers = make_workers(3)
    workers.submit(job("idle"))
    finish(workers)
    workers.submit(job("stopped"))
    finish(workers)
    os.kill(workers.process_ids[0], signal.SIGSTOP)
    workers.submit(job("stopped while it has a job"))
    workers.submit(job("starting"))
    processes = workers.process_ids
    assert len(processes) == 2

    began = time.monotonic()
    workers.close()

    assert time.monotonic() - began < 4
    assert not any(psutil.pid_exists(process) for process in processes)


def test_a_promoted_trial_goes_to_the_worker_of_its_parent(
    make_workers: MakeWorkers, split: Split, tmp_path: Path
) -> None:
    workers = make_workers(2)

    def trial(id: str, parent: str | None = None) -> TrainJob:
        asked = Trial(id, {}, 0, 0, 1, parent=parent)
        return TrainJob(id, asked, "own_worker:leave", split, 1, Objective(), tmp_path / id, None, None)

    first, second = workers.submit(trial("a")), workers.submit(trial("b"))
    assert first != second
    finish(workers, 2)
    after = [("c", "b", second), ("d", "a", first), ("e", "b", second), ("f", "d", first)]
    for name, parent, expected in after:
        assert workers.submit(trial(name, parent)) == expected
        finish(workers)


def test_devices_are_shared_out_in_turn(make_workers: MakeWorkers, job: MakeJob, tmp_path: Path) -> None:
    workers = make_workers(3, devices=("4", "GPU-7"))
    for number in range(3):
        workers.submit(job(f"job{number}", "stay", here=tmp_path / str(number), seconds=60))

    # Another process' environment can be read as soon as it runs a program of its own.
    assert until(lambda: all("CUDA_VISIBLE_DEVICES" in environ(process) for process in workers.process_ids))
    devices = [environ(process)["CUDA_VISIBLE_DEVICES"] for process in workers.process_ids]
    assert devices == ["4", "GPU-7", "4"]
    assert environ(workers.process_ids[0])["OMP_NUM_THREADS"] == "1"


def environ(process_id: int) -> dict[str, str]:
    return dict(psutil.Process(process_id).environ())


def test_an_ending_in_words() -> None:
    assert _ending(1) == "exit code 1"
    assert _ending(-signal.SIGTERM) == "SIGTERM"
    assert _ending(-99) == "signal 99"


COORDINATOR = """
import pickle, sys, time
from pathlib import Path
from tunekit.workers.local import LocalWorkers
workers = LocalWorkers(1, 1, Path(sys.argv[2]))
workers.submit(pickle.loads(Path(sys.argv[1]).read_bytes()))
while True:
    workers.events(1.0)
"""


def test_a_stopped_worker_ends_with_its_coordinator_and_writes_nothing_later(
    job: Callable[..., ProbeJob], tmp_path: Path
) -> None:
    (tmp_path / "job").write_bytes(pickle.dumps(job("long", "stay", here=tmp_path / "here", seconds=60)))
    coordinator = subprocess.Popen(
        [sys.executable, "-P", "-c", COORDINATOR, str(tmp_path / "job"), str(tmp_path / "logs")],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
    )
    worker = begun(tmp_path / "here")
    os.kill(worker, signal.SIGSTOP)
    assert until(lambda: psutil.Process(worker).status() == psutil.STATUS_STOPPED)
    coordinator.kill()
    coordinator.wait()
    assert until(lambda: not running(worker)), "it would write over what a resume has made, once it is thawed"
