"""`tunekit explain` as a user runs it: the winner, a trial that was not kept, and what cannot be explained."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import children, loaded, run, run_with_files_up_to, start
from tunekit.search.lock import SearchLock
from tunekit.study.explain import explanations
from tunekit.study.home import Home

Searched = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def searched(finished: Searched, tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """A finished search, of whose trials the winner alone has its weights, in a home that may be written to."""
    folder, (source, report) = tmp_path_factory.mktemp("explained"), finished
    for part in ("data", "searches"):
        shutil.copytree(
            source / "mlruns" / part, folder / "mlruns" / part, ignore=shutil.ignore_patterns("logs")
        )
    store = folder / "mlruns/mlflow.db"
    with sqlite3.connect(source / "mlruns/mlflow.db") as shared, sqlite3.connect(store) as db:
        shared.backup(db)  # another test may be writing into it
        moved = (str(source), str(folder))
        db.execute("UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?)", moved)
        db.execute("UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)", moved)
    return folder, report | {"mlflow": report["mlflow"] | {"tracking_uri": f"sqlite:///{store}"}}


@pytest.fixture(scope="module")
def other(searched: Searched) -> str:
    """A trial of two epochs that was not kept."""
    folder, report = searched
    found = next(
        trial["id"]
        for trial in report["trials"]
        if trial["epochs"] == 2 and trial["parent"] is None and trial["id"] != report["best"]["id"]
    )
    assert not (folder / "mlruns/searches/tiny/checkpoints" / found).exists()
    return str(found)


@dataclass(frozen=True)
class Straight:
    """An explanation that nothing broke off."""

    told: subprocess.CompletedProcess[str]
    stored: dict[str, Any]
    kept: Path
    """Its folder, out of the others' way."""


@pytest.fixture(scope="module")
def straight(searched: Searched, other: str) -> Straight:
    """Of the trial that was not kept."""
    folder = searched[0]
    told = run("explain", "tiny", "--trial", other, cwd=folder)
    explained = folder / "mlruns/searches/tiny/explained" / other
    stored = json.loads((explained / "explain.json").read_text())
    return Straight(told, stored, explained.rename(folder / "kept"))


def test_the_winner(searched: Searched) -> None:
    import mlflow

    folder, report = searched
    found = loaded(run("explain", "tiny", "--json", cwd=folder))
    best = report["best"]
    assert (found["search"], found["trial"]) == ("tiny", best["id"])
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
    search = Home(folder / "mlruns").find("tiny")
    listed = explanations(search, best["id"])
    assert [str(one.path) for one in listed] == [picture["path"] for picture in found["pictures"]]
    assert explanations(search, "none") == []


