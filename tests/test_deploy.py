"""deploy/: manifests of the form that KubeRay asks, and a batch script whose commands are run without Slurm."""

from __future__ import annotations

import copy
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.checks import parsed
from tests.kuberay import problems
from tests.study.commands import TINY, environment, loaded, outcome, run, wait_for_trials

ROOT = Path(__file__).parent.parent
MANIFESTS = sorted((ROOT / "deploy/kuberay").glob("*.yaml"))
SCRIPT = ROOT / "deploy/slurm/search.sh"
Resource = dict[str, Any]


def resources(path: Path) -> list[Resource]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def clusters() -> Iterator[Resource]:
    for path in MANIFESTS:
        for each in resources(path):
            if each["kind"] != "PersistentVolumeClaim":
                yield each["spec"].get("rayClusterSpec", each["spec"])


def pods(cluster: Resource) -> list[Resource]:
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    return [group["template"]["spec"] for group in groups]


# KubeRay


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_has_the_form_that_kuberay_asks(path: Path) -> None:
    found = [problem for resource in resources(path) for problem in problems(resource)]
    assert found == []


def renamed(job: Resource) -> None:
    job["spec"]["entryPoint"] = job["spec"].pop("entrypoint")


def without_a_least_size(job: Resource) -> None:
    del job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["minReplicas"]


def number_for_text(job: Resource) -> None:
    job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = (
        60
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (renamed, "RayJob.spec.entryPoint: there is no such field"),
        (without_a_least_size, "workerGroupSpecs[0].minReplicas: is missing"),
        (number_for_text, "env[0].value: expected str, got 60"),
    ],
)
def test_a_mistake_in_a_manifest_is_found(spoil: Callable[[Resource], None], said: str) -> None:
    (job,) = copy.deepcopy(resources(ROOT / "deploy/kuberay/search.yaml"))
    spoil(job)
    assert any(said in problem for problem in problems(job))


def test_versions_of_ray_agree() -> None:
    wanted = re.search(r"ARG RAY=(\S+)", (ROOT / "deploy/kuberay/Dockerfile").read_text())
    assert wanted is not None
    for cluster in clusters():
        images = {container["image"] for pod in pods(cluster) for container in pod["containers"]}
        assert cluster["rayVersion"] == wanted[1]
        assert images == {f"REGISTRY/tunekit-ray:{wanted[1]}"}


def test_all_pods_see_the_folder_that_the_search_is_in() -> None:
    (job,) = resources(ROOT / "deploy/kuberay/search.yaml")
    (claim,) = resources(ROOT / "deploy/kuberay/storage.yaml")
    program, *words = shlex.split(job["spec"]["entrypoint"])
    options = parsed(words)
    assert (program, options["go_on"], options["on"]) == ("tunekit", True, "ray")
    for pod in (pod for cluster in clusters() for pod in pods(cluster)):
        (volume,) = pod["volumes"]
        (mount,) = pod["containers"][0]["volumeMounts"]
        assert options["home"].path.is_relative_to(mount["mountPath"])
        assert volume["name"] == mount["name"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_there_is_room_for_a_trial_from_the_beginning() -> None:
    for cluster in clusters():
        assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
        for group in cluster["workerGroupSpecs"]:
            assert 1 <= group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]


def test_the_cluster_that_stays_is_that_of_the_job() -> None:
    of_the_job, that_stays = sorted(clusters(), key=lambda cluster: "tunekit" in cluster)
    assert of_the_job == that_stays


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    lines = [line.split() for line in (ROOT / "deploy/kuberay/Dockerfile").read_text().splitlines()]
    copied = [word for line in lines if line[:1] == ["COPY"] for word in line[2:-1]]
    assert copied
    assert set(copied) <= set(kept)


# Slurm


