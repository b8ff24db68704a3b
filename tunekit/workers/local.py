"""Worker processes on this machine.

Written on plain processes and one socket pair each, and not on a process pool: a pool gives no way for a running job
to tell its epochs, and pools' shared queues can be left locked by a worker that is killed. Here nothing is shared
between workers, one loop without threads sees every message and every death, and the death names its job.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from tunekit.results import Failure
from tunekit.trial.backend import environment
from tunekit.trial.jobs import Done, Failed, Job, TrainJob
from tunekit.workers.process import UNKNOWN, Forked, Process, Template, can_fork, start_program
from tunekit.workers.worker import TAKEN
from tunekit.workers.workers import WorkerEvent

GROWTH_LIMIT = 768 * 2**20
"""Bytes that a worker may grow beyond its first job before it is replaced: TensorFlow leaks some with every model."""
TEMPLATE_LOG = "workers.log"
"""What frameworks print as they load, once for all workers."""
FAREWELL = 3.0
"""Seconds that idle workers get to leave by themselves."""


@dataclass
class _Worker:
    number: int
    process: Process
    connection: Connection
    job: Job | None = None
    since: float = 0.0
    taken: bool = False
    """Whether it has begun with the job."""
    first_memory: int = 0
    """After its first job; 0 before."""
    timed_out: bool = False
    condemned: bool = False
    """Whether it has been sent a kill that it may not have died of yet."""
    ended: set[str] = field(default_factory=set)
    """Jobs that it has brought to an end."""

    def kill(self) -> None:
        self.condemned = True
        self.process.kill()

    def knows(self, job: Job) -> bool:
        """Whether it has trained the job's parent, whose compiled model it may still have."""
        return isinstance(job, TrainJob) and job.trial.parent in self.ended


