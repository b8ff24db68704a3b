"""What frameworks write to standard error as they load is in a file, wherever Python's standard error goes."""

from __future__ import annotations

import io
import os
import sys
import threading
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from tunekit.study.quiet import frameworks_log_to


def test_the_process_and_python_write_into_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "frameworks.log"
    cell = io.StringIO()
    with redirect_stderr(cell):
        with frameworks_log_to(log):
            os.write(2, b"of a library in C\n")
            print("of Python", file=sys.stderr)
        print("after", file=sys.stderr)
    assert log.read_text() == "of a library in C\nof Python\n"
    assert cell.getvalue() == "after\n"


@pytest.mark.parametrize("first", ["one", "two"])
def test_two_threads_share_it(first: str, tmp_path: Path) -> None:
    """Whoever ends first, the other still has its log, and in the end standard error is what it was."""
    before = os.fstat(2).st_ino
    cell = io.StringIO()
    last = {"one": "two", "two": "one"}[first]
    begun, over = [threading.Event() for _ in "12"], {name: threading.Event() for name in ("one", "two")}

    def write(name: str, number: int) -> None:
        if number:
            begun[0].wait()
        with frameworks_log_to(tmp_path / name):
            begun[number].set()
            over[name].wait()

    with redirect_stderr(cell):
        threads = {
            name: threading.Thread(target=write, args=(name, number))
            for number, name in enumerate(("one", "two"))
        }
        for thread in threads.values():
            thread.start()
        begun[1].wait()
        over[first].set()
        threads[first].join()
        os.write(2, b"of C\n")
        print("of Python", file=sys.stderr)
        over[last].set()
        threads[last].join()
        print("after", file=sys.stderr)
    assert os.fstat(2).st_ino == before
    assert (tmp_path / last).read_text() == "of C\nof Python\n"
    assert (tmp_path / first).read_text() == ""
    assert cell.getvalue() == "after\n"
