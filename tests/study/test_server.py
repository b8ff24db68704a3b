"""A shared MLflow server, which may go away while a search runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import TINY, assert_recorded, outcome, start, wait_for_trials
from tests.study.servers import MlflowServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MlflowServer]:
    made = MlflowServer(tmp_path, f"sqlite:///{tmp_path}/server.db")
    yield made
    made.kill()


def test_a_server_that_is_killed_and_comes_back_lacks_nothing(
    server: MlflowServer, finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """The option is what counts; the variable beside it names a place where nobody answers."""
    server.start()
    options = ["--workers", 1, "--json", "--home", "home", "--tracking-uri", server.address]
    process = start("search", TINY, *options, cwd=tmp_path, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    wait_for_trials(tmp_path / "home", "tiny", 2)
    server.kill()
    wait_for_trials(tmp_path / "home", "tiny", 6)
    server.start()
    printed, told = process.communicate(timeout=240)
    assert process.returncode == 0, told
    assert "The search goes on and records later." in told
    report = json.loads(printed)
    assert report["mlflow"]["tracking_uri"] == server.address
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)
    assert not list((tmp_path / "home").glob("mlflow.db"))
