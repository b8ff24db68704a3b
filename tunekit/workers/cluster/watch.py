"""A look at the cluster now and then: which nodes live, how many workers they hold, and whether anybody answers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tunekit.errors import ClusterError, SearchError
from tunekit.workers.cluster.connection import Connection
from tunekit.workers.cluster.members import room_on
from tunekit.workers.cluster.request import OnRay

WATCH = 2.0
"""Seconds between two looks at the cluster's nodes."""
GONE = 15.0
"""Seconds without an answer from the cluster's head before it is taken for gone."""


class Watch:
    """What was seen last."""

    def __init__(self, connection: Connection, on: OnRay, threads: int) -> None:
        self.room = 0
        """How many workers the nodes can hold."""
        self.away = False
        """Whether the head did not answer: whatever Ray is asked then may take a minute, and be this process's end."""
        self._connection = connection
        self._on = on
        self._threads = threads
        self._nodes: set[str] = set()
        self._looked = 0.0
        self._heard = time.monotonic()

    def look(self, at_once: bool = False) -> bool:
        """Whether there was a new look, with an answer; ClusterError where nobody answers any more."""
        now = time.monotonic()
        if now < self._looked + WATCH and not at_once:
            return False
        self._looked = now
        self.away = not self._connection.answers()
        if self.away:
            if now > self._heard + GONE:
                raise self.gone()
            return False
        self._heard = now
        nodes = self._known()
        self._nodes = {node["NodeID"] for node in nodes if node["Alive"]}
        self.room = room_on(nodes, self._on, self._threads)
        return True

    def lives(self, node: str) -> bool:
        return node in self._nodes

    def check_room(self) -> None:
        """Refuse a cluster on which no trial could ever start."""
        if self.room:
            return
        needs = [f"{self._threads if self._on.cpus is None else self._on.cpus:g} CPUs"]
        needs += [f"{self._on.gpus:g} GPUs"] if self._on.gpus else []
        needs += [f"{self._on.memory} bytes of memory"] if self._on.memory else []
        raise SearchError(
            f"--on ray: no node of the cluster has what a trial needs: {', '.join(needs)}. "
            "Ask for less with --cpus-per-trial, --gpus-per-trial or --memory-per-trial, or add a node that has it."
        )

    def gone(self) -> ClusterError:
        return ClusterError(f"The Ray cluster at {self._connection.address} does not answer any more.")

    def _known(self) -> list[Mapping[str, Any]]:
        try:
            nodes: list[Mapping[str, Any]] = self._connection.ray.nodes()
        except Exception as error:  # of Ray's client, whose connection may end in many ways
            raise self.gone() from error
        return nodes
