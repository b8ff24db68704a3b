"""MLflow's errors in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tunekit.address import for_command, shown, without_password
from tunekit.errors import StoreError

ADVICE = (
    (("disk is full", "No space left", "File too large", "quota exceeded"), "Free space there"),
    (("readonly", "read-only", "Read-only", "Permission denied"), "Make it writable"),
    (("is locked",), "Close the other program that has it locked"),
    (("I/O error", "Input/output error", "malformed"), "Mend the disk, or restore the file from a backup"),
)
"""What a message says, and what helps."""
DRIVERS = (
    "Install the database's driver, and name it in the address: for PostgreSQL `pip install psycopg2-binary` "
    "and postgresql+psycopg2://..."
)


def advice(error: BaseException) -> str:
    """What the store says, on one line, and what to do about it."""
    text = str(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    for words, action in ADVICE:
        said = [line for line in lines if any(word in line for word in words)]
        if said:
            return f"{said[0]}. {action}"
    return f"{lines[0]}. Check the address, and that the server or the disk behind it can be reached"


def opening(error: BaseException, uri: str) -> StoreError:
    """Of a store that could not be opened."""
    if "db upgrade" in str(error) or "out-of-date database schema" in str(error):
        command = f"mlflow db upgrade {for_command(uri)}"
        remedy = f"it was made by another version of MLflow. Run `{command}` after a backup"
    elif isinstance(error, ImportError):
        remedy = f"{error}. {DRIVERS}"
    else:
        remedy = without_password(advice(error), uri)
    return StoreError(f"{shown(uri)}: MLflow's store could not be opened: {remedy}.")


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Around everything that is written to the store."""
    try:
        yield
    except Exception as error:
        # Imported here: who opens a store has loaded MLflow by then, and it takes seconds.
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        if not isinstance(error, MlflowException | SQLAlchemyError | OSError):
            raise
        raise StoreError(
            f"{shown(uri)}: MLflow's store could not be written: {without_password(advice(error), uri)}. What is "
            "finished is kept in the search's own state; resume the search once the store is mended."
        ) from error
