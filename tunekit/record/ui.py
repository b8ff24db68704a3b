"""MLflow's own server on the record, kept small and on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tunekit.address import shown
from tunekit.errors import SearchError, StoreError
from tunekit.record.store import DATABASE, tracking_uri

START_TIMEOUT = 90.0
EXPERIMENTS = "#/experiments"
"""MLflow's list of them; what it shows first is not about searches."""


def serve(home: Path, port: int, announce: Callable[[str], None]) -> None:
    """Run the server until it is interrupted; `announce` gets its address once it answers."""
    uri = tracking_uri(home)
    if uri.startswith("http"):
        announce(f"{shown(uri)}/{EXPERIMENTS}")
        return
    if "MLFLOW_TRACKING_URI" not in os.environ and not (home / DATABASE).exists():
        raise SearchError(
            f"{home / DATABASE}: there is no record yet. Start a search first, or name its folder with --home."
        )
    # A shell that starts it in the background has both ignored; a service manager sends the second.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    port = _free_port(port)
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "ui",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    # Not as an argument, which every user of the machine could read, with its password.
    store = {"MLFLOW_BACKEND_STORE_URI": uri}
    # Without its job runners the server needs a quarter of the memory and starts in a third of the time.
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = home / "ui.log"
    with log.open("ab") as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream, env=os.environ | quiet | store)
    try:
        _await(server, address, log)
        announce(f"{address}/{EXPERIMENTS}")
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def _free_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SearchError(
                f"--port {port}: expected a free port on 127.0.0.1: {error.strerror}. Choose another, or 0 for any."
            ) from error
        return int(probe.getsockname()[1])


def _await(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    # A proxy that the user has set must not be asked for this machine's own address.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise StoreError(f"MLflow's server ended with exit code {server.returncode}; see {log}.")
        try:
            with direct.open(f"{address}/health", timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise StoreError(f"MLflow's server did not answer within {START_TIMEOUT:.0f} s; see {log}.")
