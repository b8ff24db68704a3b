"""Workers forked from a template: real processes, that die, and whose template dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tunekit.trial.backend import environment
from tunekit.trial.jobs import ProbeJob
from tunekit.workers import process
from tunekit.workers.local import LocalWorkers, _ending
from tunekit.workers.process import UNKNOWN, Forked, Template, can_fork

from .helpers import begun, do, finish, running, until

MakeJob = Callable[..., ProbeJob]
MakeWorkers = Callable[..., LocalWorkers]
Fork = Callable[[], tuple[Forked, socket.socket]]

pytestmark = pytest.mark.skipif(not can_fork(), reason="workers are programs of their own here")


@pytest.fixture
def template(tmp_path: Path) -> Iterator[Template]:
    made = Template((1, 1), tmp_path / "workers.log", environment(1, deterministic=True))
    yield made
    if not made.gone:
        made.close()


@pytest.fixture
def fork(template: Template, tmp_path: Path) -> Iterator[Fork]:
    ends: list[socket.socket] = []

    def make() -> tuple[Forked, socket.socket]:
        ours, theirs = socket.socketpair()
        ends.append(ours)
        with theirs:
            return template.fork(theirs, tmp_path / f"worker-{len(ends)}.log"), ours

    yield make
    for end in ends:
        end.close()


def test_a_worker_is_a_process_like_any_other(template: Template, fork: Fork) -> None:
    worker, ours = fork()
    assert worker.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.01)
    assert running(worker.pid)
    assert os.getpgid(worker.pid) == worker.pid

    ours.close()  # which it takes for its coordinator's end

    assert worker.wait(30) == 0
    assert worker.poll() == 0
    assert not psutil.pid_exists(worker.pid)
    worker.kill()  # too late to matter


def test_each_death_has_its_own_code(fork: Fork) -> None:
    killed, terminated, ended = [fork() for _ in range(3)]
    killed[0].kill()
    os.kill(terminated[0].pid, signal.SIGTERM)
    ended[1].close()

    assert [worker.wait(30) for worker, _ in (killed, terminated, ended)] == [-9, -15, 0]


def test_killed_before_it_is_born(template: Template, fork: Fork) -> None:
    worker, _ = fork()
    worker.kill()

    assert worker.wait(60) == -signal.SIGKILL


def test_a_template_that_cannot_load_is_the_death_of_those_it_owes(template: Template, fork: Fork) -> None:
    (first, _), (second, _) = fork(), fork()
    template.close()

    assert (first.wait(5), second.wait(5)) == (-signal.SIGKILL, -signal.SIGKILL)
    assert (first.pid, template.gone) == (0, True)
    assert fork()[0].poll() == -signal.SIGKILL


def test_a_worker_outlives_its_template(template: Template, fork: Fork) -> None:
    (killed, _), (ended, ours) = fork(), fork()
    assert running(killed.pid)
    assert running(ended.pid)
    template.close()
    assert killed.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        ended.wait(0.05)

    killed.kill()
    ours.close()

    # Nobody is left who could have waited for them.
    assert (killed.wait(30), ended.wait(30)) == (UNKNOWN, UNKNOWN)
    assert _ending(UNKNOWN) == "an exit code that nobody saw"


def test_a_search_goes_on_without_its_template(
    make_workers: MakeWorkers, job: MakeJob, tmp_path: Path
) -> None:
    workers = make_workers(2)
    workers.submit(job("stays", "stay", here=tmp_path / "here", seconds=1.0))
    staying = begun(tmp_path / "here")
    parent = psutil.Process(staying).parent()
    assert parent in psutil.Process().children()
    parent.kill()
    assert until(lambda: not running(parent.pid))

    # The other worker comes from a new one.
    workers.submit(job("next"))
    ended = finish(workers, 2)
    assert "left by" in ended["next"].failure.message
    assert "stayed until" in ended["stays"].failure.message
    assert len(set(workers.process_ids)) == 2


def test_a_job_is_not_lost_with_the_template_that_was_to_bear_its_worker(
    make_workers: MakeWorkers, job: MakeJob
) -> None:
    workers = make_workers(2)
    workers.submit(job("first"))
    finish(workers)
    parent = psutil.Process(workers.process_ids[0]).parent()
    assert parent is not None
    parent.suspend()
    workers.submit(job("to the one that is there"))
    workers.submit(job("to one that is not born"))
    parent.kill()

    assert all("left by" in ended.failure.message for ended in finish(workers, 2).values())


def test_workers_share_what_the_frameworks_hold(make_workers: MakeWorkers, job: MakeJob) -> None:
    workers = make_workers(2)
    workers.warm_up()
    do(workers, job("first"))
    own = [psutil.Process(number).memory_full_info() for number in workers.process_ids]

    assert all(memory.uss < 0.3 * memory.rss for memory in own)


def test_where_forking_is_not_safe_workers_are_programs(
    make_workers: MakeWorkers, job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process.sys, "platform", "darwin")
    workers = make_workers()

    assert "left by" in do(workers, job("first")).failure.message
    assert [psutil.Process(number).ppid() for number in workers.process_ids] == [os.getpid()]


def test_nothing_is_left_when_workers_are_closed(make_workers: MakeWorkers, job: MakeJob) -> None:
    me = psutil.Process()
    before = me.num_fds(), len(me.children(recursive=True))
    workers = make_workers(2)
    workers.warm_up()
    do(workers, job("first"))
    workers.close()

    assert until(lambda: (me.num_fds(), len(me.children(recursive=True))) == before, 5)
