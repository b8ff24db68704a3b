"""Worker processes as their coordinator holds them: started as programs of their own, or forked from a template."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tunekit.workers.template import BORN, LONGEST

START = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"
"""With the caller's own path: `python -m` would put the current folder first, where a user's random.py would be taken
for Python's."""
UNKNOWN = 256
"""Stands for the exit code of a worker whose template is gone: nobody could wait for it."""
REAPED = 1.0
"""Seconds that a template may take to tell the exit code of a worker that has ended."""


class Process(Protocol):
    """What `subprocess.Popen` offers of a process."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...


def start_program(
    module: str,
    arguments: tuple[int, ...],
    connection: socket.socket,
    log: Path,
    environment: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """A Python process that gets the connection's descriptor as its first argument."""
    command = [sys.executable, "-P", "-c", START.format(path=sys.path, module=module)]
    with log.open("ab") as file:
        return subprocess.Popen(
            [*command, str(connection.fileno()), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            pass_fds=[connection.fileno()],
            env=os.environ | environment,
            # A group of its own: a signal from the terminal is the coordinator's to answer.
            process_group=0,
        )


def can_fork() -> bool:
    """Whether workers may come from a template here; elsewhere libraries do not survive a fork."""
    if sys.platform != "linux":
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # an older kernel
        return False
    return True


class Template:
    """The process that has the frameworks loaded and forks workers."""

    def __init__(self, arguments: tuple[int, ...], log: Path, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = start_program("tunekit.workers.template", arguments, theirs, log, environment)
        self._unborn: deque[Forked] = deque()
        self._living: dict[int, Forked] = {}
        self.gone = False
        self.fruitful = False
        """Whether it has borne a worker: what it loads can be loaded."""

    @property
    def alive(self) -> bool:
        """As far as can be seen."""
        while self.read(0):
            pass
        return not self.gone

    def fork(self, connection: socket.socket, log: Path) -> Forked:
        """A worker, born as soon as the frameworks are loaded; at once from then on."""
        worker = Forked(self)
        self._unborn.append(worker)
        with log.open("ab") as file:
            try:
                socket.send_fds(self._socket, [b"fork"], [connection.fileno(), file.fileno()])
            except OSError:
                self._end()
        return worker

    def read(self, timeout: float | None) -> bool:
        """Take in what it has told, waiting for a first word; False where there was none in time."""
        if self.gone or not select.select([self._socket], [], [], timeout)[0]:
            return False
        try:
            message, descriptors, _, _ = socket.recv_fds(self._socket, LONGEST, 1)
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._end()
            return True
        what, process_id, code = json.loads(message)
        if what != BORN:
            self._living.pop(process_id).died(code)
        elif descriptors:
            self.fruitful = True
            self._living[process_id] = self._unborn.popleft().born(process_id, descriptors[0])
        else:
            self._unborn.popleft().died(code)
        return True

    def close(self) -> None:
        """End it; workers that have been born outlive it."""
        self._process.kill()
        while self.read(None):
            pass

    def _end(self) -> None:
        """It is gone: who is not born yet never will be, and nobody tells of the others' end."""
        self.gone = True
        self._socket.close()
        code = self._process.wait()
        for worker in self._unborn:
            worker.died(code)
        self._unborn.clear()


class Forked:
    """A worker process that a template forks: a process of the same kind as `subprocess.Popen`'s."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._pid = 0
        self._handle = -1
        """A descriptor that stands for the process: never for another one that has come to have its number."""
        self._code: int | None = None
        self._doomed = False

    @property
    def pid(self) -> int:
        """0 if it was never born; waits until the frameworks are loaded."""
        while not self._pid and self._code is None:
            self._template.read(None)
        return self._pid

    @property
    def forgotten(self) -> bool:
        """Whether its template died before it was born, and not because frameworks cannot be loaded."""
        return not self._pid and self._template.gone and self._template.fruitful

    def born(self, process_id: int, handle: int) -> Forked:
        self._pid, self._handle = process_id, handle
        os.set_inheritable(handle, False)
        if self._doomed:
            self.kill()
        return self

    def died(self, code: int) -> None:
        self._code = code
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def kill(self) -> None:
        self._doomed = True
        if self._handle >= 0:
            with suppress(ProcessLookupError):  # it has ended by itself
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def poll(self) -> int | None:
        while self._code is None and self._template.read(0):
            pass
        if self._code is None and self._handle >= 0 and select.select([self._handle], [], [], 0)[0]:
            self._find_out(time.monotonic() + REAPED)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if left == 0.0:
                raise subprocess.TimeoutExpired("worker", timeout or 0.0)
            if self._template.gone:
                select.select([self._handle], [], [], left)
            else:
                self._template.read(left)
        assert self._code is not None
        return self._code

    def _find_out(self, deadline: float) -> None:
        """It has ended; its template knows how, if it lives."""
        while self._code is None and self._template.read(max(0.0, deadline - time.monotonic())):
            pass
        if self._code is None:
            self.died(UNKNOWN)
