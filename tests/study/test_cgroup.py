"""Limits of control groups, as both versions write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunekit.study.cgroup import memory, processors, whole


def tree(tmp_path: Path, own: str, files: dict[str, str]) -> tuple[Path, Path]:
    for name, text in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "own").write_text(own)
    return tmp_path / "cgroup", tmp_path / "own"


def test_version_2(tmp_path: Path) -> None:
    root, own = tree(
        tmp_path,
        "0::/job/step\n",
        {"job/cpu.max": "250000 100000\n", "job/memory.max": "4096\n", "job/step/cpu.max": "max 100000\n"},
    )
    assert processors(root, own) == 2.5
    assert memory(root, own) == 4096


def test_the_least_of_all_groups_above_holds(tmp_path: Path) -> None:
    root, own = tree(
        tmp_path,
        "0::/a/b\n",
        {"cpu.max": "800000 100000", "a/cpu.max": "150000 100000", "a/b/cpu.max": "3 1"},
    )
    assert processors(root, own) == 1.5


def test_version_1(tmp_path: Path) -> None:
    root, own = tree(
        tmp_path,
        "5:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n",
        {
            "cpu,cpuacct/docker/x/cpu.cfs_quota_us": "50000\n",
            "cpu,cpuacct/docker/x/cpu.cfs_period_us": "100000\n",
            "memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
    )
    assert processors(root, own) == 0.5
    assert memory(root, own) is None


def test_without_a_limit_or_a_group(tmp_path: Path) -> None:
    root, own = tree(tmp_path, "5:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"})
    assert processors(root, own) is None
    assert processors(tmp_path / "nowhere", tmp_path / "nothing") is None


@pytest.mark.parametrize(("limit", "cores"), [(None, 8), (0.5, 1), (2.5, 3), (64.0, 8)])
def test_whole_processors(limit: float | None, cores: int) -> None:
    assert whole(limit, 8) == cores
