"""Uninterrupted searches that several tests compare with and read."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import SHORT, TINY, before_others, run

Finished = tuple[Path, dict[str, Any]]

TELLTALE = (
    "import pathlib; pathlib.Path(__file__).with_suffix('.imported').touch(); raise ImportError(__file__)"
)
"""A module that leaves a trace when anybody imports it."""


@pytest.fixture(scope="session")
def searched_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Finished]:
    """The working folder and the report of a whole search.

    In the place of Ray stands a module that leaves a trace, in a folder beside the working folder.
    Where tests run in several processes, the first that needs it makes it for all.
    """
    base = tmp_path_factory.getbasetemp()

    def search(name: str, *arguments: object) -> Finished:
        folder = (base if worker_id == "master" else base.parent) / name
        folder.mkdir(exist_ok=True)
        printed = folder.with_suffix(".json")
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not printed.exists():
                user = folder.with_suffix(".user")
                user.mkdir()
                instead = folder.with_suffix(".instead")
                instead.mkdir()
                (instead / "ray.py").write_text(TELLTALE)
                path = before_others(instead)
                done = run(*arguments, "--json", cwd=folder, HOME=str(user), PYTHONPATH=path)
                printed.write_text(done.stdout)
        return folder, json.loads(printed.read_text())

    return search


@pytest.fixture(scope="session")
def finished(searched_once: Callable[..., Finished]) -> Finished:
    """Of tiny.yaml with two workers; its user's own folder is beside the working folder, and ends with `.user`."""
    return searched_once("finished", "search", TINY, "--workers", 2)


@pytest.fixture(scope="session")
def short(searched_once: Callable[..., Finished]) -> Finished:
    """Of the first three trials of tiny.yaml with one worker."""
    return searched_once("short", *SHORT)
