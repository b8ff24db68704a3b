"""One uninterrupted search that several tests compare with."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import TINY, before_others, run

TELLTALE = (
    "import pathlib; pathlib.Path(__file__).with_suffix('.imported').touch(); raise ImportError(__file__)"
)
"""A module that leaves a trace when anybody imports it."""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Path, dict[str, Any]]:
    """The working folder and the report of a whole search of tiny.yaml with two workers.

    In the place of Ray stands a module that leaves a trace, in a folder beside the working folder.
    Where tests run in several processes, the first that needs it makes it for all.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    folder.mkdir(exist_ok=True)
    printed = folder.with_suffix(".json")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            instead = folder.with_suffix(".instead")
            instead.mkdir(exist_ok=True)
            (instead / "ray.py").write_text(TELLTALE)
            path = before_others(instead)
            done = run("search", TINY, "--workers", 2, "--json", cwd=folder, PYTHONPATH=path)
            printed.write_text(done.stdout)
    report: dict[str, Any] = json.loads(printed.read_text())
    return folder, report
