"""The process that workers are forked from: it has loaded the frameworks, which then takes a worker no time.

Started with the arguments FD THREADS DETERMINISTIC, the first being one end of a socket pair. It gets the descriptors
of a worker's connection and log there, and answers with each worker's birth and death. It trains nothing itself, and
nothing in it may start threads or a device: a fork would lose them.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
import traceback
import warnings
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NoReturn

from tunekit.imports import nothing_collected

BORN, DIED = "born", "died"
LONGEST = 2**16
"""Bytes of one message."""


def main() -> NoReturn:
    descriptor, threads, deterministic = (int(argument) for argument in sys.argv[1:4])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    coordinator = socket.socket(fileno=descriptor)
    # Before the frameworks load, lest a worker's death is missed; what happened is read in the loop.
    deaths, wakened = socket.socketpair()
    wakened.setblocking(False)
    deaths.setblocking(False)
    signal.set_wakeup_fd(wakened.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)

    from tunekit.trial.backend import configure

    with nothing_collected():
        configure(threads, bool(deterministic))

        from tunekit.trial.execute import execute

    assert callable(execute)
    # Python and JAX warn of threads that a fork would lose; those here are of libraries that start theirs again.
    warnings.filterwarnings("ignore", ".*fork")
    # Objects that are never collected keep the memory shared: counting references is all that touches them.
    gc.collect()
    gc.freeze()
    _Parent(coordinator).serve(deaths)


class _Parent:
    """Bears workers as it is told, and tells of them."""

    def __init__(self, coordinator: socket.socket) -> None:
        self._coordinator = coordinator
        self._living: set[int] = set()

    def serve(self, deaths: socket.socket) -> NoReturn:
        with selectors.DefaultSelector() as selector:
            selector.register(self._coordinator, selectors.EVENT_READ)
            selector.register(deaths, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is deaths:
                        deaths.recv(LONGEST)
                        self._tell_deaths()
                    else:
                        asked, descriptors, _, _ = socket.recv_fds(self._coordinator, LONGEST, 2)
                        if not asked:
                            self._end()
                        self._bear(*descriptors)

    def _bear(self, connection: int, log: int) -> None:
        try:
            process_id = os.fork()
        except OSError as error:
            # The worker's connection closes below, which is how its death is seen.
            os.write(log, f"A worker could not be started: {error}\n".encode())
            self._tell(BORN, 0, 1)
        else:
            if not process_id:
                self._coordinator.close()
                _live(connection, log)
            self._living.add(process_id)
            with suppress(OSError):  # it may have done so itself, or have ended
                os.setpgid(process_id, process_id)
            handle = os.pidfd_open(process_id)
            self._tell(BORN, process_id, 0, handle)
            os.close(handle)
        os.close(connection)
        os.close(log)

    def _tell_deaths(self) -> None:
        while self._living:
            process_id, status = os.waitpid(-1, os.WNOHANG)
            if not process_id:
                return
            self._living.remove(process_id)
            self._tell(DIED, process_id, os.waitstatus_to_exitcode(status))

    def _tell(self, what: str, process_id: int, code: int, *descriptors: int) -> None:
        message = json.dumps([what, process_id, code]).encode()
        try:
            socket.send_fds(self._coordinator, [message], descriptors)
        except OSError:
            self._end()

    def _end(self) -> NoReturn:
        """The coordinator is gone. Workers see that themselves, but for one that is stopped: once it went on, it would
        write over what a resume has made."""
        for process_id in self._living:
            os.kill(process_id, signal.SIGKILL)
        os._exit(0)


def _live(connection: int, log: int) -> NoReturn:
    """As the worker, in a process group of its own: a signal from the terminal is the coordinator's to answer."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setpgid(0, 0)
        os.dup2(log, sys.stdout.fileno())
        os.dup2(log, sys.stderr.fileno())
        os.close(log)
        os.set_inheritable(connection, False)
        from tunekit.workers.worker import work

        work(Connection(connection))
    except BaseException:
        traceback.print_exc()
    finally:
        # Never back into the template's loop.
        os._exit(1)


if __name__ == "__main__":
    main()
