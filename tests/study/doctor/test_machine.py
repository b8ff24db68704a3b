from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tunekit.study.doctor import machine


def test_a_home_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    found = machine.home(tmp_path / "one" / "two")
    assert found.status == "ok"
    assert "(made when it is needed)" in found.found
    assert list(tmp_path.iterdir()) == []


def test_a_home_is_tried_and_left_empty(tmp_path: Path) -> None:
    assert machine.home(tmp_path).status == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_home_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = machine.home(tmp_path / "file" / "home")
    assert found.status == "wrong"
    assert "it is no folder" in found.found


@pytest.mark.parametrize(
    ("options", "message", "remedy"),
    [("ro", "Read-only file system", "writable"), ("size=4k,nr_inodes=1", "full", "Free space there")],
)
def test_a_home_that_cannot_be_written(tmp_path: Path, options: str, message: str, remedy: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system, which root has")
    try:
        found = machine.home(tmp_path)
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=False)
    assert found.status == "wrong"
    assert message in found.found
    assert remedy in found.remedy
    assert "--home" in found.remedy


def test_little_space_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(machine, "LITTLE_DISK", free * 2)
    assert machine.home(tmp_path).status == "attention"
    monkeypatch.setattr(machine, "TOO_LITTLE_DISK", free * 2)
    assert machine.home(tmp_path).status == "wrong"


def test_a_clock_behind_the_files(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    state.write_text("")
    now = time.time()
    assert machine.clock([state, tmp_path / "gone"], now).status == "ok"
    found = machine.clock([state], now - 2 * 24 * 3600)
    assert found.status == "attention"
    assert "48 h 0 min before files" in found.found


def test_what_this_machine_has() -> None:
    assert "for this process" in machine.processors().found or "container" in machine.processors().found
    assert "a worker needs about 1.61 GB" in machine.memory().found or machine.memory().status == "attention"
