"""Where MLflow keeps the record: the user's own server, or a file below the home folder."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.address import shown
from tunekit.errors import SearchError, StoreError
from tunekit.record.trouble import advice, opening

if TYPE_CHECKING:
    from mlflow import MlflowClient

DATABASE = "mlflow.db"
MLFLOW = threading.RLock()
"""Held by who opens a store or registers a model: MLflow has one address for a process, whose searches may be many."""
DATABASE_SERVERS = ("postgresql", "mysql", "mssql")
"""How addresses of those begin that MLflow records in directly."""


@dataclass(frozen=True)
class Store:
    """An open MLflow store and the experiment in it that a search writes to."""

    client: MlflowClient
    tracking_uri: str = field(repr=False)
    """With its password, where it has one; `address` is for others to read."""
    experiment_id: str

    @property
    def address(self) -> str:
        return shown(self.tracking_uri)


def tracking_uri(home: Path) -> str:
    """MLFLOW_TRACKING_URI where the user has set it, else the database below the home folder."""
    with MLFLOW:
        return os.environ.get("MLFLOW_TRACKING_URI") or _own_uri(home)


def _own_uri(home: Path) -> str:
    return f"sqlite:///{(home / DATABASE).absolute()}"


def check_same_store(home: Path, before: str | None) -> None:
    """A search is recorded in one store; a home folder that was moved takes its own along."""
    if before is None:
        return
    own = _own_uri(home)
    # A password may change, and is not part of what a search remembers.
    was, now = shown(before), shown(tracking_uri(home))
    moved = now == own and was.endswith(f"/{DATABASE}")
    if was != now and not moved:
        remedy = (
            "Leave out --tracking-uri and unset MLFLOW_TRACKING_URI"
            if was == own
            else "Give it with --tracking-uri, or set MLFLOW_TRACKING_URI to it"
        )
        raise SearchError(f"This search is recorded in {was}, but now {now} would be used. {remedy}.")


def quiet_environment() -> None:
    """Before MLflow is imported: nothing is sent anywhere, and no stored model may run code when it is read."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    # Standard output is the caller's, who may read JSON from it.
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # A server that is away must not hold up the search: what is missing is recorded when it is back.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    warnings.filterwarnings("ignore", module="mlflow.*")


def load_mlflow() -> None:
    """Import it, which takes a second or two, before it is needed."""
    quiet_environment()
    import mlflow.tracking

    assert mlflow.tracking


def open_store(home: Path, experiment: str, objective: str) -> Store:
    """Open the store, made if need be, with the experiment of this name, or of MLFLOW_EXPERIMENT_NAME."""
    load_mlflow()
    for logger in ("alembic", "mlflow"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    # It prints the whole traceback of every error that it raises as well.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

    with MLFLOW:
        return _open(home, experiment, objective)


def _open(home: Path, experiment: str, objective: str) -> Store:
    import mlflow
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    uri = tracking_uri(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
        if uri == _own_uri(home):
            _make_database(home)
        elif uri.startswith(DATABASE_SERVERS):
            _knock(uri)
        set_tracking_uri(uri)
        client = mlflow.MlflowClient(uri)
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or experiment
        found = client.get_experiment_by_name(name)
        if found is None:
            experiment_id = _create(client, name, home, objective)
        elif found.lifecycle_stage == "deleted":
            raise StoreError(
                f"{shown(uri)}: the experiment {name} was deleted. Restore it with `mlflow experiments restore "
                f"--experiment-id {found.experiment_id}`, or set MLFLOW_EXPERIMENT_NAME to another."
            )
        else:
            experiment_id = found.experiment_id
    except (MlflowException, SQLAlchemyError, ImportError) as error:
        raise opening(error, uri) from error
    except OSError as error:
        raise StoreError(f"{home}: MLflow's store could not be written: {advice(error)}.") from error
    return Store(client, uri, experiment_id)


def _knock(uri: str) -> None:
    """MLflow itself tries a database that does not answer for 100 s before it says so."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    create_engine(uri, poolclass=NullPool).connect().close()


def _make_database(home: Path) -> None:
    """Under another name first: MLflow cannot mend a database whose making was broken off, nor make one twice."""
    final = home / DATABASE
    if final.exists() and final.stat().st_size:
        return
    import mlflow

    with tempfile.TemporaryDirectory(prefix=".mlflow-", dir=home) as scratch:
        made = Path(scratch) / DATABASE
        with _unsynchronised():
            mlflow.MlflowClient(f"sqlite:///{made.absolute()}").search_experiments(max_results=1)
        with made.open("rb") as file:
            os.fsync(file)
        if final.exists() and not final.stat().st_size:
            final.unlink()  # and none that another process has put there meanwhile
        with suppress(FileExistsError):
            os.link(made, final)


@contextmanager
def _unsynchronised() -> Iterator[None]:
    """SQLite need not wait for the disk: MLflow makes its tables in hundreds of transactions, seconds of waiting."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def opened(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", opened)
    try:
        yield
    finally:
        event.remove(Engine, "connect", opened)


def set_tracking_uri(uri: str) -> None:
    """For MLflow's fluent calls, which would make a database of their own in the working directory without it."""
    import mlflow

    users_own = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    # MLflow exports it, where the next search of this process would take it for the user's own wish.
    if users_own is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)


def _create(client: MlflowClient, name: str, home: Path, objective: str) -> str:
    own = "MLFLOW_TRACKING_URI" not in os.environ
    # A server of the user's decides on its own where artefacts go.
    location = (home / "artifacts" / name).absolute().as_uri() if own else None
    experiment_id: str = client.create_experiment(
        name,
        artifact_location=location,
        tags={
            "mlflow.experimentKind": "custom_model_development",
            "mlflow.experiment.primaryMetric.name": f"best_{objective}",
            "mlflow.experiment.primaryMetric.greaterIsBetter": "True",
        },
    )
    return experiment_id
