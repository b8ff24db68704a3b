"""What is said of a store: none, good, of another version, damaged, locked, unreachable."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tunekit.record.examine import examine
from tunekit.record.store import open_store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        home = tmp_path_factory.mktemp("home")
        open_store(home, "one", "val_accuracy")
    return home / "mlflow.db"


@pytest.fixture
def database(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Path(shutil.copy(made, tmp_path / "mlflow.db"))


def set_schema(database: Path, revision: str) -> None:
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = ?", (revision,))


def test_a_home_without_a_store_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert examine(tmp_path / "home")["state"] == "none"
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_this_version_is_good_and_left_as_it_is(database: Path) -> None:
    before = database.read_bytes()
    found = examine(database.parent)
    assert (found["state"], found["bytes"]) == ("good", len(before))
    assert database.read_bytes() == before
    assert list(database.parent.iterdir()) == [database]


# The first revision that MLflow ever had, and one that it has not.
@pytest.mark.parametrize(("revision", "state"), [("451aebb31d03", "older"), ("ffffffffffff", "newer")])
def test_a_store_of_another_version(database: Path, revision: str, state: str) -> None:
    set_schema(database, revision)
    found = examine(database.parent)
    assert (found["state"], found["why"]) == (state, f"schema {revision}")


@pytest.mark.parametrize("damage", ["text", "pages", "cut"])
def test_a_damaged_store(database: Path, damage: str) -> None:
    content = bytearray(database.read_bytes())
    if damage == "text":
        content[:100] = b"x" * 100
    elif damage == "pages":
        content[8192 : len(content) // 2] = b"\xff" * (len(content) // 2 - 8192)
    else:
        content = content[: len(content) // 2]
    database.write_bytes(content)
    found = examine(database.parent)
    assert found["state"] == "damaged", found


def test_a_locked_store(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert examine(database.parent)["state"] == "locked"


def test_a_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    found = examine(tmp_path)
    assert found["state"] == "unreachable"
    assert "refused" in found["why"]
    assert "secret" not in str(found)


def test_a_database_whose_driver_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@127.0.0.1:9/runs")
    found = examine(tmp_path)
    assert found["state"] == "unreachable"
    assert "secret" not in str(found)
