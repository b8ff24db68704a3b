"""The real command killed at its failpoints, in its own process and in its workers, and resumed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Tell
from tests.study.commands import SHORT, TINY, TUNEKIT, assert_recorded, environment, loaded, outcome, run
from tunekit.failpoints import VARIABLE

Finished = tuple[Path, dict[str, Any]]
COMMAND = (*SHORT, "--resume", "--json")
IN_WORKERS = (
    "checkpoint.save.before",
    "checkpoint.save.written",
    "checkpoint.save.after",
    "history.write.before",
    "history.write.after",
)
AT_THE_END = ("champion.before", "champion.after")
"""In a worker as well, but no trial: its death ends the search, and a resume goes on."""
COUNTED = """
import atexit, json, sys
from tunekit import failpoints
reached = []
failpoints._armed = reached.append
sys.argv = ["tunekit", *sys.argv[2:]]
path = sys.orig_argv[sys.orig_argv.index("-c") + 2]
atexit.register(lambda: open(path, "w").write(json.dumps(reached)))
from tunekit.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often the coordinator of an uninterrupted search reaches each failpoint."""
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run(
        [sys.executable, "-c", COUNTED, str(folder / "reached.json"), *map(str, COMMAND)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=True,
    )
    return Counter(json.loads((folder / "reached.json").read_text()))


def killed_at(name: str, hit: int, folder: Path) -> int:
    """The exit code of a search in which the first process that gets there so often is killed."""
    once = folder / "once"
    done = subprocess.run(
        [*TUNEKIT, *map(str, COMMAND)],
        cwd=folder,
        env=environment() | {VARIABLE: f"{name}@{hit}@{once}"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert once.exists(), f"{name} was not reached {hit} times\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.returncode


def assert_resumed(whole: dict[str, Any], folder: Path) -> None:
    report = loaded(run(*COMMAND, cwd=folder))
    assert outcome(report) == outcome(whole)
    assert_recorded(report)


def test_a_search_killed_at_a_write_and_again_as_it_goes_on_is_resumed(
    short: Finished, tmp_path: Path
) -> None:
    for name, hit in (("state.end.after", 2), ("registry.register.after", 1)):
        assert killed_at(name, hit, tmp_path) == -9, name
        (tmp_path / "once").unlink()
    assert_resumed(short[1], tmp_path)


@pytest.mark.long
def test_killed_at_every_failpoint(
    short: Finished, counts: Counter[str], tmp_path_factory: pytest.TempPathFactory, tell: Tell
) -> None:
    """The first time it is reached and the last."""
    kills = 0
    for name, count in sorted(counts.items()):
        for hit in sorted({1, max(1, count)}):
            folder = tmp_path_factory.mktemp("killed")
            assert killed_at(name, hit, folder) == -9, (name, hit)
            assert_resumed(short[1], folder)
            kills += 1
    tell(f"{kills} processes killed at {len(counts)} failpoints, each resumed to the same outcome")


@pytest.mark.long
@pytest.mark.parametrize("name", IN_WORKERS)
@pytest.mark.parametrize("hit", [1, 2, 3, 4])  # the history before and after each of the three epochs
def test_a_worker_killed_while_it_writes_a_checkpoint_costs_nothing(
    short: Finished, name: str, hit: int, tmp_path: Path
) -> None:
    assert killed_at(name, hit, tmp_path) == 0
    assert_resumed(short[1], tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", AT_THE_END)
def test_a_worker_killed_while_it_evaluates_ends_the_search_clearly(
    short: Finished, name: str, tmp_path: Path
) -> None:
    assert killed_at(name, 1, tmp_path) == 2
    assert_resumed(short[1], tmp_path)


@pytest.mark.long
def test_a_trial_that_is_promoted_survives_a_kill_of_its_worker(tmp_path: Path) -> None:
    """With a rung more than the others: the child takes its parent's best epoch over."""
    command = ("search", TINY, "--max-trials", 9, "--workers", 1, "--resume", "--json")
    (tmp_path / "whole").mkdir()
    report = loaded(run(*command, cwd=tmp_path / "whole"))
    for name in ("checkpoint.adopt.before", "checkpoint.adopt.written", "checkpoint.adopt.after"):
        folder = tmp_path / name
        folder.mkdir()
        once = str(folder / "once")
        assert os.sep in once
        killed = loaded(run(*command, cwd=folder, TUNEKIT_FAILPOINT=f"{name}@1@{once}"))
        assert Path(once).exists()
        assert outcome(killed) == outcome(report)
        assert_recorded(killed)
