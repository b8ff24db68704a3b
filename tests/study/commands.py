"""Runs the command as a user does, in a process of its own, and reads what it left."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses of this machine, whatever proxy the surroundings or another test have set."""
TINY = Path(__file__).parent / "tiny.yaml"
SHORT = ("search", TINY, "--max-trials", 3, "--workers", 1)
TUNEKIT = [sys.executable, "-m", "tunekit"]


def environment(**changes: str) -> dict[str, str]:
    """Without the settings of whoever runs the tests."""
    foreign = ("MLFLOW_", "TUNEKIT_", "CUDA_VISIBLE")
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and name.lower() not in proxies
    }
    return kept | {"NO_COLOR": "1"} | changes


def before_others(folder: Path) -> str:
    """A PYTHONPATH on which modules are looked for in this folder first."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


def run(*arguments: object, cwd: Path, code: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """The finished command; its exit code must be the one expected."""
    done = subprocess.run(
        [*TUNEKIT, *map(str, arguments)],
        cwd=cwd,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def run_with_files_up_to(size: int, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command where no file may grow beyond a size: a limit of the operating system, which anyone can set."""
    return subprocess.run(
        [*TUNEKIT, *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )


def start(*arguments: object, cwd: Path, **env: str) -> subprocess.Popen[str]:
    """The command under way, in a process group of its own."""
    return subprocess.Popen(
        [*TUNEKIT, *map(str, arguments)],
        cwd=cwd,
        env=environment(**env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def children(process: subprocess.Popen[str]) -> list[int]:
    """Process ids of the command's workers: its children's children, forked from one template."""
    return [worker for template in _children(process.pid) for worker in _children(template)]


def _children(process_id: int) -> list[int]:
    path = Path(f"/proc/{process_id}/task/{process_id}/children")
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []


def kill_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def wait_for_trials(home: Path, name: str, count: int, seconds: float = 90) -> None:
    """Until so many trials have ended."""
    path = home / "searches" / name / "state.db"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if path.exists():
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                ended = db.execute("SELECT count(*) FROM trials WHERE ended IS NOT NULL").fetchone()[0]
            if ended >= count:
                return
        time.sleep(0.05)
    raise AssertionError(f"{count} trials of {name} did not end within {seconds} s")


@dataclass(frozen=True)
class Outcome:
    """All that must be the same however a search came to its end."""

    trials: dict[str, Any]
    best: Any
    test: Any
    config: str


def outcome(report: dict[str, Any]) -> Outcome:
    trials = {
        trial["id"]: {key: value for key, value in trial.items() if key != "run_id"}
        for trial in report["trials"]
        if trial.get("kind") != "snapshot"  # of an end by the clock, which the search has passed
    }
    best = {key: value for key, value in report["best"].items() if key != "run_id"}
    return Outcome(trials, best, report["test"], Path(report["config"]).read_text())


def loaded(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object that must be all of standard output."""
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def assert_recorded(report: dict[str, Any]) -> None:
    """MLflow holds one finished parent, one ended child for each trial, and every epoch exactly once."""
    import mlflow

    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    runs = client.search_runs([report["mlflow"]["experiment_id"]], max_results=1000)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert [run.info.run_id for run in parents] == [report["mlflow"]["run_id"]]
    assert parents[0].info.status == "FINISHED"
    assert parents[0].data.metrics["test_accuracy"] == report["test"]["accuracy"]
    kids = {run.data.tags["tunekit.trial"]: run for run in runs if run not in parents}
    assert len(kids) == len(runs) - 1, "a trial has two runs"
    assert set(kids) == {trial["id"] for trial in report["trials"]}
    for trial in report["trials"]:
        child = kids[trial["id"]]
        assert child.info.run_id == trial["run_id"]
        assert child.info.status == ("FINISHED" if trial["status"] == "COMPLETED" else "FAILED")
        if trial["status"] == "COMPLETED":
            history = client.get_metric_history(child.info.run_id, "val_accuracy")
            assert sorted(metric.step for metric in history) == list(range(1, trial["epochs"] + 1)), trial
            names = {artifact.path for artifact in client.list_artifacts(child.info.run_id)}
            assert {"configuration.yaml", "summary.txt", "curves.png", "activations.png"} <= names, trial
