"""Real searches on disks that are full, read-only, or kept small on purpose."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import (
    SHORT,
    TINY,
    assert_recorded,
    kill_group,
    loaded,
    outcome,
    run,
    run_with_files_up_to,
    start,
    wait_for_trials,
)

Finished = tuple[Path, dict[str, Any]]


def test_a_limit_on_checkpoints_ends_the_search_clearly_and_a_resume_goes_on(
    short: Finished, tmp_path: Path
) -> None:
    refused = run(*SHORT, "--disk-max", "1KB", cwd=tmp_path, code=1)
    assert "searches/tiny/checkpoints: --disk-max 1KB is reached: trial 01 needs about" in refused.stderr
    assert "Resume with --disk-max" in refused.stderr
    assert "Traceback" not in refused.stderr
    report = loaded(run("resume", "--workers", 1, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(short[1])
    assert_recorded(report)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system of its own with the options given; where that is not allowed the test is skipped."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("needs the right to mount a file system, which root has")
        return folder

    yield mount
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)


def assert_clear(errors: str, *said: str) -> None:
    last = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert len(last) == 1, errors
    for text in said:
        assert text in last[0], errors
    assert "Traceback" not in errors


def fill(folder: Path) -> Path:
    """Another program's file, which takes all that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def test_a_disk_that_fills_up_ends_the_search_clearly_and_a_resume_goes_on(
    finished: Finished, mounted: Callable[[str], Path], tmp_path: Path
) -> None:
    disk = mounted("size=200m")
    home = disk / "home"
    process = start("search", TINY, "--workers", 2, "--home", home, cwd=tmp_path)
    wait_for_trials(home, "tiny", 3)
    ballast = fill(disk)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert_clear(errors, str(home), "Free")
    still = run("resume", "--workers", 1, "--home", home, cwd=tmp_path, code=1)
    assert_clear(still.stderr, str(home), "Free")
    ballast.unlink()
    report = loaded(run("resume", "--home", home, "--workers", 1, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)


@pytest.mark.long
def test_a_disk_that_is_full_from_the_beginning_is_named(
    mounted: Callable[[str], Path], tmp_path: Path
) -> None:
    disk = mounted("size=2m")
    fill(disk)
    failed = run("search", TINY, "--home", disk / "home", cwd=tmp_path, code=1)
    assert_clear(failed.stderr, str(disk), "Free")


@pytest.mark.long
@pytest.mark.parametrize("size", ["64k", "256k", "1m", "1700k"])
def test_a_disk_that_is_too_small_is_named(mounted: Callable[[str], Path], tmp_path: Path, size: str) -> None:
    """It is full at another step each time: the data, the state, MLflow's store, the first checkpoints."""
    disk = mounted(f"size={size}")
    failed = run("search", TINY, "--home", disk / "home", "--max-trials", 3, cwd=tmp_path, code=1)
    assert_clear(failed.stderr, str(disk), "Free")


@pytest.mark.long
def test_a_search_on_a_disk_that_has_become_read_only_goes_on_once_it_is_writable(
    finished: Finished, mounted: Callable[[str], Path], tmp_path: Path
) -> None:
    disk = mounted("size=200m")
    process = start("search", TINY, "--workers", 2, "--home", disk / "home", cwd=tmp_path)
    wait_for_trials(disk / "home", "tiny", 3)
    kill_group(process)
    wait_for_the_end_of_workers(disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for command in (("resume",), ("search", TINY, "--name", "other")):
        refused = run(*command, "--home", disk / "home", cwd=tmp_path, code=1)
        assert_clear(refused.stderr, str(disk), "writable")
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    report = loaded(run("resume", "--home", disk / "home", "--workers", 2, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)


def wait_for_the_end_of_workers(disk: Path) -> None:
    """They leave by themselves, and hold their logs open until then."""
    for _ in range(200):
        if subprocess.run(["fuser", "-m", str(disk)], capture_output=True).returncode:
            return
        time.sleep(0.05)


@pytest.mark.long
def test_files_that_may_not_grow_end_the_search_clearly_and_a_resume_goes_on(
    finished: Finished, tmp_path: Path
) -> None:
    process = run_with_files_up_to(300_000, "search", TINY, "--workers", 2, cwd=tmp_path)
    assert process.returncode == 1, process.stderr
    assert_clear(process.stderr, "mlruns")
    report = loaded(run("search", TINY, "--resume", "--workers", 2, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)


@pytest.mark.long
def test_while_another_program_locks_mlflows_store_the_search_goes_on(
    finished: Finished, tmp_path: Path
) -> None:
    process = start("search", TINY, "--workers", 2, "--json", cwd=tmp_path)
    wait_for_trials(tmp_path / "mlruns", "tiny", 2)
    other = sqlite3.connect(tmp_path / "mlruns/mlflow.db", isolation_level=None, timeout=60)
    other.execute("BEGIN EXCLUSIVE")
    wait_for_trials(tmp_path / "mlruns", "tiny", 9, 180)
    other.execute("ROLLBACK")
    other.close()
    printed, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    assert "The search goes on and records later." in told
    report = json.loads(printed)
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)
