"""`tunekit explain` as a user runs it: the winner, a trial that was not kept, and what cannot be explained."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import children, loaded, run, run_with_files_up_to, start
from tunekit.search.lock import SearchLock
from tunekit.study.explain import explanations
from tunekit.study.home import Home

SPACE = """
name: small
model: lenet5
data: {digits: true, validation: 0.2}
search: {tuner: random, max_epochs: 2, max_trials: 3, seed: 1, limit: 200}
parameters:
  learning_rate: {min: 0.001, max: 0.02, scale: log}
  filters: 2
  kernel_size: 3
  hidden_units: 8
  dropout: 0.2
"""


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A finished search of three trials, of which the winner alone has its weights."""
    folder = tmp_path_factory.mktemp("explained")
    (folder / "small.yaml").write_text(SPACE)
    report = loaded(run("search", "small.yaml", "--workers", 2, "--no-pictures", "--json", cwd=folder))
    return folder, report


def test_the_winner(searched: tuple[Path, dict[str, Any]]) -> None:
    import mlflow

    folder, report = searched
    found = loaded(run("explain", "small", "--json", cwd=folder))
    best = report["best"]
    assert (found["search"], found["trial"]) == ("small", best["id"])
    assert len(found["pictures"]) == 7
    for picture in found["pictures"]:
        assert Path(picture["path"]).read_bytes().startswith(b"\x89PNG")
        assert all(picture[name] for name in ("title", "caption", "alt"))
    wrong = found["figures"]["mistakes"]
    assert 1 - wrong["wrong"] / wrong["images"] == pytest.approx(best["score"])
    # In MLflow beside the trial's other artefacts, which still ended when it did.
    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    names = {artifact.path for artifact in client.list_artifacts(best["run_id"], "explain")}
    assert {"explain/explain.json", "explain/mistakes.png", "explain/evolution.png"} <= names
    assert client.get_run(best["run_id"]).info.status == "FINISHED"
    # And readable without running anything.
    search = Home(folder / "mlruns").find("small")
    listed = explanations(search, best["id"])
    assert [str(one.path) for one in listed] == [picture["path"] for picture in found["pictures"]]
    assert explanations(search, "none") == []


