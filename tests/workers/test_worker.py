"""Workers and the end of their coordinator, itself a real process here."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tunekit.trial.jobs import ProbeJob

from .helpers import begun, running, until

COORDINATOR = """
import pickle, signal, sys, time
from pathlib import Path
from tunekit.workers.local import LocalWorkers
signal.signal(signal.SIGINT, lambda *_: print("interrupted", flush=True))
workers = LocalWorkers(3, threads=1, logs=Path(sys.argv[1]) / "logs")
first, busy, starting = pickle.loads(Path(sys.argv[1], "jobs").read_bytes())
workers.submit(first)
workers.submit(busy)
while workers.busy > 1:
    workers.events(0.1)
workers._start(2)
print(*workers.process_ids, flush=True)
while True:
    workers.events(1.0)
"""


def test_workers_outlive_a_keystroke_and_not_their_coordinator(
    job: Callable[..., ProbeJob], tmp_path: Path
) -> None:
    jobs = [job("first"), job("busy", "stay", here=tmp_path / "here", seconds=60), job("starting")]
    (tmp_path / "jobs").write_bytes(pickle.dumps(jobs))
    # A session of its own stands in for a terminal: its foreground group gets the signal.
    with subprocess.Popen(
        [sys.executable, "-P", "-c", COORDINATOR, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as coordinator:
        assert coordinator.stdout is not None
        try:
            workers = [int(number) for number in coordinator.stdout.readline().split()]
            assert len(workers) == 3
            assert begun(tmp_path / "here") in workers

            os.killpg(coordinator.pid, signal.SIGINT)
            assert coordinator.stdout.readline() == "interrupted\n"
            time.sleep(0.3)
            assert all(running(worker) for worker in workers)
        finally:
            coordinator.kill()
    assert until(lambda: not any(running(worker) for worker in workers), seconds=3)
