"""A search has the outcome of one machine where nodes do not share its folder, and where one goes on too late."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.study.commands import TINY, assert_recorded, environment, loaded, outcome, run, start
from tests.study.test_ray import SLOW, wait_for

pytest.importorskip("ray", reason="Ray is not installed: pip install 'tunekit[ray]'")

from tests.ray_cluster import Nodes, free_port, nodes
from tunekit.workers.cluster.connection import reachable

Finished = tuple[Path, dict[str, Any]]


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + SLOW
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def assert_whole(report: dict[str, Any], home: Path) -> None:
    """Recorded, and explained and evaluated from the home alone."""
    assert_recorded(report)
    place = ("--home", home, "--json")
    tested = loaded(run("evaluate", "tiny", *place, cwd=home))
    assert tested["test"]["accuracy"] == report["test"]["accuracy"]
    assert loaded(run("explain", "tiny", *place, cwd=home))["pictures"]
    assert list(home.rglob("*.npz"))
    assert not list((home / "searches" / "tiny").glob(".shared-*"))


@pytest.mark.long
def test_a_folder_of_fsspecs_and_a_search_that_goes_on_with_it(finished: Finished, tmp_path: Path) -> None:
    home, there = tmp_path / "mlruns", tmp_path / "there"
    with nodes(2) as cluster:
        place = ("--on", f"ray:{cluster.address}", "--storage", f"file://{there}")
        command = start("search", TINY, *place, cwd=tmp_path)
        wait_for(command, home, 4)
        command.kill()
        command.communicate()
        assert not list((home / "searches").rglob("last.npz"))
        refused = run("resume", "tiny", cwd=tmp_path, code=2)
        assert f"Go on with --on ray --storage file://{there}" in refused.stderr
        report = loaded(run("resume", "tiny", *place, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
    assert_whole(report, home)
    assert not list(there.rglob("*.npz")), "something is left that nobody needs"


@pytest.mark.long
def test_a_place_that_goes_away_for_a_while_costs_no_trial_anything(
    finished: Finished, tmp_path: Path
) -> None:
    there, away = tmp_path / "there", tmp_path / "away"
    with nodes(2) as cluster:
        place = ("--on", f"ray:{cluster.address}", "--storage", f"file://{there}")
        command = start("search", TINY, *place, "--json", cwd=tmp_path)
        wait_for(command, tmp_path / "mlruns", 3)
        there.rename(away)
        time.sleep(25)  # longer than it is tried again for
        away.rename(there)
        printed, errors = command.communicate(timeout=SLOW)
    assert command.returncode == 0, errors
    report = loaded(subprocess.CompletedProcess([], 0, printed, errors))
    assert outcome(report) == outcome(finished[1])


@contextmanager
def object_store() -> Iterator[tuple[str, dict[str, str]]]:
    """A server that speaks S3 over HTTP, with a bucket: its address, and variables for whoever uses it."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install s3fs")
    pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[s3]'")
    port = free_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "hidden1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    code = "import sys; from moto.server import main; main(sys.argv[1:])"
    server = subprocess.Popen(
        [sys.executable, "-P", "-c", code, "-H", "127.0.0.1", "-p", str(port)],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            until(lambda: reachable(f"127.0.0.1:{port}", 1))
            import s3fs

            s3fs.S3FileSystem(skip_instance_cache=True).mkdir("bucket")
            yield "s3://bucket/some/folder", variables
        finally:
            server.kill()
            server.wait()


@pytest.mark.long
def test_an_object_store_and_a_node_that_is_lost(finished: Finished, tmp_path: Path) -> None:
    with object_store() as (address, _), nodes(2) as cluster:
        place = ("--on", f"ray:{cluster.address}")
        missing = run("search", TINY, *place, "--storage", "s3://no-such-bucket/x", cwd=tmp_path, code=2)
        assert "--storage s3://no-such-bucket/x: nothing can be written there" in missing.stderr
        command = start("search", TINY, *place, "--json", cwd=tmp_path, TUNEKIT_STORAGE=address)
        wait_for(command, tmp_path / "mlruns", 4)
        cluster.remove()
        printed, errors = command.communicate(timeout=SLOW)
        assert command.returncode == 0, errors
        report = loaded(subprocess.CompletedProcess([], 0, printed, errors))
        import s3fs

        left = s3fs.S3FileSystem(skip_instance_cache=True).find("bucket")
    assert outcome(report) == outcome(finished[1])
    assert_whole(report, tmp_path / "mlruns")
    assert [path for path in left if path.endswith(".npz")] == []
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in written if b"hidden1" in path.read_bytes()] == []


DEAD = 1
"""A node, as Ray numbers it."""
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 0x40000
"""Of Linux."""


def hide(folder: Path) -> bool:
    """Whether this thread, and the processes that it starts, now see an empty folder in this one's place, for good."""
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNS):
        return False
    assert libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
    assert libc.mount(b"none", bytes(folder), b"tmpfs", 0, None) == 0
    return True


@pytest.mark.long
def test_nodes_that_do_not_see_the_folder_send_their_checkpoints_through_ray(
    finished: Finished, tmp_path: Path
) -> None:
    with nodes(0) as cluster, ThreadPoolExecutor(1) as apart:
        if not apart.submit(hide, tmp_path).result():
            pytest.skip("this process may not have mounts of its own")
        cluster.cluster._shutdown_at_exit = False  # a handler of a signal is the main thread's to set
        apart.submit(cluster.add).result()
        apart.submit(cluster.add).result()
        report = loaded(run("search", TINY, "--on", f"ray:{cluster.address}", "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
    assert_whole(report, tmp_path / "mlruns")
    assert not list((tmp_path / "mlruns" / "searches" / "tiny" / "logs").glob("ray-*"))


def trains(process: psutil.Process) -> bool:
    """Whether it was forked from a template, which has the same command line."""
    parent = process.parent()
    return parent is not None and all(
        "tunekit.workers.template" in " ".join(each.cmdline()) for each in (process, parent)
    )


def declared_dead(cluster: Nodes) -> bool:
    from ray._raylet import GcsClient

    known = GcsClient(address=cluster.address).get_all_node_info().values()
    return cluster.others[-1].node_id in {node.node_id.hex() for node in known if node.state == DEAD}


@pytest.mark.long
def test_a_node_that_was_frozen_and_goes_on_late_changes_nothing(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"period_ms": 500, "timeout_ms": 500, "failure_threshold": 4}.items():
        monkeypatch.setenv(f"RAY_health_check_{name}", str(value))
    with nodes(2) as cluster:
        home = tmp_path / "mlruns"
        command = start("search", TINY, "--on", f"ray:{cluster.address}", "--json", cwd=tmp_path)
        wait_for(command, home, 2)
        frozen = cluster.processes()
        below = frozen[1:]
        for process in frozen:
            process.suspend()
        worker = next(process for process in below if trains(process))
        used = sum(worker.cpu_times()[:2])
        until(lambda: declared_dead(cluster))
        # Its raylet would end it: it is left frozen, so that the worker trains on and its actor stores what it made.
        for process in below:
            process.resume()
        until(
            lambda: (
                not worker.is_running()
                or sum(worker.cpu_times()[:2]) > used + 1
                or command.poll() is not None
            )
        )
        printed, errors = command.communicate(timeout=SLOW)
        assert command.returncode == 0, errors
        for process in frozen:
            if process.is_running():
                process.kill()
    report = loaded(subprocess.CompletedProcess([], 0, printed, errors))
    assert outcome(report) == outcome(finished[1])
    assert_whole(report, home)
