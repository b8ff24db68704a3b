"""Real servers, which can be killed and started again: MLflow's, and PostgreSQL's below it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.study.commands import DIRECT, environment

SECONDS = 180.0
"""That a server may take to answer on a busy machine."""
NOBODY = "nobody"
"""Who runs PostgreSQL, which refuses to be root."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_address(address: str) -> None:
    _await(lambda: _answers(address), address)


class MlflowServer:
    """`mlflow server` on a database, with its artefacts in a folder."""

    def __init__(self, folder: Path, database: str) -> None:
        self._folder = folder
        self._database = database
        self._port = free_port()
        self.address = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--workers", "1", "--artifacts-destination", str(self._folder / "artifacts")]
        env = environment(
            MLFLOW_BACKEND_STORE_URI=self._database,
            MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
            MLFLOW_DISABLE_TELEMETRY="true",
        )
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=env, process_group=0)
        await_address(f"{self.address}/health")

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Postgres:
    """PostgreSQL of the distribution, on loopback alone, with a password."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._port = free_port()
        self.password = f"p4ss{secrets.token_hex(8)}"
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "password").write_text(self.password)
        if os.getuid() == 0:
            for path in (folder, folder / "password"):
                shutil.chown(path, NOBODY)
        self._run("initdb", "--username=tunekit", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8",
                  "--no-locale", f"--pwfile={folder / 'password'}", str(self._data))  # fmt: skip

    @property
    def uri(self) -> str:
        return f"postgresql+psycopg2://tunekit:{self.password}@127.0.0.1:{self._port}/postgres"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, user=_user(), cwd=self._folder, process_group=0
            )
        _await(self._answers, f"PostgreSQL, see {self._folder / 'log'}")

    def kill(self) -> None:
        """All its processes at once, as when the machine loses its power."""
        if self._process is None or self._process.poll() is not None:
            return
        every = [psutil.Process(self._process.pid)]
        every += every[0].children(recursive=True)
        for process in every:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        import psycopg2

        try:
            psycopg2.connect(self.uri.replace("+psycopg2", "")).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            check=True, capture_output=True, user=_user(), cwd=self._folder,
        )  # fmt: skip


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A running one, in a folder that its user can reach; the test is skipped where it is not installed."""
    pytest.importorskip("psycopg2")
    programs = _programs()
    # pytest's own folder is closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="tunekit-postgres-"))
    folder.chmod(0o755)
    server = None
    try:
        server = Postgres(programs, folder)
        server.start()
        yield server
    finally:
        if server is not None:
            server.kill()
        shutil.rmtree(folder)


def _programs() -> Path:
    """Debian keeps them off the path, a folder for each version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("PostgreSQL's server is not installed: no initdb was found (Debian: apt install postgresql)")


def _user() -> str | None:
    return NOBODY if os.getuid() == 0 else None


def _answers(address: str) -> bool:
    try:
        with DIRECT.open(address, timeout=10):
            return True
    except OSError:
        return False


def _await(answers: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if answers():
            return
        time.sleep(0.2)
    raise AssertionError(f"no answer within {SECONDS:.0f} s: {what}")
