"""What the control group of this process, such as a container's, allows it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
UNLIMITED = 2**60
"""Bytes; version 1 writes the largest page-aligned number where there is no limit."""


def processors(root: Path = ROOT, own: Path = OWN) -> float | None:
    """Processors' worth of time; None without a limit."""
    limits = []
    for group in _groups(root, own):
        quota, _, period = _text(group / "cpu.max").partition(" ")
        if not quota:
            quota, period = _text(group / "cpu.cfs_quota_us"), _text(group / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit() and int(period):
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def memory(root: Path = ROOT, own: Path = OWN) -> int | None:
    """Bytes; None without a limit."""
    limits = []
    for group in _groups(root, own):
        text = _text(group / "memory.max") or _text(group / "memory.limit_in_bytes")
        if text.isdigit() and int(text) < UNLIMITED:
            limits.append(int(text))
    return min(limits, default=None)


def whole(limit: float | None, otherwise: int) -> int:
    """A limit as a number of processors, never above what there is."""
    return otherwise if limit is None else max(1, min(otherwise, math.ceil(limit)))


def _groups(root: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's groups and of all above them, whose limits hold as well."""
    for line in _text(own).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        # Version 2 has one tree, version 1 one a controller.
        tops = [root / name for name in (controllers, *controllers.split(","))] if controllers else [root]
        for top in tops:
            folder = top / path.lstrip("/")
            yield from (folder, *(above for above in folder.parents if above.is_relative_to(top)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
