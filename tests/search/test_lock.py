"""One coordinator a search."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tunekit.errors import SearchError, StoreError
from tunekit.search.lock import SearchLock, is_running

HOLDER = """
import subprocess, sys, time
from pathlib import Path
from tunekit.search.lock import SearchLock
with SearchLock(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    print(child.pid, flush=True)
    time.sleep(30)
"""


@contextmanager
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process that holds the lock, and the process id of a child of its own."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            yield process, child
        finally:
            process.kill()
            os.kill(child, signal.SIGKILL)


def test_a_second_process_is_refused_at_once_with_the_first_ones_id(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with holder(folder) as (process, _):
        assert is_running(folder)
        began = time.monotonic()
        with pytest.raises(SearchError, match=f"search mine is running already, in process {process.pid}"):
            SearchLock(folder).__enter__()
        assert time.monotonic() - began < 1


def test_a_killed_holder_is_no_obstacle(tmp_path: Path) -> None:
    """Not even while a worker that it started lives."""
    with holder(tmp_path) as (process, child):
        process.kill()
        process.wait()
        os.kill(child, 0)

        assert not is_running(tmp_path)
        with SearchLock(tmp_path):
            assert is_running(tmp_path)


def test_the_lock_names_its_holder_and_is_given_back(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("123456789\n")
    with SearchLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
        assert is_running(tmp_path)
    assert not is_running(tmp_path)
    with SearchLock(tmp_path):
        pass


def test_it_is_given_back_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), SearchLock(tmp_path):
        1 / 0  # noqa: B018
    assert not is_running(tmp_path)


def test_someone_who_looks_does_not_get_in_the_way(tmp_path: Path) -> None:
    import fcntl
    import threading

    with SearchLock(tmp_path):
        pass
    with (tmp_path / "lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        threading.Timer(0.1, file.close).start()
        with SearchLock(tmp_path):
            assert is_running(tmp_path)


def test_a_search_that_never_began_does_not_run(tmp_path: Path) -> None:
    assert not is_running(tmp_path / "nowhere")
    assert not is_running(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nowhere/lock: the search could not be locked: No such file"):
        SearchLock(tmp_path / "nowhere").__enter__()
