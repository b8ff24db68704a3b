"""A search has the outcome of one machine where nodes do not share its folder, and where one goes on too late."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.study.commands import TINY, assert_recorded, environment, loaded, outcome, run, start
from tests.study.test_ray import SLOW, wait_for

pytest.importorskip("ray", reason="Ray is not installed: pip install 'tunekit[ray]'")

from tests.ray_cluster import Nodes, free_port, nodes, surroundings
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


ALIVE, DEAD = 0, 1


def known_nodes(address: str) -> list[tuple[str, int]]:
    """The cluster's nodes, with what its head thinks of them."""
    from ray._raylet import GcsClient

    known = GcsClient(address=address).get_all_node_info().values()
    return [(node.node_id.hex(), node.state) for node in known]


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


@pytest.mark.long
def test_nodes_that_do_not_see_the_folder_send_their_checkpoints_through_ray(
    finished: Finished, tmp_path: Path
) -> None:
    """Nodes in a mount namespace of their own, in which the home and all that is around it is empty."""
    hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(tmp_path)]
    if not shutil.which("unshare") or subprocess.run([*hidden, "true"], capture_output=True).returncode:
        pytest.skip("this process may not mount")
    with surroundings():
        port = free_port()
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--node-ip-address=127.0.0.1"]
        head = [*ray, "--head", "--num-cpus=0", f"--port={port}", "--include-dashboard=false"]
        node = [*hidden, *ray, f"--address=127.0.0.1:{port}", "--num-cpus=1"]
        quiet: dict[str, Any] = {
            "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True, "cwd": "/"
        }  # fmt: skip
        started = [subprocess.Popen(head, env=environment(), **quiet)]
        try:
            until(lambda: reachable(f"127.0.0.1:{port}", 1))
            started += [subprocess.Popen(node, env=environment(), **quiet) for _ in range(2)]
            until(lambda: [state for _, state in known_nodes(f"127.0.0.1:{port}")].count(ALIVE) == 3)
            report = loaded(run("search", TINY, "--on", f"ray:127.0.0.1:{port}", "--json", cwd=tmp_path))
        finally:
            for process in started:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    assert outcome(report) == outcome(finished[1])
    assert_whole(report, tmp_path / "mlruns")
    assert not list((tmp_path / "mlruns" / "searches" / "tiny" / "logs").glob("ray-*"))


def family(cluster: Nodes) -> tuple[psutil.Process, list[psutil.Process]]:
    """The newest node's raylet, and the actors and workers below it."""
    (raylet,) = cluster.others[-1].all_processes["raylet"]
    process = psutil.Process(raylet.process.pid)
    return process, process.children(recursive=True)


def trains(process: psutil.Process) -> bool:
    return "tunekit.workers.worker" in " ".join(process.cmdline())


def declared_dead(cluster: Nodes) -> bool:
    return (cluster.others[-1].node_id, DEAD) in known_nodes(cluster.address)


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
        raylet, below = family(cluster)
        frozen = [raylet, *below]
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
