"""A Ray cluster of several nodes on this machine: on loopback, in a folder of its own, and gone at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

PATIENCE = 60.0
"""Seconds that Ray's processes have to end."""


@dataclass
class Nodes:
    """The cluster's nodes; the head trains nothing."""

    cluster: Any
    others: list[Any] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def add(self, cpus: int = 1, gpus: int = 0) -> None:
        """One node more; Ray believes that it has so many."""
        self.others.append(self.cluster.add_node(num_cpus=cpus, num_gpus=gpus, node_ip_address="127.0.0.1"))

    def processes(self, node_id: str = "") -> list[psutil.Process]:
        """The raylet of the node, or of the newest, and what runs below it."""
        node = self._node(node_id)
        (raylet,) = node.all_processes["raylet"]
        process = psutil.Process(raylet.process.pid)
        return [process, *process.children(recursive=True)]

    def remove(self, node_id: str = "") -> None:
        """Kill all processes of the node, or of the newest."""
        node = self._node(node_id)
        self.others.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)

    def _node(self, node_id: str) -> Any:
        return next(node for node in reversed(self.others) if node.node_id == node_id or not node_id)


@contextlib.contextmanager
def surroundings() -> Iterator[Path]:
    """A folder for Ray's files, short enough for its sockets; whatever was started with it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tk-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", str(folder))
        patch.setenv("TMPDIR", str(folder))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Without it Ray takes the loopback address for the machine's outer one.
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        patch.setattr("ray._private.ray_constants.ENABLE_RAY_CLUSTER", False)
        patch.delenv("RAY_ADDRESS", raising=False)
        try:
            yield folder
        finally:
            left = processes_of(folder)
            for process in psutil.wait_procs(left, PATIENCE)[1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def nodes(count: int) -> Iterator[Nodes]:
    """A head, and as many nodes of one CPU."""
    from ray.cluster_utils import Cluster

    with surroundings():
        head = {"num_cpus": 0, "node_ip_address": "127.0.0.1", "include_dashboard": False}
        made = Nodes(Cluster(initialize_head=True, head_node_args=head))
        try:
            for _ in range(count):
                made.add()
            yield made
        finally:
            made.cluster.shutdown()


def processes_of(folder: Path) -> list[psutil.Process]:
    """Those that Ray has started for this folder, on whatever way."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("RAY_TMPDIR") == str(folder) and process.pid != os.getpid():
                found.append(process)
    return found


def gone(folder: Path) -> bool:
    """Whether all of them end in time."""
    deadline = time.monotonic() + PATIENCE
    while any(process.status() != psutil.STATUS_ZOMBIE for process in _known(folder)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _known(folder: Path) -> list[psutil.Process]:
    return [process for process in processes_of(folder) if process.is_running()]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
