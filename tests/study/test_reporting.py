"""The report of a real search: at its end, by its command, while it runs, and where it cannot be written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import loaded, run
from tunekit.search.lock import SearchLock
from tunekit.search.state import State
from tunekit.study.home import Home, SearchFolder
from tunekit.study.reporting import RECORDED, report, report_finished
from tunekit.study.session import Reporter

Finished = tuple[Path, dict[str, Any]]
CHARTS = {"rungs.png", "curves.png", "parallel.png", "slices.png", "time.png"}


class Warned(Reporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Home:
    """The finished search in a home of its own, without MLflow's store."""
    shutil.copytree(finished[0] / "mlruns/searches", tmp_path / "mlruns/searches")
    (tmp_path / "mlruns/searches/tiny/report.html").unlink()
    return Home(tmp_path / "mlruns")


def set_facts(home: Home, **facts: Any) -> SearchFolder:
    folder = home.find("tiny")
    state = State.open(folder.state)
    state.set_facts(**facts)
    state.close()
    return folder


def test_a_search_ends_with_its_report_and_mlflow_has_it_too(finished: Finished) -> None:
    import mlflow

    folder, told = finished
    page = folder / "mlruns/searches/tiny/report.html"
    text = page.read_text(encoding="utf-8")
    assert f"Trial {told['best']['id']} scored {told['best']['score']:.4f}" in text
    assert "finished" in text
    assert page.stat().st_size < 2_000_000
    client = mlflow.MlflowClient(told["mlflow"]["tracking_uri"])
    parent = told["mlflow"]["run_id"]
    names = {Path(artifact.path).name for artifact in client.list_artifacts(parent, RECORDED)}
    assert CHARTS | {"report.html"} <= names
    assert client.get_run(parent).info.status == "FINISHED"


def test_the_command_prints_the_path_and_its_figures(finished: Finished, tmp_path: Path) -> None:
    folder, told = finished
    other = tmp_path / "other.html"
    done = run("report", "tiny", "-o", other, cwd=folder)
    assert done.stdout == f"Report  {other}\n"
    assert other.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    figures = loaded(run("report", "--json", cwd=folder))
    assert figures["path"] == str(folder / "mlruns/searches/tiny/report.html")
    assert figures["best"] == told["best"]["id"]
    trials = {trial["id"]: trial for trial in told["trials"]}
    shown = [
        entry for bracket in figures["brackets"] for rung in bracket["rungs"] for entry in rung["entries"]
    ]
    assert {entry["id"]: entry["score"] for entry in shown} == {
        name: t["score"] for name, t in trials.items()
    }
    assert {entry["child"]: entry["id"] for entry in shown if entry["child"]} == {
        name: trial["parent"] for name, trial in trials.items() if trial["parent"]
    }
    assert figures["seconds"]["training"] > 0
    assert {f"{name}.png" for name in figures["charts"]} >= CHARTS


def test_a_search_that_does_not_exist_is_a_users_mistake(finished: Finished) -> None:
    refused = run("report", "tinny", cwd=finished[0], code=2)
    assert "Did you mean tiny?" in refused.stderr


def test_a_search_that_runs_or_was_interrupted_says_so(home: Home, tmp_path: Path) -> None:
    folder = set_facts(home, status="RUNNING", best=None, evaluation=None)
    written = report(home, "tiny", tmp_path / "a.html", pytest.fail)
    assert written.material.status == "interrupted"
    assert "not finished (interrupted)" in written.path.read_text(encoding="utf-8")
    with SearchLock(folder.path):
        written = report(home, "tiny", tmp_path / "b.html", pytest.fail)
    text = written.path.read_text(encoding="utf-8")
    assert written.material.status == "running"
    assert "This search is still running." in text
    assert "sealed" in text


def test_a_store_that_is_away_costs_only_the_record(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    warned: list[str] = []
    written = report(home, "tiny", None, warned.append)
    assert written.path.exists()
    assert len(warned) == 1
    assert "tunekit report tiny --home" in warned[0]


def test_a_report_that_cannot_be_written_costs_no_result(home: Home) -> None:
    folder = home.find("tiny")
    (folder.path / "report.html").mkdir()
    (folder.path / "report.html/in-the-way").touch()
    reporter = Warned()
    report_finished(folder, home, reporter)
    assert len(reporter.warnings) == 1
    assert "The report of tiny is not complete" in reporter.warnings[0]


def test_a_finished_search_whose_report_is_missing_gets_it_when_it_is_resumed(
    finished: Finished, tmp_path: Path
) -> None:
    """As after a kill between the last transaction and the page."""
    shutil.copytree(finished[0] / "mlruns", tmp_path / "mlruns")
    page = tmp_path / "mlruns/searches/tiny/report.html"
    page.unlink()
    run("resume", cwd=tmp_path)
    assert page.stat().st_size > 10_000
