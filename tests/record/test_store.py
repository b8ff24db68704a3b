"""Where MLflow keeps the record."""

from __future__ import annotations

import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tunekit.errors import SearchError, StoreError
from tunekit.record.store import DATABASE, Store, _unsynchronised, check_same_store, open_store, tracking_uri


def test_the_store_is_below_home_and_artefacts_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    store = open_store(tmp_path / "home", "space", "val_accuracy")
    experiment = store.client.get_experiment(store.experiment_id)
    assert experiment.artifact_location == (tmp_path / "home/artifacts/space").as_uri()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert [path.name for path in (tmp_path / "home").iterdir()] == [DATABASE]


def test_a_second_home_in_one_process_has_a_store_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    first = open_store(tmp_path / "one", "space", "val_accuracy")
    second = open_store(tmp_path / "two", "space", "val_accuracy")
    assert first.tracking_uri != second.tracking_uri
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert (tmp_path / "two" / DATABASE).exists()


def test_threads_make_one_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    names = [f"space-{number}" for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda name: open_store(tmp_path / "home", name, "val_accuracy"), names))
    found = {store.client.get_experiment(store.experiment_id).name for store in stores}
    assert found == set(names)
    assert len({store.tracking_uri for store in stores}) == 1


def test_the_users_own_store_and_experiment_are_respected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = f"sqlite:///{tmp_path}/own.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", own)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "ours")
    monkeypatch.chdir(tmp_path)
    store = open_store(tmp_path / "home", "space", "val_accuracy")
    assert store.tracking_uri == own == tracking_uri(tmp_path / "home")
    assert store.client.get_experiment(store.experiment_id).name == "ours"
    assert not (tmp_path / "home" / DATABASE).exists()


def test_an_empty_database_left_by_a_kill_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / DATABASE).touch()
    store = open_store(tmp_path, "space", "val_accuracy")
    assert store.client.search_runs([store.experiment_id]) == []


def test_a_database_that_is_none_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / DATABASE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match=r"mlflow\.db.*could not be opened"):
        open_store(tmp_path, "space", "val_accuracy")


def test_an_older_schema_is_sent_to_mlflows_own_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    open_store(tmp_path / "made", "space", "val_accuracy")
    old = tmp_path / "old"
    old.mkdir()
    (old / DATABASE).write_bytes((tmp_path / "made" / DATABASE).read_bytes())
    with sqlite3.connect(old / DATABASE) as db:
        db.execute("UPDATE alembic_version SET version_num = '181f10493468'")
    with pytest.raises(StoreError, match="mlflow db upgrade"):
        open_store(old, "space", "val_accuracy")


def test_a_search_stays_with_the_store_that_it_began_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    own = tracking_uri(tmp_path)
    check_same_store(tmp_path, None)
    check_same_store(tmp_path, own)
    check_same_store(tmp_path / "moved", own)
    with pytest.raises(SearchError, match=r"recorded in http://team:5000"):
        check_same_store(tmp_path, "http://team:5000")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://team:5000")
    check_same_store(tmp_path, "http://team:5000")
    with pytest.raises(SearchError, match="Leave out --tracking-uri and unset"):
        check_same_store(tmp_path, own)
    with pytest.raises(SearchError, match="Give it with --tracking-uri"):
        check_same_store(tmp_path, "http://other:5000")


def test_a_store_is_the_same_with_another_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@team:5000")
    for before in ("http://me:***@team:5000", "http://me:older@team:5000"):
        check_same_store(tmp_path, before)
    with pytest.raises(SearchError, match=r"now http://me:\*\*\*@team:5000 would be used"):
        check_same_store(tmp_path, "http://me:older@other:5000")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("http://me:secret@127.0.0.1:9", "refused"),
        ("postgresql+psycopg2://me:secret@127.0.0.1:9/runs", "refused"),
        ("postgresql+absent://me:secret@127.0.0.1:9/runs", "absent"),
    ],
)
def test_a_store_that_cannot_be_opened_is_named_without_its_password(
    uri: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(StoreError, match=reason) as found:
        open_store(tmp_path, "space", "val_accuracy")
    assert uri.replace("secret", "***") in str(found.value)
    assert "secret" not in str(found.value)


def test_an_open_store_keeps_its_password_to_itself() -> None:
    store = Store(None, "http://me:secret@team:5000", "1")  # type: ignore[arg-type]
    assert store.address == "http://me:***@team:5000"
    assert "secret" not in repr(store)


def test_the_disk_is_not_waited_for_while_tables_are_made_and_is_afterwards(tmp_path: Path) -> None:
    import sqlalchemy

    def synchronous(name: str) -> int:
        with sqlalchemy.create_engine(f"sqlite:///{tmp_path / name}").connect() as connection:
            return int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    with _unsynchronised():
        assert synchronous("made.db") == 0
    assert synchronous("used.db") == 2
