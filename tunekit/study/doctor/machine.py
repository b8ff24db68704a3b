"""Processors, memory, disk and clock."""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tunekit.report.wording import duration
from tunekit.study import cgroup
from tunekit.study.doctor.finding import Finding, attention, ok, wrong

LITTLE_DISK = 2 * 10**9
TOO_LITTLE_DISK = 2 * 10**8
"""Bytes: the checkpoints of a small search, and what MLflow's database needs to begin."""
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "lustre", "ceph")
"""File systems on which SQLite's locks cannot be trusted."""
FULL = "the disk is full"
TOLERATED = 3600.0
"""Seconds by which clocks of two machines that share a disk may differ."""


def processors() -> Finding:
    from tunekit.study.resources import affinity

    usable, limit = affinity(), cgroup.processors()
    cores = "1 core" if usable == 1 else f"{usable} cores"
    if limit is not None and limit < usable:
        return ok("processors", f"{cores}, of which this container may use {limit:g} at a time")
    return ok("processors", f"{cores} for this process")


def memory() -> Finding:
    import psutil

    from tunekit.study.resources import MEMORY_PER_WORKER

    seen = psutil.virtual_memory()
    limit = cgroup.memory()
    free = seen.available if limit is None else min(seen.available, limit)
    found = f"{_gigabytes(free)} of {_gigabytes(seen.total)} to be had"
    if limit is not None and limit < seen.total:
        found += f"; this container may use {_gigabytes(limit)}"
    need = _gigabytes(MEMORY_PER_WORKER)
    if free < MEMORY_PER_WORKER:
        remedy = f"A worker needs about {need}: end other programs, or search with --workers 1."
        return attention("memory", found, remedy)
    return ok("memory", f"{found}; a worker needs about {need}")


def home(path: Path) -> Finding:
    """Whether the home can be written, or made, and how much fits."""
    name = "home"
    folder = next((above for above in (path, *path.absolute().parents) if above.exists()), path)
    where = str(path.absolute()) if folder == path else f"{path.absolute()} (made when it is needed)"
    problem = _unwritable(folder)
    if problem:
        first = "Free space there" if problem == FULL else f"Make {folder} writable"
        remedy = f"{first}, or choose another place with --home."
        return wrong(name, f"{where}: cannot be written: {problem}", remedy)
    free = shutil.disk_usage(folder).free
    found = f"{where}: writable, {_gigabytes(free)} free"
    if free < TOO_LITTLE_DISK:
        return wrong(name, found, f"Free space there: a search needs {_gigabytes(LITTLE_DISK)} to be safe.")
    if free < LITTLE_DISK:
        return attention(name, found, "Free space there, or keep checkpoints small with --disk-max 500MB.")
    kind = _file_system(folder)
    if kind in NETWORK:
        remedy = "SQLite's locks are not safe there when two machines write: prefer a local disk for --home."
        return attention(name, f"{found}, on a network file system ({kind})", remedy)
    return ok(name, found)


def temporary() -> Finding:
    """MLflow and tunekit copy models through it."""
    name = "temporary"
    try:
        folder = Path(tempfile.gettempdir())
    except OSError as error:
        return wrong(name, f"no folder for temporary files: {error.strerror}", "Set TMPDIR to one.")
    problem = _unwritable(folder)
    if problem:
        return wrong(name, f"{folder}: {problem}", "Free it, or set TMPDIR to another folder.")
    free = shutil.disk_usage(folder).free
    if free < TOO_LITTLE_DISK:
        return attention(name, f"{folder}: {_gigabytes(free)} free", "Free it, or set TMPDIR to another.")
    return ok(name, f"{folder}: {_gigabytes(free)} free")


def clock(written: Iterable[Path], now: float) -> Finding:
    """A clock behind the files written under it makes the newest search look old, and time budgets go wrong."""
    newest = max((path.stat().st_mtime for path in written if path.exists()), default=0.0)
    shown = time.strftime("%Y-%m-%d %H:%M", time.localtime(now))
    if newest > now + TOLERATED:
        behind = duration(newest - now)
        return attention("clock", f"{shown}, {behind} before files that exist already", "Set the clock.")
    return ok("clock", shown)


def _unwritable(folder: Path) -> str:
    """Why nothing can be written there; empty where it can. Leaves nothing behind."""
    if not folder.is_dir():
        return "it is no folder"
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0" * 4096)
            file.flush()
    except OSError as error:
        return FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror)
    return ""


def _file_system(folder: Path) -> str:
    """The kind of the file system that holds the folder."""
    import psutil

    folder = folder.resolve()
    mounts = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return str(max(mounts, key=lambda part: len(part.mountpoint)).fstype) if mounts else ""


def _gigabytes(count: float) -> str:
    return f"{count / 10**9:.3g} GB" if count < 10**11 else f"{count / 10**9:,.0f} GB"
