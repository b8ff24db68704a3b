"""A search recorded by an MLflow server on PostgreSQL, and by PostgreSQL itself with a password in its address."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import (
    TINY,
    assert_recorded,
    loaded,
    outcome,
    run,
    start,
    wait_for_trials,
)
from tests.study.servers import MlflowServer, Postgres, postgres
from tunekit.address import HIDDEN

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
ONE = ["--max-trials", 1, "--workers", 1, "--json"]


@pytest.fixture
def database() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def test_a_database_without_a_server_is_killed_and_nothing_is_lost(
    database: Postgres, finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    options = ["--workers", 1, "--json", "--home", home]
    process = start("search", TINY, *options, cwd=tmp_path, MLFLOW_TRACKING_URI=database.uri)
    wait_for_trials(home, "tiny", 2, seconds=400)
    database.kill()
    wait_for_trials(home, "tiny", 6, seconds=400)
    database.start()
    printed, told = process.communicate(timeout=900)
    assert process.returncode == 0, told
    assert "The search goes on and records later." in told
    assert database.password not in told
    report = json.loads(printed)
    assert outcome(report) == outcome(finished[1])
    assert_recorded(with_password(report, database))


def test_server_and_database_are_killed_and_nothing_is_lost(
    database: Postgres, finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    server = MlflowServer(tmp_path, database.uri)
    try:
        server.start()
        home = tmp_path / "home"
        options = ["--workers", 1, "--json", "--home", home, "--tracking-uri", server.address]
        process = start("search", TINY, *options, cwd=tmp_path)
        wait_for_trials(home, "tiny", 2, seconds=400)
        server.kill()
        database.kill()
        wait_for_trials(home, "tiny", 6, seconds=400)
        database.start()
        server.start()
        printed, told = process.communicate(timeout=900)
        assert process.returncode == 0, told
        assert "The search goes on and records later." in told
        report = json.loads(printed)
        assert outcome(report) == outcome(finished[1])
        assert_recorded(report)
        assert not list(home.glob("mlflow.db"))
        # Its artefacts went to the server, by which anybody has them.
        assert list((tmp_path / "artifacts").rglob("curves.png"))
    finally:
        server.kill()


def test_a_password_is_nowhere(database: Postgres, tmp_path: Path) -> None:
    """Neither in what is printed nor in any file, whether the search goes well or its store is away."""
    import mlflow

    home = tmp_path / "home"
    done = run("search", TINY, *ONE, "--home", home, "--tracking-uri", database.uri, cwd=tmp_path)
    report = loaded(done)
    said = database.uri.replace(database.password, HIDDEN)
    assert report["mlflow"]["tracking_uri"] == said
    assert_recorded(with_password(report, database))
    source = (
        mlflow.MlflowClient(database.uri).get_run(report["mlflow"]["run_id"]).data.tags["mlflow.source.name"]
    )
    assert HIDDEN in source
    # The search is known again by its address without the password.
    told = [done.stdout, done.stderr, source]
    for command in (["report"], ["resume"], ["doctor"]):
        again = run(*command, "--home", home, cwd=tmp_path, MLFLOW_TRACKING_URI=database.uri)
        assert "Warning" not in again.stderr
        told += [again.stdout, again.stderr]
    elsewhere = run("report", "--home", home, cwd=tmp_path)
    assert said in elsewhere.stderr
    told.append(elsewhere.stderr)

    database.kill()
    away = run("search", TINY, *ONE, "--name", "away", "--home", home, cwd=tmp_path, code=1,
               MLFLOW_TRACKING_URI=database.uri)  # fmt: skip
    assert f"{said}: MLflow's store could not be opened" in away.stderr
    assert "Traceback" not in away.stderr
    told += [away.stdout, away.stderr]
    assert not [text for text in told if database.password in text]
    secret = database.password.encode()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 10
    assert not [path for path in written if secret in path.read_bytes()]


def with_password(report: dict[str, Any], database: Postgres) -> dict[str, Any]:
    """The report says the address without it."""
    return report | {"mlflow": report["mlflow"] | {"tracking_uri": database.uri}}
