"""Joining the cluster that is there, or starting Ray on this machine for as long as a search."""

from __future__ import annotations

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunekit.errors import ClusterError, SearchError, UserError
from tunekit.workers.cluster.request import OnRay

SOCKET_ROOM = 107 - len("/session_2000-01-01_00-00-00_000000_0000000/sockets/plasma_store.0")
"""Bytes that Ray's folder may be long: below it Ray makes sockets, whose paths an operating system cuts off at 107."""
OBJECT_STORE = 100 * 2**20
"""Bytes of a Ray of our own, through which only events pass."""
REACH = 5.0
"""Seconds that a cluster has to answer at its address."""
QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}


@dataclass(frozen=True)
class Connection:
    """A cluster that this process is a driver of."""

    ray: Any
    address: str
    """How to name the cluster in a message."""
    started: bool
    """Whether Ray was started here and ends with the search."""
    undo: contextlib.ExitStack
    """Takes back what was set for it."""

    @property
    def remote(self) -> bool:
        """Whether it goes through Ray's client, which has the driver on the cluster's side."""
        return "://" in self.address

    def answers(self) -> bool:
        """Whether the cluster's head is there; Ray itself would wait for it for a minute, and then end this process."""
        return self.remote or reachable(self.address, REACH)

    def close(self) -> None:
        """Leave the cluster; actors end with their driver."""
        try:
            if self.answers():
                self.ray.shutdown()
            else:
                # To take leave of a cluster that is gone takes Ray a minute; what was started ends with this process.
                atexit.unregister(self.ray.shutdown)
        finally:
            self.undo.close()


def connect(on: OnRay, folder: Path, cpus: float | None) -> Connection:
    """The cluster asked for, else the one of RAY_ADDRESS or of `ray start`, else one on this machine.

    Ray's own files go below `folder` where the path is short enough, and `cpus` is what a new Ray offers.
    """
    ray = load_ray()
    wanted = on.address or os.environ.get("RAY_ADDRESS") or None
    address = _address_of_ray_start() if wanted in (None, "auto") else wanted
    with _handlers_kept(), contextlib.ExitStack() as undo:
        if address is None or address == "local":
            connection = _start(ray, folder, cpus, undo)
        else:
            connection = _join(ray, address, wanted is None, undo)
        connection.undo.push(undo.pop_all())
        return connection


def load_ray() -> Any:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise UserError(
            '--on ray: expected Ray to be installed, and it is not. Install it: pip install "tunekit[ray]"'
        ) from error
    from ray._private import worker

    # What happens to workers and nodes is told by tunekit, where it matters.
    worker._worker_logs_enabled = False
    return ray


def reachable(address: str, seconds: float) -> bool:
    """Whether somebody listens there."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), seconds).close()
    except ValueError as error:
        raise SearchError(f"--on: expected an address HOST:PORT, got {address!r}.") from error
    except OSError:
        return False
    return True


def _join(ray: Any, address: str, found: bool, undo: contextlib.ExitStack) -> Connection:
    if not reachable(address, REACH):
        raise SearchError(
            f"--on ray: there is no cluster at {address}. Start it (`ray start --head`), or name another with "
            "--on ray:HOST:PORT or RAY_ADDRESS. Without either, Ray is started on this machine."
        )
    if _on_loopback(address):
        _stay_on_loopback(undo)
    try:
        # With an address that it has found itself Ray takes the token that belongs to it.
        ray.init(address="auto" if found else address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, OSError, ValueError) as error:
        raise SearchError(
            f"--on ray: the cluster at {address} cannot be joined: {error}. If it wants a token, set "
            "RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN unless the token is in ~/.ray/auth_token."
        ) from error
    return Connection(ray, address, False, contextlib.ExitStack())


def _start(ray: Any, folder: Path, cpus: float | None, undo: contextlib.ExitStack) -> Connection:
    _stay_on_loopback(undo)
    # Ray would write a token of its own into the user's home folder, and then ask for it, which stays in force.
    _set(undo, "RAY_AUTH_TOKEN", secrets.token_hex(32))
    # Ray reads the token once in a process, which may start one Ray after another.
    forget_token = ray._raylet.AuthenticationTokenLoader.instance().reset_cache
    forget_token()
    undo.callback(forget_token)
    if "RAY_AUTH_MODE" not in os.environ:
        undo.callback(os.environ.pop, "RAY_AUTH_MODE", None)
    if len(os.fsencode(folder)) > SOCKET_ROOM:
        folder = Path(tempfile.mkdtemp(prefix="tunekit-ray-"))
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {} if cpus is None else {"num_cpus": max(cpus, os.cpu_count() or 1)}
    try:
        context = ray.init(
            address="local",
            include_dashboard=False,
            object_store_memory=OBJECT_STORE,
            log_to_driver=False,
            logging_level="ERROR",
            _temp_dir=str(folder),
            _node_ip_address="127.0.0.1",
            **options,
        )
    except (ConnectionError, RuntimeError, OSError, ValueError) as error:
        raise ClusterError(
            f"--on ray: Ray could not be started on this machine: {error}. See the logs below {folder}."
        ) from error
    return Connection(ray, context.address_info["gcs_address"], True, contextlib.ExitStack())


def _address_of_ray_start() -> str | None:
    """Of the cluster that `ray start` has last made on this machine, if it is still there.

    Not `auto`, which takes any Ray process that it sees: that may be another search's, and end with it.
    """
    from ray._private.services import find_bootstrap_address

    found: str | None = find_bootstrap_address(None)
    return found if found and reachable(found, REACH) else None


def _on_loopback(address: str) -> bool:
    host = address.rpartition("://")[2].rpartition(":")[0]
    return host in ("127.0.0.1", "localhost", "[::1]")


def _stay_on_loopback(undo: contextlib.ExitStack) -> None:
    """Ray takes 127.0.0.1 for the machine's outer address unless it believes that it can have no second node.

    The variable is for the processes that Ray starts, the constant for this one, which has read the variable.
    """
    from ray._private import ray_constants

    _set(undo, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    undo.callback(setattr, ray_constants, "ENABLE_RAY_CLUSTER", ray_constants.ENABLE_RAY_CLUSTER)
    ray_constants.ENABLE_RAY_CLUSTER = False


def _set(undo: contextlib.ExitStack, name: str, value: str) -> None:
    """A variable of the environment, until it is undone."""
    before = os.environ.get(name)
    if before is None:
        undo.callback(os.environ.pop, name, None)
    else:
        undo.callback(os.environ.__setitem__, name, before)
    os.environ[name] = value


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray answers SIGTERM in a way of its own from when it is joined; here a search does."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)
