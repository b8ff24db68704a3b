"""What MLflow and its store are here. Run in a process of its own, as `tunekit.study.doctor.process` does."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from tunekit.address import shown, without_password
from tunekit.record.store import quiet_environment, tracking_uri
from tunekit.record.trouble import advice

State = Literal["none", "good", "older", "newer", "damaged", "locked", "read-only", "unreachable"]

LONGEST_CHECK = 10**9
"""Bytes of a database that is read through for damage; of a larger one only what MLflow asks for is read."""


def main() -> None:
    """Writes one JSON object to the descriptor that is the first argument; the second is the home folder."""
    answer = json.dumps(examine(Path(sys.argv[2]))).encode()
    os.write(int(sys.argv[1]), answer)
    os._exit(0)


def examine(home: Path) -> dict[str, Any]:
    """The installed MLflow, and the state of the store that a search would write to; changes nothing in it."""
    quiet_environment()
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    import mlflow

    uri = tracking_uri(home)
    found: dict[str, Any] = {"mlflow": version("mlflow"), "uri": shown(uri), "bytes": 0}
    state, why = _state(uri, Path(mlflow.__file__).parent)
    file = sqlite_file(uri)
    if file is not None and file.exists():
        found["bytes"] = file.stat().st_size
    return found | {"state": state, "why": without_password(why, uri)}


def sqlite_file(uri: str) -> Path | None:
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _state(uri: str, package: Path) -> tuple[State, str]:
    file = sqlite_file(uri)
    if file is not None:
        found = _sqlite_state(file)
        if found is not None:
            return found
    if "://" in uri and not uri.startswith(("http:", "https:", "file:", "databricks")):
        return _database_state(uri, package)
    return _server_state(uri)


def _sqlite_state(file: Path) -> tuple[State, str] | None:
    """What SQLite itself says of it; None where nothing speaks against it."""
    if not file.exists() or not file.stat().st_size:
        return "none", ""
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=3)) as database:
            if file.stat().st_size < LONGEST_CHECK:
                verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
                if verdict != "ok":
                    return "damaged", str(verdict)
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        return ("locked" if "locked" in str(error) else "unreachable"), str(error)
    except sqlite3.DatabaseError as error:
        return "damaged", str(error)
    if not os.access(file, os.W_OK) or not os.access(file.parent, os.W_OK):
        return "read-only", "no right to write it, or its folder"
    return None


def _database_state(uri: str, package: Path) -> tuple[State, str]:
    """The version of its schema beside the installed MLflow's; no table is made."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        with create_engine(uri, poolclass=NullPool).connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except (SQLAlchemyError, ImportError) as error:
        return "unreachable", advice(error)
    script = ScriptDirectory(str(package / "store" / "db_migrations"))
    if current is None:
        return "none", ""
    if current == script.get_current_head():
        return "good", ""
    known = {revision.revision for revision in script.walk_revisions()}
    return ("older" if current in known else "newer"), f"schema {current}"


def _server_state(uri: str) -> tuple[State, str]:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        MlflowClient(uri).search_experiments(max_results=1)
    except (MlflowException, OSError) as error:
        return "unreachable", advice(error)
    return "good", ""
