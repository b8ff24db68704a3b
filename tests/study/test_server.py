"""A shared MLflow server, which may go away while a search runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import DIRECT, TINY, assert_recorded, environment, outcome, start, wait_for_trials

Server = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Server]]:
    """The address of a real server, and a function that starts it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--workers", "1"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    address = f"http://127.0.0.1:{port}"
    running: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        env = environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_DISABLE_TELEMETRY="true")
        with (tmp_path / "server.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=env, process_group=0)
        running.append(process)
        _await(address)
        return process

    yield address, begin
    for process in running:
        _end(process)


def _await(address: str) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with DIRECT.open(f"{address}/health", timeout=10):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no server at {address}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_server_that_is_killed_and_comes_back_lacks_nothing(
    server: tuple[str, Server], finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    import json

    address, begin = server
    first = begin()
    process = start(
        "search", TINY, "--workers", 1, "--json", "--home", "home", cwd=tmp_path, MLFLOW_TRACKING_URI=address
    )
    wait_for_trials(tmp_path / "home", "tiny", 2)
    _end(first)
    wait_for_trials(tmp_path / "home", "tiny", 6)
    begin()
    printed, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    assert "The search goes on and records later." in told
    report = json.loads(printed)
    assert report["mlflow"]["tracking_uri"] == address
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)
    assert not list((tmp_path / "home").glob("mlflow.db"))
