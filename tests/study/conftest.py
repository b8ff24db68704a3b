"""One uninterrupted search that several tests compare with."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import TINY, run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Path, dict[str, Any]]:
    """The working folder and the report of a whole search of tiny.yaml with two workers.

    Where tests run in several processes, the first that needs it makes it for all.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    folder.mkdir(exist_ok=True)
    printed = folder.with_suffix(".json")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            printed.write_text(run("search", TINY, "--workers", 2, "--json", cwd=folder).stdout)
    report: dict[str, Any] = json.loads(printed.read_text())
    return folder, report
