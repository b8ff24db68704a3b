"""Dockerfile and compose.yaml: their form, and on request their steps carried out without Docker.

No image is built here, which takes a Docker daemon and a registry. The steps are run in folders of their own instead,
and MLflow's server with the command and environment that compose.yaml gives it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.study.commands import DIRECT, environment
from tests.study.servers import await_address, free_port, postgres

ROOT = Path(__file__).parent.parent
CONTINUED = re.compile(r"\\\n\s*")
SECRET = re.compile(r"\$\{POSTGRES_PASSWORD:\?[^}]+\}")
Stages = dict[str, list[tuple[str, str]]]


@pytest.fixture(scope="module")
def stages() -> Stages:
    """Of the Dockerfile: the instructions of each, with their arguments."""
    found: Stages = {}
    text = CONTINUED.sub("", (ROOT / "Dockerfile").read_text())
    current: list[tuple[str, str]] = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            current = found[rest.rpartition(" AS ")[2]] = []
        current.append((instruction, rest))
    return found


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return found


def test_compose_is_of_the_form_that_its_schema_asks() -> None:
    subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
        cwd=ROOT, check=True,
    )  # fmt: skip


def test_what_runs_is_not_root_and_keeps_its_data_in_a_volume(stages: Stages) -> None:
    for name in ("tunekit", "server"):
        instructions = dict(stages[name])
        assert instructions["USER"] not in ("root", "0")
        assert instructions["VOLUME"] in ("/tunekit/mlruns", "/artifacts")
    assert list(stages)[-1] == "tunekit", "the last stage is what `docker build .` builds"


def test_what_a_search_writes_and_downloads_goes_into_the_volume(stages: Stages) -> None:
    """A user of another number, as `--user` gives it, may write nowhere else."""
    instructions = dict(stages["tunekit"])
    env = dict(word.split("=", 1) for word in instructions["ENV"].split())
    for name in ("TUNEKIT_HOME", "TFDS_DATA_DIR"):
        assert Path(env[name]).is_relative_to(instructions["VOLUME"]), name


def test_what_is_copied_is_there_and_not_ignored(stages: Stages) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert "*" in lines
    copied = [words.split()[:-1] for kind, words in stages["wheel"] if kind == "COPY"]
    for path in (path for paths in copied for path in paths):
        assert (ROOT / path).exists(), path
        assert any(fnmatch(path, pattern) for pattern in kept), path
    assert set(kept) == {path for paths in copied for path in paths}


def test_the_wheel_of_the_image_holds_what_the_project_says_it_holds(stages: Stages) -> None:
    """Every file that pyproject.toml names for the wheel, or reads, is copied."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    copied = " ".join(words for kind, words in stages["wheel"] if kind == "COPY").split()
    named = [project["project"]["readme"], *project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]
    named += project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(named) <= set(copied)


def test_a_password_that_is_not_set_is_said_before_anything_starts(services: dict[str, Any]) -> None:
    for service, variable in (("database", "POSTGRES_PASSWORD"), ("mlflow", "PGPASSWORD")):
        assert SECRET.fullmatch(services[service]["environment"][variable]), service
    text = (ROOT / "compose.yaml").read_text()
    assert len(SECRET.findall(text)) == text.count("${POSTGRES_PASSWORD") == 2


def test_each_service_waits_for_the_one_below_it(services: dict[str, Any]) -> None:
    assert services["mlflow"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert services["tunekit"]["depends_on"] == {"mlflow": {"condition": "service_healthy"}}
    assert all("healthcheck" in services[name] for name in ("database", "mlflow"))
    # While the database is first made, a server answers by its socket that the others cannot reach.
    assert "--host=127.0.0.1" in services["database"]["healthcheck"]["test"]
    assert services["mlflow"]["ports"] == ["127.0.0.1:5000:5000"], "MLflow's server has no authentication"


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_mlflow_as_compose_starts_it_on_a_real_database(services: dict[str, Any], tmp_path: Path) -> None:
    mlflow, port = services["mlflow"], free_port()
    with postgres() as database:
        there = database.uri.rpartition("@")[2]
        places = {"5000": str(port), "/artifacts": str(tmp_path / "artifacts"), "0.0.0.0": "127.0.0.1"}
        command = [sys.executable, "-m", "mlflow", *(_replaced(word, places) for word in mlflow["command"])]
        env = environment(
            MLFLOW_BACKEND_STORE_URI=f"postgresql+psycopg2://tunekit@{there}",
            PGPASSWORD=database.password,
            MLFLOW_DISABLE_TELEMETRY="true",
            MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
        )
        assert mlflow["environment"]["MLFLOW_BACKEND_STORE_URI"].startswith("postgresql+psycopg2://mlflow@")
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, env=env, process_group=0)
        try:
            address = f"http://127.0.0.1:{port}"
            await_address(f"{address}/health")
            program, *healthy = mlflow["healthcheck"]["test"][1:]
            assert program == "python"
            asked = [_replaced(word, places) for word in healthy]
            subprocess.run([sys.executable, *asked], env=environment(), check=True)
            # As the other services and a browser on this machine call it; not as a page of another site may.
            assert _status(address, f"mlflow:{port}") == _status(address, f"localhost:{port}") == 200
            assert _status(address, f"evil.example.org:{port}") == 403
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        assert database.password not in (tmp_path / "log").read_text()


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_steps_of_the_image_leave_a_tunekit_that_searches(stages: Stages, tmp_path: Path) -> None:
    """In environments of their own, with everything that pip brings; users are not made."""
    source = tmp_path / "source"
    source.mkdir()
    places = {
        folder: str(tmp_path / folder.strip("/")) for folder in ("/opt", "/wheel", "/tunekit", "/artifacts")
    }
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "base")], check=True)
    path = f"{tmp_path / 'base/bin'}:{os.environ['PATH']}"
    for instructions in stages.values():
        for kind, words in instructions:
            if kind == "COPY" and not words.startswith("--from"):
                *paths, target = words.split()
                subprocess.run(
                    ["cp", "-r", *(str(ROOT / each) for each in paths), str(source / target)], check=True
                )
            if kind == "RUN" and not words.startswith("useradd"):
                env = environment(PATH=path, EXTRAS="", MLFLOW="mlflow>=3.11,<4") | {"PYTHONPATH": ""}
                subprocess.run(["sh", "-ec", _replaced(words, places)], cwd=source, env=env, check=True)
    subprocess.run([tmp_path / "opt/mlflow/bin/mlflow", "server", "--help"], check=True, capture_output=True)
    command = [
        tmp_path / "opt/tunekit/bin/tunekit",
        "search",
        "cnn-digits",
        "--max-epochs",
        "2",
        "--limit",
        "300",
    ]
    env = environment(TUNEKIT_HOME=str(tmp_path / "mlruns"), USER="tunekit", PYTHONPATH="")
    done = subprocess.run(
        [*command, "--json"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["test"]["accuracy"] > 0
    assert (tmp_path / "mlruns/searches/cnn-digits/best.yaml").exists()


def _replaced(text: str, places: dict[str, str]) -> str:
    """Absolute paths and other fixed things by those of this test."""
    for old, new in places.items():
        text = re.sub(rf"(?<![\w.]){re.escape(old)}(?![\w.])", new, text)
    return text


def _status(address: str, host: str) -> int:
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/experiments/search?max_results=1", headers={"Host": host}
    )
    try:
        with DIRECT.open(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