def test_a_trial_that_was_not_kept_is_trained_again_to_the_bit(searched: tuple[Path, dict[str, Any]]) -> None:
    folder, report = searched
    other = next(trial for trial in report["trials"] if trial["id"] != report["best"]["id"])
    assert not (folder / "mlruns/searches/small/checkpoints" / other["id"]).exists()
    first = run("explain", "small", "--trial", other["id"], cwd=folder)
    assert f"Trial {other['id']} was not kept: training it again for 2 epochs" in first.stdout
    assert "epoch 2" in first.stderr
    figures = folder / "mlruns/searches/small/explained" / other["id"] / "explain.json"
    stored = json.loads(figures.read_text())
    assert not any("instead of" in note for note in stored["notes"])
    wrong = stored["figures"]["mistakes"]
    assert 1 - wrong["wrong"] / wrong["images"] == pytest.approx(other["score"])

    again = run("explain", "small", "--trial", other["id"], cwd=folder)
    assert "training it again" not in again.stdout
    assert "epoch" not in again.stderr
    assert json.loads(figures.read_text()) == stored


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ("", ["nothing"], "nothing"),
        ("", ["small", "--trial", "77"], "expected a trial of this search, got '77'"),
        ("DELETE FROM facts WHERE name = 'best'", ["small"], "expected a search that has its winner"),
        (
            """UPDATE trials SET outcome = NULL, status = 'FAILED', failure = '{"cause": "oom", "message": "full"}'""",
            ["small"],
            "which failed: oom: full",
        ),
        ("UPDATE trials SET outcome = NULL, status = 'RUNNING'", ["small"], "which was broken off"),
        (
            "UPDATE facts SET value = '\"0ther\"' WHERE name = 'data_sha256'",
            ["small"],
            "expected the data that it was searched on, sha256 0ther",
        ),
    ],
)
def test_what_cannot_be_explained(
    searched: tuple[Path, dict[str, Any]], tmp_path: Path, change: str, arguments: list[str], message: str
) -> None:
    source, search = searched[0] / "mlruns/searches/small", tmp_path / "mlruns/searches/small"
    search.mkdir(parents=True)
    shutil.copy(source / "state.db", search)
    with sqlite3.connect(search / "state.db") as db:
        db.executescript(change)
    done = run("explain", *arguments, cwd=tmp_path, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") <= 1


def test_a_search_that_runs(searched: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = searched
    with SearchLock(folder / "mlruns/searches/small"):
        done = run("explain", "small", cwd=folder, code=2)
    assert "is running already" in done.stderr


@pytest.fixture
def forgotten(searched: tuple[Path, dict[str, Any]]) -> tuple[Path, str]:
    """The search's folder, and a trial that was neither kept nor explained yet."""
    folder, report = searched
    explained = folder / "mlruns/searches/small/explained"
    shutil.rmtree(explained, ignore_errors=True)
    return folder, next(trial["id"] for trial in report["trials"] if trial["id"] != report["best"]["id"])


def assert_explained(folder: Path, trial: str) -> None:
    """The same command goes on, and its figures are those of one that nothing broke off."""
    found = loaded(run("explain", "small", "--trial", trial, "--json", cwd=folder))
    shutil.rmtree(folder / "mlruns/searches/small/explained")
    straight = loaded(run("explain", "small", "--trial", trial, "--json", cwd=folder))
    assert found["figures"] == straight["figures"]
    assert found["notes"] == straight["notes"]
    assert [picture["path"] for picture in found["pictures"]] == [
        picture["path"] for picture in straight["pictures"]
    ]


def test_stopped_by_a_signal_it_goes_on(forgotten: tuple[Path, str]) -> None:
    folder, trial = forgotten
    process = start("explain", "small", "--trial", trial, cwd=folder)
    assert process.stderr is not None
    assert "epoch 1" in next(line for line in process.stderr if "epoch" in line)
    workers = children(process)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on where it was" in errors
    assert "Traceback" not in errors
    assert workers
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert_explained(folder, trial)


@pytest.mark.parametrize("name", ["checkpoint.save.written", "checkpoint.save.after"])
def test_a_killed_worker_ends_it_clearly_and_it_goes_on(
    forgotten: tuple[Path, str], tmp_path: Path, name: str
) -> None:
    folder, trial = forgotten
    once = tmp_path / "once"
    arguments = ("explain", "small", "--trial", trial, "--json")
    done = run(*arguments, cwd=folder, code=2, TUNEKIT_FAILPOINT=f"{name}@2@{once}")
    assert once.exists()
    assert "its worker process ended with SIGKILL; see mlruns/searches/small/logs/worker-0.log" in done.stderr
    assert "Traceback" not in done.stderr
    assert_explained(folder, trial)


def test_files_that_may_not_grow_end_it_clearly(forgotten: tuple[Path, str]) -> None:
    folder, trial = forgotten
    done = run_with_files_up_to(20_000, "explain", "small", "--trial", trial, cwd=folder)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert "mlruns" in last
    assert "Free space there" in last
    assert_explained(folder, trial)


def test_without_mlflow_the_pictures_are_in_the_searchs_folder(
    forgotten: tuple[Path, str], searched: tuple[Path, dict[str, Any]]
) -> None:
    folder, _ = forgotten
    store, away = folder / "mlruns/mlflow.db", folder / "away.db"
    store.rename(away)
    store.write_bytes(b"not a database" * 100)
    try:
        done = run("explain", "small", cwd=folder)
    finally:
        store.unlink()
        away.rename(store)
    assert "The pictures are not in MLflow" in done.stdout
    assert "Traceback" not in done.stderr
    found = explanations(Home(folder / "mlruns").find("small"), searched[1]["best"]["id"])
    assert len(found) == 7
