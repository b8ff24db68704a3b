"""Workers on a Ray cluster of three nodes: jobs come back, whatever happens to nodes, actors and processes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.workers.helpers import begun, do, finish, running, until, wakings
from tunekit.errors import ClusterError, SearchError, UserError
from tunekit.trial.jobs import Failed, ProbeJob, Split
from tunekit.workers.cluster import members
from tunekit.workers.cluster import team as team_module
from tunekit.workers.cluster.members import room_on
from tunekit.workers.cluster.request import OnRay, parse_place
from tunekit.workers.cluster.storage import ThroughRay
from tunekit.workers.cluster.team import Team

pytest.importorskip("ray", reason="Ray is not installed: pip install 'tunekit[ray]'")

from tests.ray_cluster import Nodes, nodes, processes_of
from tunekit.workers.cluster.host import GLANCE
from tunekit.workers.cluster.pool import RayWorkers
from tunekit.workers.cluster.watch import WATCH

MakeJob = Callable[..., ProbeJob]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    with nodes(2) as made:
        yield made
        for workers in SHARED:
            workers.close()
        SHARED.clear()


SHARED: list[RayWorkers] = []
"""The workers that tests share, while they are there: a process can be in one cluster at a time."""


@pytest.fixture
def workers(cluster: Nodes, tmp_path_factory: pytest.TempPathFactory) -> RayWorkers:
    """As many as there are nodes that train; whatever a test does to them, the next finds them at work."""
    if not SHARED:
        SHARED.append(make(cluster.address, tmp_path_factory.mktemp("search")))
    return SHARED[0]


@pytest.fixture
def apart() -> None:
    """No workers are there."""
    for workers in SHARED:
        workers.close()
    SHARED.clear()


def team(workers: RayWorkers) -> Team:
    assert workers._team is not None
    return workers._team


def make(address: str, folder: Path, wanted: int | None = None, on: OnRay | None = None) -> RayWorkers:
    on = on or OnRay(address)
    return RayWorkers(on, wanted, 1, folder, folder / "ray", folder / "logs")


def stays(workers: RayWorkers, job: ProbeJob, here: Path) -> tuple[str, str]:
    """Submit a job, the only one; the node that it has begun on, and what it said there of itself."""
    workers.submit(job)
    assert until(lambda: workers.events(0.1) == [] and here.exists())
    begun(here)
    return next(member.node for member in team(workers).members.values() if member.task), here.read_text()


def test_jobs_run_side_by_side_and_an_error_is_a_failure(workers: RayWorkers, job: MakeJob) -> None:
    workers.warm_up()
    assert (workers.count, workers.idle, workers.busy) == (2, 2, 0)
    assert [workers.submit(job("a")), workers.submit(job("b"))] == [0, 1]
    assert (workers.idle, workers.busy) == (0, 2)
    ends = finish(workers, 2)
    assert all(
        isinstance(end, Failed) and "ValueError: left by" in end.failure.message for end in ends.values()
    )
    assert (workers.idle, workers.busy) == (2, 0)
    again = [do(workers, job(name)) for name in ("c", "d", "e")]
    processes = {end.failure.message for end in [*ends.values(), *again] if isinstance(end, Failed)}
    assert len(processes) == 2, "a worker was not kept for the next job"


def test_a_trial_that_kills_its_worker_is_told_as_killed(
    workers: RayWorkers, job: MakeJob, tmp_path: Path
) -> None:
    ended = do(workers, job("dies", "die"))
    assert isinstance(ended, Failed)
    assert ended.failure.cause == "killed"
    assert "exit code 3" in ended.failure.message
    assert isinstance(do(workers, job("next")), Failed)


def test_a_cancelled_job_is_told_as_a_death(workers: RayWorkers, job: MakeJob, tmp_path: Path) -> None:
    workers.submit(job("long", "stay", here=tmp_path / "here", seconds=60))
    assert until(lambda: workers.events(0.1) == [] and (tmp_path / "here").exists())
    process = begun(tmp_path / "here")
    workers.cancel("long")
    ended = finish(workers)["long"]
    assert isinstance(ended, Failed)
    assert (ended.failure.cause, workers.busy) == ("killed", 0)
    assert until(lambda: not running(process))


def test_an_actor_that_is_killed_may_be_its_trials_fault(
    workers: RayWorkers, job: MakeJob, tmp_path: Path
) -> None:
    workers.submit(job("long", "stay", here=tmp_path / "here", seconds=60))
    assert until(lambda: workers.events(0.1) == [] and (tmp_path / "here").exists())
    process = begun(tmp_path / "here")
    template = psutil.Process(process).parent()
    assert template is not None
    os.kill(template.ppid(), signal.SIGKILL)  # the actor, which has started it
    ended = finish(workers)["long"]
    assert isinstance(ended, Failed)
    assert (ended.failure.cause, workers.busy) == ("killed", 0)
    assert until(lambda: not running(process)), "the worker has outlived its actor"
    assert isinstance(do(workers, job("next")), Failed)


def test_a_job_goes_on_elsewhere_when_its_node_is_lost(
    cluster: Nodes, workers: RayWorkers, job: MakeJob, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    node, first = stays(workers, job("moves", "stay", here=here, seconds=6), here)
    cluster.remove(node)
    told = []
    assert until(lambda: bool(told.extend(workers.events(0.2)) or here.read_text() not in ("", first)))
    assert told == [], "the coordinator has been told of a death that is no trial's"
    assert workers.busy == 1
    ended = finish(workers)["moves"]
    assert isinstance(ended, Failed)
    assert "ValueError: stayed" in ended.failure.message
    assert until(lambda: workers.events(0.2) == [] and workers.count == 1), "count did not follow the cluster"
    cluster.add()
    assert until(lambda: workers.events(0.2) == [] and workers.count == 2)


def test_a_job_goes_on_elsewhere_when_its_node_is_cut_off(
    cluster: Nodes, workers: RayWorkers, job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ray itself takes a minute to notice.
    monkeypatch.setattr(members, "HEARTBEAT", 1.0)
    monkeypatch.setattr(team_module, "HEARTBEAT", 1.0)
    cluster.add()
    here = tmp_path / "here"
    node, first = stays(workers, job("moves", "stay", here=here, seconds=8), here)
    frozen = cluster.processes(node)
    for process in frozen:
        process.suspend()
    cut_off = time.monotonic()
    told = []
    assert until(
        lambda: bool(
            told.extend(workers.events(0.2))
            or all(each.node != node for each in team(workers).members.values())
        )
    )
    assert told == [], "the coordinator has been told of a death that is no trial's"
    assert 1 <= time.monotonic() - cut_off < 20
    assert until(lambda: bool(workers.events(0.2)) or here.read_text() not in ("", first))
    cluster.remove(node)
    for process in frozen:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    assert isinstance(finish(workers)["moves"], Failed)
    assert until(lambda: workers.events(0.2) == [] and workers.count == 2)


def test_a_job_that_says_nothing_for_long_is_not_taken_for_lost(
    workers: RayWorkers, job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "HEARTBEAT", 0.5)
    monkeypatch.setattr(team_module, "HEARTBEAT", 0.5)
    workers.submit(job("silent", "stay", here=tmp_path / "here", seconds=5))
    assert until(lambda: workers.events(0.1) == [] and (tmp_path / "here").exists())
    process = begun(tmp_path / "here")
    time.sleep(3)  # nor is it when the coordinator does not listen
    ended = finish(workers)["silent"]
    assert isinstance(ended, Failed)
    assert "ValueError: stayed" in ended.failure.message
    assert begun(tmp_path / "here") == process


def test_examples_come_to_a_node_that_does_not_see_them_and_only_once(
    cluster: Nodes, workers: RayWorkers, job: MakeJob, split: Split, tmp_path: Path
) -> None:
    import ray

    from tunekit.workers.cluster.data import Shipments

    workers.warm_up()
    folder = tmp_path / "elsewhere"
    shutil.copytree(split.prepared.folder, folder)
    elsewhere = dataclasses.replace(split, prepared=dataclasses.replace(split.prepared, folder=folder))
    parts = Shipments().parts(elsewhere.prepared)
    shutil.rmtree(folder)
    far = dataclasses.replace(job("far"), split=elsewhere)
    assert until(
        lambda: workers.events(0.1) == [] and all(member.node for member in team(workers).members.values())
    )
    one, other = (member.actor for member in team(workers).members.values())
    assert ray.get(one.begin.remote(far, {})) is False
    assert ray.get(one.begin.remote(far, {}, parts)) is True
    (ended,) = ray.get(one.tell.remote()).events
    assert "ValueError: left by" in ended.failure.message
    assert ray.get(other.begin.remote(far, {})) is True


def test_the_environment_is_that_of_a_local_worker(workers: RayWorkers, job: MakeJob, tmp_path: Path) -> None:
    workers.submit(job("stays", "stay", here=tmp_path / "here", seconds=1))
    assert until(lambda: workers.events(0.1) == [] and (tmp_path / "here").exists())
    environ = psutil.Process(begun(tmp_path / "here")).environ()
    settings = {
        name: environ[name] for name in ("PYTHONHASHSEED", "OMP_NUM_THREADS", "KERAS_BACKEND", "NPROC")
    }
    assert settings == {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "KERAS_BACKEND": "numpy", "NPROC": "1"}
    finish(workers)


def test_idle_workers_are_asked_nothing_and_sleep(workers: RayWorkers, job: MakeJob) -> None:
    for end in [do(workers, job("one")), do(workers, job("other"))]:
        assert isinstance(end, Failed)
    assert until(
        lambda: workers.events(0.1) == [] and all(each.node for each in team(workers).members.values())
    )
    assert not team(workers).waits, "an idle actor has a call to answer"
    idle = [process for process in processes_of(Path(os.environ["RAY_TMPDIR"])) if of_a_worker(process)]
    assert len(idle) >= workers.count
    time.sleep(0.5)
    before = [wakings(process) for process in idle]
    workers.events(2.0)
    woken = [wakings(process) - count for process, count in zip(idle, before, strict=True)]
    assert max(woken) <= 2, "a worker process looks for jobs more often than once a second"
    assert min(GLANCE, WATCH) >= 1, "an actor, or the coordinator, looks more often at what is silent"


def of_a_worker(process: psutil.Process) -> bool:
    return any("tunekit.workers.template" in word for word in process.cmdline())


@pytest.mark.usefixtures("apart")
def test_what_no_node_has_is_refused(cluster: Nodes, tmp_path: Path) -> None:
    workers = make("", tmp_path, on=OnRay(cluster.address, gpus=1))
    with pytest.raises(SearchError, match="no node of the cluster has what a trial needs: 1 CPUs, 1 GPUs"):
        workers.warm_up()
    workers.close()


@pytest.mark.usefixtures("apart")
def test_trials_that_want_half_a_gpu_share_one(cluster: Nodes, job: MakeJob, tmp_path: Path) -> None:
    cluster.add(cpus=2, gpus=1)
    node = cluster.others[-1].node_id
    workers = make("", tmp_path, on=OnRay(cluster.address, gpus=0.5))
    workers.warm_up()
    assert until(lambda: workers.events(0.1) == [] and len(team(workers).ready) == 2)
    assert workers.count == 2, "the nodes without a GPU have no room"
    assert {member.node for member in team(workers).members.values()} == {node}
    for name in ("one", "other"):
        workers.submit(job(name, "stay", here=tmp_path / name, seconds=1))
    assert until(
        lambda: workers.events(0.1) == [] and (tmp_path / "one").exists() and (tmp_path / "other").exists()
    )
    seen = {
        psutil.Process(begun(tmp_path / name)).environ()["CUDA_VISIBLE_DEVICES"] for name in ("one", "other")
    }
    assert seen == {"0"}
    finish(workers, 2)
    cluster.remove(node)
    # The next test's workers must not be made for a node that is gone.
    assert until(lambda: workers.events(0.2) == [] and workers.count == 1)
    workers.close()


@pytest.mark.usefixtures("apart")
def test_a_node_that_does_not_see_the_folder_sends_files_through_ray(cluster: Nodes, tmp_path: Path) -> None:
    workers = make(cluster.address, tmp_path)
    workers.warm_up()
    (shared,) = tmp_path.glob(".shared-*")
    shared.rmdir()
    assert until(lambda: workers.events(0.1) == [] and len(team(workers).ready) == 2)
    assert {type(member.storage) for member in team(workers).members.values()} == {ThroughRay}
    workers.close()


@pytest.mark.usefixtures("apart")
def test_a_node_that_does_not_reach_the_storage_is_refused(cluster: Nodes, tmp_path: Path) -> None:
    workers = make("", tmp_path, on=OnRay(cluster.address, storage="memory://here-alone"))
    workers.warm_up()
    with pytest.raises(UserError, match="cannot take part: it does not reach memory://here-alone"):
        until(lambda: bool(workers.events(0.2)))
    workers.close()


@pytest.mark.usefixtures("apart")
def test_a_storage_of_an_unknown_kind_is_refused_before_ray_is_asked(tmp_path: Path) -> None:
    workers = make("", tmp_path, on=OnRay("127.0.0.1:9", storage="nowhere://x/y"))
    with pytest.raises(UserError, match="expected an address that fsspec knows"):
        workers.warm_up()
    workers.close()


OWN_RAYS = """
import sys
from pathlib import Path
from tunekit.workers.cluster.connection import connect
from tunekit.workers.cluster.request import OnRay
for _ in range(2):
    connection = connect(OnRay("local"), Path(sys.argv[1]), 1)
    assert connection.started
    connection.close()