def test_a_trial_that_was_not_kept_is_trained_again_to_the_bit(
    searched: Searched, other: str, straight: Straight
) -> None:
    folder, report = searched
    assert f"Trial {other} was not kept: training it again for 2 epochs" in straight.told.stdout
    assert "epoch 2" in straight.told.stderr
    assert not any("instead of" in note for note in straight.stored["notes"])
    wrong = straight.stored["figures"]["mistakes"]
    score = next(trial["score"] for trial in report["trials"] if trial["id"] == other)
    assert 1 - wrong["wrong"] / wrong["images"] == pytest.approx(score)

    explained = folder / "mlruns/searches/tiny/explained" / other
    shutil.copytree(straight.kept, explained)
    again = run("explain", "tiny", "--trial", other, cwd=folder)
    assert "training it again" not in again.stdout
    assert "epoch" not in again.stderr
    assert json.loads((explained / "explain.json").read_text()) == straight.stored


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ("", ["nothing"], "nothing"),
        ("", ["tiny", "--trial", "77"], "expected a trial of this search, got '77'"),
        ("DELETE FROM facts WHERE name = 'best'", ["tiny"], "expected a search that has its winner"),
        (
            """UPDATE trials SET outcome = NULL, status = 'FAILED', failure = '{"cause": "oom", "message": "full"}'""",
            ["tiny"],
            "which failed: oom: full",
        ),
        ("UPDATE trials SET outcome = NULL, status = 'RUNNING'", ["tiny"], "which was broken off"),
        (
            "UPDATE facts SET value = '\"0ther\"' WHERE name = 'data_sha256'",
            ["tiny"],
            "expected the data that it was searched on, sha256 0ther",
        ),
    ],
)
def test_what_cannot_be_explained(
    searched: Searched, tmp_path: Path, change: str, arguments: list[str], message: str
) -> None:
    source, search = searched[0] / "mlruns/searches/tiny", tmp_path / "mlruns/searches/tiny"
    search.mkdir(parents=True)
    shutil.copy(source / "state.db", search)
    with sqlite3.connect(search / "state.db") as db:
        db.executescript(change)
    done = run("explain", *arguments, cwd=tmp_path, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") <= 1


def test_a_search_that_runs(searched: Searched) -> None:
    folder, _ = searched
    with SearchLock(folder / "mlruns/searches/tiny"):
        done = run("explain", "tiny", cwd=folder, code=2)
    assert "is running already" in done.stderr


@pytest.fixture
def forgotten(searched: Searched, other: str) -> tuple[Path, str]:
    """The search's folder, and a trial that was neither kept nor explained yet."""
    shutil.rmtree(searched[0] / "mlruns/searches/tiny/explained", ignore_errors=True)
    return searched[0], other


def assert_explained(folder: Path, trial: str, straight: Straight) -> None:
    """The same command goes on, and its figures are those of one that nothing broke off."""
    found = loaded(run("explain", "tiny", "--trial", trial, "--json", cwd=folder))
    assert found["figures"] == straight.stored["figures"]
    assert found["notes"] == straight.stored["notes"]
    names = [picture["file"] for picture in straight.stored["pictures"]]
    assert [Path(picture["path"]).name for picture in found["pictures"]] == names
    assert all((straight.kept / name).exists() for name in names)


def test_stopped_by_a_signal_it_goes_on(forgotten: tuple[Path, str], straight: Straight) -> None:
    folder, trial = forgotten
    process = start("explain", "tiny", "--trial", trial, cwd=folder)
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
    assert_explained(folder, trial, straight)


@pytest.mark.parametrize(
    "name", ["checkpoint.save.written", pytest.param("checkpoint.save.after", marks=pytest.mark.long)]
)
def test_a_killed_worker_ends_it_clearly_and_it_goes_on(
    forgotten: tuple[Path, str], straight: Straight, tmp_path: Path, name: str
) -> None:
    folder, trial = forgotten
    once = tmp_path / "once"
    arguments = ("explain", "tiny", "--trial", trial, "--json")
    done = run(*arguments, cwd=folder, code=2, TUNEKIT_FAILPOINT=f"{name}@2@{once}")
    assert once.exists()
    assert "its worker process ended with SIGKILL; see mlruns/searches/tiny/logs/worker-0.log" in done.stderr
    assert "Traceback" not in done.stderr
    assert_explained(folder, trial, straight)


def test_files_that_may_not_grow_end_it_clearly(forgotten: tuple[Path, str], straight: Straight) -> None:
    folder, trial = forgotten
    done = run_with_files_up_to(20_000, "explain", "tiny", "--trial", trial, cwd=folder)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert "mlruns" in last
    assert "Free space there" in last
    assert_explained(folder, trial, straight)


def test_without_mlflow_the_pictures_are_in_the_searchs_folder(
    forgotten: tuple[Path, str], searched: tuple[Path, dict[str, Any]]
) -> None:
    folder, _ = forgotten
    store, away = folder / "mlruns/mlflow.db", folder / "away.db"
    store.rename(away)
    store.write_bytes(b"not a database" * 100)
    try:
        done = run("explain", "tiny", cwd=folder)
    finally:
        store.unlink()
        away.rename(store)
    assert "The pictures are not in MLflow" in done.stdout
    assert "Traceback" not in done.stderr
    found = explanations(Home(folder / "mlruns").find("tiny"), searched[1]["best"]["id"])
    assert len(found) == 7