def test_the_script_is_of_the_form_that_bash_and_slurm_ask() -> None:
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
    text = SCRIPT.read_text()
    head = text.partition("\nset -euo pipefail\n")[0].splitlines()
    assert head[0] == "#!/bin/bash"
    # Slurm reads its settings up to the first command.
    assert all(line.startswith("#") or not line for line in head)
    asked = dict(line.removeprefix("#SBATCH --").partition("=")[::2] for line in head if "#SBATCH" in line)
    assert {"nodes", "ntasks-per-node", "cpus-per-task", "time", "signal", "requeue"} <= set(asked)
    assert asked["signal"].startswith("B:USR1@"), "the script itself gets it, and answers to USR1"
    assert "-%j" in asked["output"]


def test_what_a_shell_would_split_is_quoted() -> None:
    for number, line in enumerate(SCRIPT.read_text().splitlines(), 1):
        if not line.lstrip().startswith("#"):
            assert bare_expansions(line) == [], f"line {number}: {line}"


def test_an_expansion_without_quotes_is_seen() -> None:
    assert bare_expansions('a="$(f "$b" $c)" $d "$e" \'$f\' $((g + 1))') == ["$c", "$d"]


def bare_expansions(line: str) -> list[str]:
    """What stands outside of quotes, also within commands whose output is taken."""
    line, found = re.sub(r"\$?\(\(.*?\)\)", "", line), []
    while inner := re.search(r"\$\(([^()]*)\)", line):
        found += bare_expansions(inner[1])
        line = line[: inner.start()] + "OUTPUT" + line[inner.end() :]
    return found + re.findall(r"\$\{?\w+", re.sub(r"'[^']*'|\"[^\"]*\"", "", line))


SRUN = """#!/bin/bash
# Slurm's own, on one machine: a task is a process of it.
count=1
while [[ "$1" == --* ]]; do
  case "$1" in --ntasks=*) count="${1#*=}" ;; esac
  shift
done
for ((i = 1; i < count; i++)); do "$@" & done
trap 'kill $(jobs -p) 2>/dev/null' TERM
"$@" &
wait
"""
OTHERS = {
    "srun": SRUN,
    "scontrol": '#!/bin/bash\nif [[ "$1" == requeue ]]; then echo "$2" > requeued; else echo one; echo two; fi\n',
}


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment as a batch script finds it, with one machine in the place of two."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'tunekit[ray]'")
    from tests.ray_cluster import processes_of, surroundings

    with surroundings() as folder:
        programs = folder / "programs"
        programs.mkdir()
        for name, text in OTHERS.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        # As an activated environment has it, whose programs the script calls.
        own = str(Path(sys.executable).parent)
        path = os.pathsep.join([str(programs), own, os.environ["PATH"]])
        number = str(100_000 + os.getpid())
        yield environment(
            PATH=path, SLURM_JOB_ID=number, SLURM_JOB_NODELIST="n[1-2]", SLURM_JOB_NUM_NODES="2",
            SLURM_CPUS_PER_TASK="1", RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="1", TUNEKIT_HOME=str(tmp_path / "home"),
        )  # fmt: skip
        assert processes_of(folder) == [], "the script has left something running"


@pytest.mark.long
def test_the_script_searches_ends_in_time_and_goes_on(slurm: dict[str, str], tmp_path: Path) -> None:
    local = loaded(run("search", TINY, "--workers", 2, "--json", cwd=tmp_path))
    first = subprocess.Popen(
        ["bash", str(SCRIPT), str(TINY)],
        cwd=tmp_path, env=slurm, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_for_trials(tmp_path / "home", "tiny", 3, 300)
    first.send_signal(signal.SIGUSR1)
    printed = first.communicate(timeout=120)[0]
    assert first.returncode == 130, printed
    assert "Stopped by SIGTERM; every finished epoch is kept" in printed
    assert (tmp_path / "requeued").read_text().strip() == slurm["SLURM_JOB_ID"]
    again = subprocess.run(
        ["bash", str(SCRIPT), str(TINY), "--json"],
        cwd=tmp_path, env=slurm, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    report = loaded(subprocess.CompletedProcess([], 0, again.stdout[again.stdout.index("{\n") :]))
    assert outcome(report) == outcome(local)
    logs = {path.name for path in (tmp_path / "home/searches/tiny/logs").iterdir()}
    assert {"ray-0", "ray-1"} <= logs, "a node has not joined"