@dataclass
class LocalWorkers:
    """A fixed number of worker processes, started when they are first needed."""

    count: int
    threads: int
    logs: Path
    deterministic: bool = True
    job_timeout: float | None = None
    devices: tuple[str, ...] = ()
    """GPUs, shared out among the workers in turn."""

    def __post_init__(self) -> None:
        self._workers: dict[int, _Worker] = {}
        self._template: Template | None = None

    @property
    def idle(self) -> int:
        """How many jobs can be submitted now."""
        return self.count - self.busy

    @property
    def busy(self) -> int:
        return sum(worker.job is not None for worker in self._workers.values())

    @property
    def process_ids(self) -> list[int]:
        return [worker.process.pid for worker in self._workers.values()]

    def warm_up(self) -> None:
        """Start all workers: their frameworks load while the coordinator prepares."""
        for number in range(self.count):
            if number not in self._workers:
                self._start(number)

    def submit(self, job: Job) -> int:
        """Give the job to an idle worker and return its number."""
        idle = [worker for worker in self._workers.values() if worker.job is None]
        for worker in sorted(idle, key=lambda worker: not worker.knows(job)):
            if _hand(worker, job):
                return worker.number
            self._end(worker)  # it died while idle, which is nothing to tell of
        worker = self._start(next(number for number in range(self.count) if number not in self._workers))
        _hand(worker, job)  # should it be dead by now, events() will say so
        return worker.number

    def events(self, timeout: float) -> list[WorkerEvent]:
        """What has happened since, waiting for up to `timeout` seconds for a first event."""
        self._end_overdue()
        workers = list(self._workers.values())
        ready = wait([worker.connection for worker in workers], timeout)
        found = [self._read(worker) for worker in workers if worker.connection in ready]
        # A process that a worker has left behind may hold the connection open; its death is seen all the same.
        found += [self._bury(worker) for worker in list(self._workers.values()) if _dead_and_silent(worker)]
        return [event for event in found if event is not None]

    def cancel(self, job_id: str) -> None:
        """Stop a job; its death is reported as any other."""
        for worker in self._workers.values():
            if worker.job is not None and worker.job.id == job_id:
                worker.kill()

    def close(self) -> None:
        """End all workers, idle ones gently; what a busy one has checkpointed is safe."""
        for worker in self._workers.values():
            if worker.job is not None:
                worker.process.kill()
            worker.connection.close()
        deadline = time.monotonic() + FAREWELL
        for worker in self._workers.values():
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self._workers.clear()
        if self._template is not None:
            self._template.close()
            self._template = None

    def _start(self, number: int) -> _Worker:
        self.logs.mkdir(parents=True, exist_ok=True)
        ours, theirs = socket.socketpair()
        with theirs:
            process = self._process(number, theirs)
        worker = _Worker(number, process, Connection(ours.detach()))
        self._workers[number] = worker
        return worker

    def _process(self, number: int, connection: socket.socket) -> Process:
        """Forked where that is safe: the frameworks are loaded once, and their memory is shared."""
        log = self.logs / f"worker-{number}.log"
        arguments = self.threads, int(self.deterministic)
        common = environment(self.threads, self.deterministic)
        # What a GPU's libraries hold survives no fork, and whether they hold something already is theirs to know.
        if self.devices or not can_fork():
            return start_program(
                "tunekit.workers.worker", arguments, connection, log, common | self._device(number)
            )
        if self._template is None or not self._template.alive:
            self._template = Template(arguments, self.logs / TEMPLATE_LOG, common)
        return self._template.fork(connection, log)

    def _device(self, number: int) -> dict[str, str]:
        if not self.devices:
            return {}
        return {"CUDA_VISIBLE_DEVICES": self.devices[number % len(self.devices)]}

    def _read(self, worker: _Worker) -> WorkerEvent | None:
        job = worker.job
        try:
            event = worker.connection.recv()
        except (EOFError, OSError):
            return self._bury(worker)
        except Exception as error:  # an error of a user's own kind, which only the worker can import
            event = Failed(Failure("exception", f"what the worker answered cannot be read: {error!r}"))
        if event == TAKEN:
            worker.taken = True
            return None
        if isinstance(event, Done | Failed):
            worker.job = None
            worker.ended.update([job.id] if job else [])
            self._recycle(worker, event.memory)
        return WorkerEvent(worker.number, job.id if job else "", event)

    def _recycle(self, worker: _Worker, memory: int) -> None:
        worker.first_memory = worker.first_memory or memory
        if worker.condemned or memory > worker.first_memory + GROWTH_LIMIT:
            self._end(worker)

    def _end(self, worker: _Worker) -> int:
        """Make sure that the process is gone, and return its exit code."""
        worker.process.kill()
        code = worker.process.wait()
        worker.connection.close()
        self._workers.pop(worker.number)
        return code

    def _bury(self, worker: _Worker) -> WorkerEvent | None:
        """The process is gone, or will be: say which job died with it."""
        code = self._end(worker)
        if worker.job is None:
            return None
        forgotten = isinstance(worker.process, Forked) and worker.process.forgotten
        if (worker.first_memory or forgotten) and not worker.taken and not worker.condemned:
            # It was about to die when it was given the job, which has had no part in it.
            _hand(self._start(worker.number), worker.job)
            return None
        if worker.timed_out:
            failure = Failure("timeout", f"the trial ran longer than {self.job_timeout:g} s")
        else:
            log = self.logs / f"worker-{worker.number}.log"
            failure = Failure("killed", f"its worker process ended with {_ending(code)}; see {log}")
        return WorkerEvent(worker.number, worker.job.id, Failed(failure))

    def _end_overdue(self) -> None:
        if self.job_timeout is None:
            return
        for worker in self._workers.values():
            if worker.job is not None and time.monotonic() - worker.since > self.job_timeout:
                worker.timed_out = True
                worker.kill()


def _hand(worker: _Worker, job: Job) -> bool:
    """Whether the worker was alive to take the job."""
    worker.job, worker.since, worker.taken = job, time.monotonic(), False
    if worker.process.poll() is not None:
        return False
    try:
        worker.connection.send(job)
    except OSError:
        return False
    return True


def _dead_and_silent(worker: _Worker) -> bool:
    """Whether the process is gone and has left nothing to read."""
    return worker.process.poll() is not None and not worker.connection.poll()


def _ending(code: int) -> str:
    if code == UNKNOWN:
        return "an exit code that nobody saw"
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