"""


@pytest.mark.usefixtures("cluster")
def test_one_process_may_start_a_ray_of_its_own_again(tmp_path: Path) -> None:
    # In another process than this one, which would ask every cluster for a token from then on.
    subprocess.run([sys.executable, "-P", "-c", OWN_RAYS, str(tmp_path)], check=True, timeout=200)


def test_an_address_without_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="there is no cluster"):
        make("127.0.0.1:9", tmp_path).warm_up()


def test_a_cluster_that_is_gone_is_an_error(
    cluster: Nodes, workers: RayWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.warm_up()
    monkeypatch.setattr("tunekit.workers.cluster.watch.GONE", 0.0)
    monkeypatch.setattr("tunekit.workers.cluster.connection.Connection.answers", lambda self: False)
    time.sleep(2.5)
    with pytest.raises(ClusterError, match="does not answer any more"):
        workers.events(0.1)
    monkeypatch.undo()
    workers.close()
    SHARED.clear()


@pytest.mark.parametrize(
    ("text", "address"),
    [("ray", None), ("ray:head:6379", "head:6379"), ("ray://head:10001", "ray://head:10001")],
)
def test_places(text: str, address: str | None) -> None:
    assert parse_place(text) == address
    assert OnRay(address).option == text


@pytest.mark.parametrize("text", ["", "rays", "ray:", "ray://", "slurm", "ray:http://x:1"])
def test_places_that_are_none(text: str) -> None:
    with pytest.raises(UserError, match="expected ray, ray:HOST:PORT or ray://HOST:PORT"):
        parse_place(text)


def test_room_on_nodes() -> None:
    def node(alive: bool = True, **resources: float) -> dict[str, object]:
        return {"Alive": alive, "Resources": resources}

    some = [node(CPU=4.0, GPU=1.0, memory=8e9), node(CPU=3.0, memory=8e9), node(alive=False, CPU=64.0)]
    assert room_on(some, OnRay(), 1) == 7
    assert room_on(some, OnRay(), 2) == 3
    assert room_on(some, OnRay(cpus=0.1), 1) == 70
    assert room_on(some, OnRay(gpus=0.25), 1) == 4
    assert room_on(some, OnRay(memory=3 * 10**9), 1) == 4
    assert room_on([], OnRay(), 1) == 0


WITHOUT = """
import sys
from pathlib import Path
sys.modules["ray"] = None
from tunekit.errors import UserError
from tunekit.workers.cluster.pool import RayWorkers
from tunekit.workers.cluster.request import OnRay
try:
    RayWorkers(OnRay(), 1, 1, Path("x"), Path("x"), Path("x")).warm_up()
except UserError as error:
    print(error)
"""


def test_without_ray_the_error_names_the_command() -> None:
    done = subprocess.run([sys.executable, "-P", "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert 'pip install "tunekit[ray]"' in done.stdout


def test_a_search_on_one_machine_imports_no_ray() -> None:
    code = "import tunekit.study.search, tunekit.cli.searching, sys; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
