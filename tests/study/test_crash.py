"""Real searches killed with real signals at random instants end as the uninterrupted one did."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Tell
from tests.study.commands import (
    TINY,
    assert_recorded,
    children,
    kill_group,
    loaded,
    outcome,
    run,
    start,
    wait_for_trials,
)
from tunekit.search.lock import PATIENCE

Finished = tuple[Path, dict[str, Any]]
COMMAND = ("search", TINY, "--workers", 2, "--resume", "--json")
LONGEST = 20.0
"""Seconds after which a kill comes too late to hit anything."""


def crash_until_done(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill the search so many times, each time at a random instant, and let it end the last time."""
    instants = random.Random(seed)
    for _ in range(kills):
        process = start(*COMMAND, cwd=folder)
        if instants.random() < 0.7:
            time.sleep(instants.uniform(0.5, LONGEST))
            kill_group(process)
        else:
            _kill_workers(process, instants)
    return loaded(run(*COMMAND, cwd=folder))


def _kill_workers(process: Any, instants: random.Random) -> None:
    """Kill single workers under the search's hands, then the search."""
    for _ in range(2):
        time.sleep(instants.uniform(3, LONGEST / 3))
        for pid in children(process)[:1]:
            # It may have ended by itself since.
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    kill_group(process)


def test_a_killed_search_ends_as_if_nothing_had_happened(finished: Finished, tmp_path: Path) -> None:
    report = crash_until_done(tmp_path, kills=3, seed=38)  # twice all of it, once a worker first
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_ten_kills_each(finished: Finished, tmp_path: Path, seed: int, tell: Tell) -> None:
    report = crash_until_done(tmp_path, kills=10, seed=100 + seed)
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)
    tell("10 kills; the search ended as the uninterrupted one")


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_signal_ends_it_cleanly_and_a_time_budget_with_a_tested_winner_and_it_goes_on(
    finished: Finished, tmp_path: Path, number: signal.Signals
) -> None:
    process = start("search", TINY, "--workers", 2, cwd=tmp_path)
    wait_for_trials(tmp_path / "mlruns", "tiny", 1)
    assert_ends_cleanly(process, number, tmp_path)

    began = time.monotonic()
    # Less than the rest takes on a quick machine with nothing else to do; the limit is for a slow one.
    stopped = loaded(run("resume", "--workers", 1, "--time-budget", "9s", "--json", cwd=tmp_path))
    assert time.monotonic() - began < 36
    assert stopped["status"] == "STOPPED"
    assert stopped["test"] is not None

    resumed = loaded(run("resume", "--workers", 1, "--json", cwd=tmp_path))
    assert outcome(resumed) == outcome(finished[1])
    assert_recorded(resumed)


def assert_ends_cleanly(process: subprocess.Popen[str], number: signal.Signals, folder: Path) -> None:
    import mlflow

    workers = children(process)
    began = time.monotonic()
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < 20
    assert process.returncode == 130
    assert f"Stopped by {number.name}" in errors
    assert "tunekit resume tiny" in errors
    assert "Traceback" not in errors
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    client = mlflow.MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
    runs = client.search_runs(["1"])
    assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}


@pytest.fixture
def under_way(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A search of which one trial has ended."""
    process = start("search", TINY, "--workers", 1, cwd=tmp_path)
    wait_for_trials(tmp_path / "mlruns", "tiny", 1)
    yield process
    if process.poll() is None:
        kill_group(process)


def test_a_second_process_is_refused_at_once_and_a_second_ctrl_c_leaves_at_once(
    under_way: subprocess.Popen[str], tmp_path: Path, tell: Tell
) -> None:
    seconds, working = [], []
    for _ in range(5):
        began, worked = time.monotonic(), processor_seconds()
        refusal = run("resume", "tiny", cwd=tmp_path, code=2)
        seconds.append(time.monotonic() - began)
        working.append(processor_seconds() - worked)
        assert re.search(rf"running already, in process {under_way.pid}\b", refusal.stderr)
    # What it computes and what it waits, in the best of several tries: on a busy machine the clock says something else.
    assert min(working) + PATIENCE < 1
    tell(f"{min(seconds):.2f} s, of which {min(working):.2f} s computing and {PATIENCE} s waiting")

    under_way.send_signal(signal.SIGINT)
    # Two at the same moment would be one to the operating system.
    time.sleep(0.1)
    under_way.send_signal(signal.SIGINT)
    began = time.monotonic()
    under_way.communicate(timeout=20)
    assert time.monotonic() - began < 2
    assert under_way.returncode == 130


def processor_seconds() -> float:
    """Of all commands that have been run and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
