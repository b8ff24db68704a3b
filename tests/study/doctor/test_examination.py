"""`tunekit doctor` itself, on what is whole and on what is broken in every way."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import TUNEKIT, environment, run
from tunekit.cli.doctor import text
from tunekit.search.lock import SearchLock
from tunekit.study.doctor import searches
from tunekit.study.doctor.finding import attention, guarded, ok, wrong
from tunekit.study.doctor.frameworks import Frameworks
from tunekit.study.doctor.record import judge
from tunekit.study.home import Home
from tunekit.study.resources import gpus

NAMES = [
    "Python", "packages", "processors", "memory", "home", "temporary", "clock", "data", "searches", "Keras", "GPUs",
    "MLflow",
]  # fmt: skip


def findings(printed: str) -> dict[str, dict[str, str]]:
    found: list[dict[str, Any]] = json.loads(printed)["findings"]
    assert [each["name"] for each in found] == NAMES
    return {each["name"]: each for each in found}


def test_a_machine_on_which_all_is_well(tmp_path: Path) -> None:
    # The user's own folder, in which Keras and matplotlib would leave files, is looked at as well.
    folders = dict.fromkeys(("KERAS_HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), "")
    done = run("doctor", cwd=tmp_path, KERAS_BACKEND="tensorflow", HOME=str(tmp_path), **folders)
    assert "Nothing is wrong." in done.stdout
    assert "on tensorflow, loaded in" in done.stdout
    assert "nothing there yet" in done.stdout
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_everything_broken_at_once_is_told_and_nothing_crashes(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.write_text("")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "keras.py").write_text("import time; time.sleep(1000)")
    (broken / "mlflow.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGABRT)")
    arguments = ["doctor", "--json", "--timeout", "4s", "--home", str(home / "below")]
    done = run(*arguments, cwd=tmp_path, code=1, PYTHONPATH=f"{broken}:{Path(__file__).parents[3]}")
    found = findings(done.stdout)
    assert "it is no folder" in found["home"]["found"]
    assert "did not load within 4 s" in found["Keras"]["found"]
    assert found["GPUs"]["status"] == "attention"
    assert "crashed with SIGABRT" in found["MLflow"]["found"]
    assert json.loads(done.stdout)["wrong"] == ["home", "Keras", "MLflow"]
    assert all(each["remedy"] for each in found.values() if each["status"] != "ok")
    assert "Traceback" not in done.stderr


def test_a_package_of_its_own_that_is_broken_spoils_only_what_needs_it(tmp_path: Path) -> None:
    (tmp_path / "psutil.py").write_text("raise RuntimeError('psutil is broken')")
    path = f"{tmp_path}:{Path(__file__).parents[3]}"
    done = run(
        "doctor", "--json", cwd=tmp_path, code=1, PYTHONPATH=path, KERAS_BACKEND="jax"
    )  # loads quickest
    found = findings(done.stdout)
    assert found["memory"]["found"] == "could not be examined: RuntimeError: psutil is broken"
    assert [found[name]["status"] for name in ("packages", "clock", "data")] == ["ok"] * 3
    assert "psutil is broken" in found["MLflow"]["found"], "MLflow needs it as well"


def test_a_backend_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensroflow")
    frameworks = Frameworks(1.0)
    assert frameworks.keras().status == "wrong"
    assert "Did you mean tensorflow?" in frameworks.keras().remedy
    assert frameworks.devices().status == "attention"


@pytest.mark.skipif(bool(gpus()), reason="this machine has a GPU")
def test_cuda_libraries_that_see_no_gpu_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the container for GPUs, started without them."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # loads quickest
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    frameworks = Frameworks(120.0)
    assert frameworks.devices() == ok("GPUs", "none; processors do the work")
    (tmp_path / "nvidia" / "cudnn").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path)
    found = frameworks.devices()
    assert found.status == "attention"
    assert "docker run --gpus all" in found.remedy


def test_the_word_of_keras_json_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    settings = {"backend": "jax", "floatx": "float32", "image_data_format": "channels_last"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    found = Frameworks(120.0).keras()
    assert found.status == "attention", found
    assert "names jax" in found.found
    assert "KERAS_BACKEND=jax" in found.remedy


STORE = {"mlflow": "3.17.2", "uri": "sqlite:////h/mlflow.db", "bytes": 4_000_000, "why": "schema abc"}


@pytest.mark.parametrize(
    ("state", "status", "message"),
    [
        ("none", "ok", "the first search makes it"),
        ("good", "ok", "4 MB: answers, and is of this version"),
        ("older", "wrong", "`mlflow db upgrade sqlite:////h/mlflow.db` after a backup"),
        ("newer", "wrong", "-m pip install --upgrade mlflow"),
        ("damaged", "wrong", "Restore the file from a backup"),
        ("locked", "attention", "Close the program"),
        ("read-only", "wrong", "Make the file and its folder writable"),
        ("unreachable", "wrong", "Start the server"),
    ],
)
def test_what_is_said_of_a_store(state: str, status: str, message: str) -> None:
    found = judge(STORE | {"state": state})
    assert found.status == status
    assert message in f"{found.found} {found.remedy}"


def test_a_command_shows_no_password() -> None:
    found = judge(STORE | {"uri": "postgresql://me:***@there/runs", "state": "older"})
    assert 'mlflow db upgrade "$MLFLOW_TRACKING_URI"' in found.remedy


def test_searches(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert searches.searches(home).found == "none yet"
    folder = home.folder("one").path
    folder.mkdir(parents=True)
    sqlite3.connect(folder / "state.db").close()
    (folder / "state.db").write_bytes(b"no database")
    assert searches.searches(home).status == "wrong"
    assert "state.db" in searches.searches(home).found


def test_a_stopped_search_is_told(tmp_path: Path) -> None:
    with SearchLock(tmp_path):
        assert not searches._is_stopped(tmp_path / "lock")
    sleeping = subprocess.Popen(["sleep", "1000"])
    try:
        sleeping.send_signal(signal.SIGSTOP)
        subprocess.run(["sleep", "0.2"], check=True)
        (tmp_path / "lock").write_text(f"{sleeping.pid}\n")
        assert searches._is_stopped(tmp_path / "lock")
    finally:
        sleeping.kill()
        sleeping.wait()


def test_data_is_looked_for_without_loading_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    (tmp_path / "mnist" / "3.0.1").mkdir(parents=True)
    (tmp_path / "mnist" / "3.0.1" / "dataset_info.json").write_text("{}")
    assert searches.data().found == (
        f"here: digits, mnist; downloaded to {tmp_path} when first searched: cifar10"
    )


def test_a_check_that_fails_is_a_finding() -> None:
    def fails() -> Any:
        raise ValueError("one\ntwo")

    assert guarded("this", fails).found == "could not be examined: ValueError: one two"


def test_the_lines_fit_the_terminal() -> None:
    found = wrong("MLflow", "word " * 30, "Run `mlflow db upgrade` after a backup.")
    for width in (40, 80, 110):
        assert max(map(len, text(found, width).splitlines())) <= width
    assert text(ok("clock", "right"), 80) == "ok         clock       right"
    assert text(attention("clock", "late", "Set it."), 80).splitlines()[1] == " " * 23 + "-> Set it."


def test_the_json_of_a_hidden_backend_error_is_one_object(tmp_path: Path) -> None:
    done = subprocess.run(
        [*TUNEKIT, "doctor", "--json"],
        cwd=tmp_path,
        env=environment(KERAS_BACKEND="nonsense", MLFLOW_TRACKING_URI="http://127.0.0.1:9"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    found = findings(done.stdout)
    assert found["Keras"]["status"] == found["MLflow"]["status"] == "wrong"
    assert "refused" in found["MLflow"]["found"]
