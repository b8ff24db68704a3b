"""The process that trains: takes jobs from its coordinator one at a time, and outlives them.

Started as `python -m tunekit.workers.worker FD THREADS DETERMINISTIC` with one end of a socket pair.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from multiprocessing.connection import Connection


def main() -> None:
    descriptor, threads, deterministic = (int(argument) for argument in sys.argv[1:4])
    # Ctrl-C reaches the whole foreground group; the coordinator alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = Connection(descriptor)
    jobs: queue.SimpleQueue[object] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, jobs), daemon=True).start()

    from tunekit.trial.backend import configure

    configure(threads, bool(deterministic))

    from tunekit.trial.execute import execute

    while (job := jobs.get()) is not None:
        connection.send(execute(job, connection.send))  # type: ignore[arg-type]


def _receive(connection: Connection, jobs: queue.SimpleQueue[object]) -> None:
    """Pass jobs on; the end of the connection is the coordinator's end, whatever this process is doing."""
    while True:
        try:
            jobs.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)


if __name__ == "__main__":
    main()
