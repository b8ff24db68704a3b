"""A search on a Ray cluster comes to the outcome that it has on one machine, whatever happens to the cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import (
    TINY,
    assert_recorded,
    before_others,
    environment,
    loaded,
    outcome,
    run,
    start,
    wait_for_trials,
)

pytest.importorskip("ray", reason="Ray is not installed: pip install 'tunekit[ray]'")

from tests.ray_cluster import Nodes, free_port, gone, nodes, processes_of, surroundings
from tunekit.errors import StoreError
from tunekit.search.state import State
from tunekit.workers.cluster.connection import reachable


def wait_for(command: subprocess.Popen[str], home: Path, count: int) -> None:
    """Until so many trials have ended, unless the command has before."""
    deadline = time.monotonic() + SLOW
    while command.poll() is None and time.monotonic() < deadline:
        with suppress(AssertionError):
            return wait_for_trials(home, "tiny", count, 1)
    raise AssertionError(f"{count} trials did not end: {command.communicate()[1]}")


Finished = tuple[Path, dict[str, Any]]
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "c0ffee" * 8}
"""A cluster that asks for one, as those that Ray starts do."""
SLOW = 300
"""Seconds for some trials on a machine that does other things as well."""


@pytest.fixture
def cluster() -> Iterator[Nodes]:
    with nodes(2) as made:
        yield made


@pytest.mark.long
def test_three_nodes_come_to_the_outcome_of_one_machine(
    finished: Finished, cluster: Nodes, tmp_path: Path
) -> None:
    report = loaded(run("search", TINY, "--on", "ray", "--json", cwd=tmp_path, RAY_ADDRESS=cluster.address))
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)


@pytest.mark.long
def test_a_lost_node_and_a_killed_coordinator_change_nothing(
    finished: Finished, cluster: Nodes, tmp_path: Path
) -> None:
    place = ("--on", f"ray:{cluster.address}")
    command = start("search", TINY, *place, cwd=tmp_path)
    wait_for(command, tmp_path / "mlruns", 3)
    cluster.remove()
    wait_for(command, tmp_path / "mlruns", 6)
    command.kill()
    command.communicate()
    cluster.add()
    report = loaded(run("resume", "tiny", *place, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)


def rungs(home: Path) -> set[tuple[int, int]]:
    """Bracket and round of the trials that have begun."""
    path = home / "searches" / "tiny" / "state.db"
    if not path.exists():
        return set()
    with suppress(StoreError):  # it is being made
        return {(each.trial.bracket, each.trial.round) for each in State.open(path, write=False).records()}
    return set()


@pytest.mark.long
def test_a_node_that_is_lost_in_each_rung_changes_nothing(
    finished: Finished, cluster: Nodes, tmp_path: Path
) -> None:
    home = tmp_path / "mlruns"
    command = start("search", TINY, "--on", f"ray:{cluster.address}", "--json", cwd=tmp_path)
    struck: set[tuple[int, int]] = set()
    while command.poll() is None:
        if rungs(home) - struck:
            struck = rungs(home)
            cluster.remove()
            cluster.add()
        time.sleep(0.1)
    printed, errors = command.communicate()
    assert command.returncode == 0, errors
    report = loaded(subprocess.CompletedProcess([], 0, printed, errors))
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)
    assert struck == rungs(home)
    assert len(struck) > 3


@pytest.mark.long
def test_ray_of_our_own_listens_on_loopback_and_ends_with_a_killed_search(tmp_path: Path) -> None:
    with surroundings() as folder:
        home = folder / "home"
        place = ("--on", "ray", "--home", home)
        command = start("search", TINY, *place, "--workers", 2, cwd=tmp_path, HOME=str(tmp_path))
        wait_for(command, home, 1)
        open_wide = {
            line
            for process in processes_of(folder)
            for connection in process.net_connections("tcp")
            if connection.status == "LISTEN"
            and (line := f"{connection.laddr.ip} of {process.name()}").split()[0]
            not in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
        }
        assert open_wide == set()
        assert list((home / "ray").glob("session_*"))
        command.kill()
        errors = command.communicate()[1]
        assert gone(folder)
        assert "Ray" not in errors
        assert "ray" not in errors
        assert not (tmp_path / ".ray").exists(), "Ray has written into the user's home folder"


@pytest.mark.long
def test_ray_that_is_gone_ends_the_search_with_an_error_and_it_can_go_on(
    finished: Finished, tmp_path: Path
) -> None:
    with surroundings() as folder:
        port = free_port()
        head = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=2",
             "--node-ip-address=127.0.0.1", f"--port={port}", "--include-dashboard=false"],
            env=environment(**TOKEN), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + SLOW
            while not reachable(f"127.0.0.1:{port}", 1) and time.monotonic() < deadline:
                time.sleep(0.2)
            place = ("--on", f"ray:127.0.0.1:{port}")
            home = tmp_path / "elsewhere"
            command = start("search", TINY, *place, "--home", home, cwd=tmp_path, **TOKEN)
            wait_for(command, home, 3)
            for process in processes_of(folder):
                if process.name() in ("gcs_server", "raylet"):
                    process.kill()
            errors = command.communicate(timeout=SLOW)[1]
            assert (command.returncode, "Traceback" in errors) == (1, False), errors
            assert "does not answer any more" in errors
            assert f"`tunekit resume tiny --home {home} --on {place[1]}`" in errors
        finally:
            os.killpg(head.pid, signal.SIGKILL)
            head.wait()
    report = loaded(run("resume", "tiny", "--home", home, "--workers", 2, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])


@pytest.mark.long
def test_keras_on_jax_comes_to_the_same_outcome_on_nodes(cluster: Nodes, tmp_path: Path) -> None:
    pytest.importorskip("jax", reason="JAX is not installed: pip install 'tunekit[jax]'")
    reports = []
    for place in (("--workers", 2), ("--on", f"ray:{cluster.address}")):
        home = ("--home", tmp_path / f"{len(reports)}")
        options = ("--max-trials", 4, "--json", *home, *place)
        reports.append(loaded(run("search", TINY, *options, cwd=tmp_path, KERAS_BACKEND="jax")))
        state = State.open(Path(reports[-1]["home"]) / "searches/tiny/state.db", write=False)
        assert state.fact("backend") == "jax"
        state.close()
    here, there = (outcome(report) for report in reports)
    assert (there.trials, there.best, there.test) == (here.trials, here.best, here.test)


def test_a_search_on_one_machine_imports_no_ray(finished: Finished, tmp_path: Path) -> None:
    """In no process: the module that stood in Ray's place would have left a trace, as it does where Ray is wanted."""
    instead = finished[0].with_suffix(".instead")
    assert [path.name for path in instead.iterdir()] == ["ray.py"]
    shutil.copy(instead / "ray.py", tmp_path)
    done = run("search", TINY, "--on", "ray", cwd=tmp_path, code=1, PYTHONPATH=before_others(tmp_path))
    assert "ImportError" in done.stderr
    assert (tmp_path / "ray.imported").exists()
