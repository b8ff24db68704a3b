"""A search that is itself a job of Ray: it outlives the terminal that sent it, and is stopped as by a signal."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import TINY, TUNEKIT, environment, loaded, outcome, run, wait_for_trials

pytest.importorskip("ray", reason="Ray is not installed: pip install 'tunekit[ray]'")
pytest.importorskip("aiohttp_cors", reason="Ray's jobs are not installed: pip install 'ray[default]'")

from tests.ray_cluster import free_port, surroundings
from tunekit.workers.cluster.connection import reachable

Finished = tuple[Path, dict[str, Any]]
SLOW = 300
"""Seconds for some trials on a machine that does other things as well."""


@dataclass(frozen=True)
class Head:
    """A cluster of one node that takes jobs."""

    address: str
    folder: Path

    def ray(self, *words: str) -> str:
        """What a command of `ray job` prints."""
        command = [sys.executable, "-m", "ray.scripts.scripts", "job", words[0], "--address", self.address]
        done = subprocess.run(
            [*command, *words[1:]],
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=SLOW,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def submit(self, name: str, *words: object) -> None:
        entry = [*TUNEKIT, *map(str, words)]
        assert name in self.ray("submit", "--submission-id", name, "--no-wait", "--", *entry)

    def status(self, name: str) -> str:
        said = self.ray("status", name).lower()
        return next(word for word in ("succeeded", "failed", "stopped", "running", "pending") if word in said)

    def wait(self, name: str) -> str:
        """How it ended."""
        deadline = time.monotonic() + SLOW
        while (said := self.status(name)) in ("running", "pending"):
            assert time.monotonic() < deadline, self.ray("logs", name)
            time.sleep(1)
        return said


@pytest.fixture
def head() -> Iterator[Head]:
    with surroundings() as folder:
        port, dashboard = free_port(), free_port()
        started = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=2",
             "--node-ip-address=127.0.0.1", f"--port={port}", "--include-dashboard=true",
             "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}",
             f"--dashboard-agent-listen-port={free_port()}"],
            env=environment(RAY_JOB_STOP_WAIT_TIME_S="60"), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + SLOW
            while not reachable(f"127.0.0.1:{dashboard}", 1) and time.monotonic() < deadline:
                time.sleep(0.2)
            yield Head(f"http://127.0.0.1:{dashboard}", folder)
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait()


@pytest.mark.long
def test_a_job_is_stopped_as_by_a_signal_and_the_next_goes_on(
    finished: Finished, head: Head, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    words = ("search", TINY, "--resume", "--on", "ray", "--home", home)
    head.submit("first", *words)
    wait_for_trials(home, "tiny", 3, SLOW)
    head.ray("stop", "first")
    assert head.wait("first") == "stopped"
    assert "Stopped by SIGTERM; every finished epoch is kept" in head.ray("logs", "first")
    head.submit("second", *words)
    assert head.wait("second") == "succeeded", head.ray("logs", "second")
    report = loaded(run("resume", "tiny", "--home", home, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
