"""The process that trains: takes jobs from its coordinator one at a time, and outlives them.

Started with the arguments FD THREADS DETERMINISTIC, the first being one end of a socket pair.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, NoReturn

from tunekit.imports import nothing_collected

if TYPE_CHECKING:
    from tunekit.trial.jobs import Done, Failed

PR_SET_PDEATHSIG = 1
"""Of Linux: the signal that a process gets when its parent is gone."""
TAKEN = "taken"
"""Told as a job begins: from here on it is the job that a death belongs to."""


def main() -> None:
    descriptor, threads, deterministic = (int(argument) for argument in sys.argv[1:4])
    _end_with_parent()
    # Ctrl-C reaches the whole foreground group; the coordinator alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a user's model starts must not hold the connection open after this process.
    os.set_inheritable(descriptor, False)
    jobs = _listen(connection := Connection(descriptor))

    from tunekit.trial.backend import configure

    with nothing_collected():
        configure(threads, bool(deterministic))

        from tunekit.trial.execute import execute

    assert callable(execute)
    # What is loaded by now stays; each trial begins with a search for garbage, which need not look at it again.
    gc.collect()
    gc.freeze()
    _work(connection, jobs)


def work(connection: Connection) -> NoReturn:
    """As `main`, where the frameworks are loaded already."""
    _work(connection, _listen(connection))


def _listen(connection: Connection) -> queue.SimpleQueue[bytes]:
    """From now on the coordinator's end is seen, even while frameworks load or a trial runs."""
    jobs: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, jobs), daemon=True).start()
    return jobs


def _work(connection: Connection, jobs: queue.SimpleQueue[bytes]) -> NoReturn:
    from tunekit.trial.execute import execute

    while True:
        job = jobs.get()
        connection.send(TAKEN)
        _answer(connection, execute(pickle.loads(job), connection.send))


def _end_with_parent() -> None:
    """Also where it is stopped and sees no end of its connection: later it would write over what a resume has made."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _answer(connection: Connection, answer: Done | Failed) -> None:
    try:
        connection.send(answer)
    except (AttributeError, TypeError, pickle.PicklingError):
        # An error of a user's own kind that cannot travel; its text can.
        from tunekit.trial.jobs import Failed

        connection.send(
            Failed(answer.failure, memory=answer.memory) if isinstance(answer, Failed) else answer
        )


def _receive(connection: Connection, jobs: queue.SimpleQueue[bytes]) -> None:
    """Pass jobs on unopened; the connection's end is the coordinator's, whatever this process is doing."""
    while True:
        try:
            jobs.put(connection.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


if __name__ == "__main__":
    main()
