"""How many workers and threads this machine carries."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from tunekit.study import cgroup

MEMORY_PER_WORKER = int(1.5 * 2**30)
"""Bytes that a worker with TensorFlow and a small model needs, with room to grow."""


@dataclass(frozen=True)
class Resources:
    """What a search runs on."""

    workers: int
    threads: int
    devices: tuple[str, ...] = ()
    """GPUs, shared out among the workers."""


def cores() -> int:
    """Cores that this process may keep busy: a container may allow fewer than it shows."""
    return cgroup.whole(cgroup.processors(), affinity())


def affinity() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> tuple[str, ...]:
    """NVIDIA devices that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return tuple(device for device in visible.split(",") if device.strip() not in ("", "-1"))
    return tuple(sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")))


def choose(workers: int | None, threads: int | None) -> Resources:
    """The numbers asked for, or what fits: one worker a GPU, else one a core.

    One thread a trial unless asked for more: small models gain more from another trial beside them than from a
    second thread, and the number of threads must not follow from the number of workers.
    """
    devices = gpus()
    threads = threads or 1
    if workers is None:
        fitting = max(1, psutil.virtual_memory().available // MEMORY_PER_WORKER)
        workers = len(devices) if devices else int(min(max(1, cores() // threads), fitting))
    return Resources(workers, threads, devices)
