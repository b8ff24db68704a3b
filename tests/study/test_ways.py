"""Other ways through: the other tuners, recurrent models, a model that breaks or hangs, a user's own store, JAX."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import (
    TINY,
    assert_recorded,
    children,
    kill_group,
    loaded,
    run,
    start,
    wait_for_trials,
)

OWN_MODEL = """
import keras


def build(values, data):
    inputs = keras.Input(data.shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(values["width"], activation="relu", name="wide.first-layer")(x)
    return keras.Model(inputs, keras.layers.Dense(data.classes, activation="softmax")(x))
"""


@pytest.mark.parametrize(
    ("tuner", "trials"),
    [
        pytest.param("random", 4, marks=pytest.mark.long),
        ("bayesian", 6),
        pytest.param("grid", 4, marks=pytest.mark.long),  # a trial that hangs is of such a search
    ],
)
def test_the_other_tuners(tuner: str, trials: int, tmp_path: Path) -> None:
    space = tmp_path / "small.yaml"
    space.write_text(
        "name: small\nmodel: lenet5\ndata: {digits: true, validation: 0.2}\n"
        f"search: {{tuner: {tuner}, max_epochs: 1, seed: 3, limit: 200, max_trials: {trials}}}\n"
        "parameters:\n  optimizer: [adam, sgd]\n  filters: [2, 4]\n  kernel_size: 3\n  hidden_units: 8\n"
        + ("" if tuner == "grid" else "  learning_rate: {min: 0.001, max: 0.1, scale: log}\n")
    )
    report = loaded(run("search", space, "--workers", 2, "--json", cwd=tmp_path))
    assert len(report["trials"]) == trials
    assert {trial["epochs"] for trial in report["trials"]} == {1}
    if tuner == "grid":
        assert len({str(trial["values"]) for trial in report["trials"]}) == 4
    assert_recorded(report)


def test_a_recurrent_search_shows_its_kernels_and_states(tmp_path: Path) -> None:
    import mlflow

    report = loaded(
        run("search", "gru-digits", "--max-epochs", 2, "--max-trials", 2, "--limit", 200, "--set", "layers=2",
            "--workers", 1, "--json", cwd=tmp_path)
    )  # fmt: skip
    assert_recorded(report)
    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    for trial in report["trials"]:
        names = {artifact.path for artifact in client.list_artifacts(trial["run_id"])}
        assert {"kernels.png", "hidden.png"} <= names


def test_the_users_own_tracking_store_is_used(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/team.db"
    report = loaded(
        run("search", TINY, "--max-trials", 1, "--workers", 1, "--json", "--home", "here", cwd=tmp_path,
            MLFLOW_TRACKING_URI=uri, MLFLOW_EXPERIMENT_NAME="team")
    )  # fmt: skip
    assert report["mlflow"]["tracking_uri"] == uri
    assert not (tmp_path / "here/mlflow.db").exists()
    assert_recorded(report)


def test_one_diverging_configuration_does_not_end_the_search(tmp_path: Path) -> None:
    import mlflow

    (tmp_path / "wild.py").write_text(
        OWN_MODEL.replace("Rescaling(1 / 255)", "Rescaling(float('inf') if values['wild'] else 1 / 255)")
    )
    space = tmp_path / "wild.yaml"
    space.write_text(
        "name: wild\nmodel: wild:build\ndata: {digits: true, validation: 0.2}\n"
        "search: {max_epochs: 2, factor: 2, limit: 200}\nparameters:\n  wild: [true, false]\n"
        "  width: {min: 4, max: 12}\n  learning_rate: {min: 0.001, max: 0.1, scale: log}\n"
    )
    report = loaded(run("search", space, "--workers", 1, "--json", cwd=tmp_path))
    assert_recorded(report)
    failed = [trial for trial in report["trials"] if trial["status"] == "FAILED"]
    assert failed, "no configuration diverged"
    assert {trial["cause"] for trial in failed} == {"nan"}
    completed = [trial for trial in report["trials"] if trial["status"] == "COMPLETED"]
    assert len([trial for trial in completed if trial["round"] == 0]) == 4, "a rung is short"
    client = mlflow.MlflowClient(report["mlflow"]["tracking_uri"])
    run_ = client.get_run(failed[0]["run_id"])
    assert run_.info.status == "FAILED"
    assert run_.data.tags["tunekit.cause"] == "nan"
    assert "traceback.txt" in {artifact.path for artifact in client.list_artifacts(failed[0]["run_id"])}


def test_a_changed_space_cannot_be_mixed_into_a_search(finished: tuple[Path, dict[str, Any]]) -> None:
    refused = run("search", TINY, "--seed", 5, "--resume", cwd=finished[0], code=2)
    assert "search.seed: was 1, is 5" in refused.stderr


def test_workers_end_with_a_killed_coordinator_and_a_resume_keeps_what_it_began_with(tmp_path: Path) -> None:
    """A search begun with --fast goes on so; its workers' command line ends with the choice."""
    process = start("search", TINY, "--workers", 2, "--fast", cwd=tmp_path)
    wait_for_trials(tmp_path / "mlruns", "tiny", 1)
    assert_killed_with_its_workers(process)
    process = start("resume", "--workers", 1, cwd=tmp_path)
    wait_for_trials(tmp_path / "mlruns", "tiny", 2)
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0") for pid in children(process)]
    kill_group(process)
    assert commands
    assert all(command.endswith(b"\x001\x000") for command in commands)


def assert_killed_with_its_workers(process: subprocess.Popen[str]) -> None:
    """The coordinator alone is killed; its workers leave by themselves."""
    workers = children(process)
    assert workers
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_a_trial_that_hangs_is_ended_and_named(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        OWN_MODEL.replace("def build(values, data):\n", "import time\n\n\ndef build(values, data):\n")
        .replace("    inputs", "    if values['width'] == 9:\n        time.sleep(600)\n    inputs", 1)
    )  # fmt: skip
    space = tmp_path / "slow.yaml"
    space.write_text(
        "name: slow\nmodel: slow:build\ndata: {digits: true, validation: 0.2}\n"
        "search: {tuner: grid, max_epochs: 1, limit: 200}\nparameters:\n  width: [8, 9, 10]\n"
    )
    report = loaded(run("search", space, "--workers", 1, "--trial-timeout", "20s", "--json", cwd=tmp_path))
    causes = {trial["values"]["width"]: trial.get("cause") for trial in report["trials"]}
    assert causes == {8: None, 9: "timeout", 10: None}


@pytest.mark.jax
def test_the_same_search_on_jax(tmp_path: Path) -> None:
    report = loaded(
        run("search", TINY, "--max-trials", 6, "--workers", 2, "--json", cwd=tmp_path, KERAS_BACKEND="jax")
    )
    assert_recorded(report)
    again = loaded(run("train", report["config"], "--json", cwd=tmp_path, KERAS_BACKEND="jax"))
    assert again["score"] == report["best"]["score"]
