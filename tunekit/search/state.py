"""A search's durable state: one SQLite file, in which every step is a transaction before anyone is told of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tunekit.errors import SearchError, StoreError
from tunekit.failpoints import reach
from tunekit.results import Epoch, Failure, Kind, Outcome, TimedEpoch, Trial, TrialRecord

FORMAT = 1
"""Of this file; a search of another format is refused rather than mixed."""
PATIENCE = 30.0
"""Seconds to wait for another program that has the file locked."""

SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE trials (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    trial TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('RUNNING', 'COMPLETED', 'FAILED')),
    started REAL NOT NULL,
    ended REAL,
    outcome TEXT,
    failure TEXT,
    deaths INTEGER NOT NULL DEFAULT 0,
    run_id TEXT,
    recorded INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE epochs (
    trial TEXT NOT NULL REFERENCES trials (id),
    number INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    ended REAL NOT NULL,
    PRIMARY KEY (trial, number)
) STRICT, WITHOUT ROWID;
"""


PROBE = f"BEGIN IMMEDIATE; PRAGMA user_version = {FORMAT}; ROLLBACK;"
"""Writes something and takes it back."""


class State:
    """The one file that says what a search has done; only its coordinator writes it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection
        self._together = False

    @classmethod
    def create(cls, path: Path, facts: Mapping[str, Any]) -> State:
        """A new file with these facts; it appears under its name only when it is whole."""
        beside = path.with_name(f".{path.name}")
        for leftover in path.parent.glob(f".{path.name}*"):
            leftover.unlink()
        with _explained(path):
            connection = _connect(beside, "rwc")
            connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
            with connection:
                connection.executemany(
                    "INSERT INTO facts VALUES (?, ?)",
                    [(name, json.dumps(value)) for name, value in facts.items()],
                )
            connection.close()
            reach("state.create.before")
            beside.replace(path)
            reach("state.create.after")
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, write: bool = True) -> State:
        """An existing file, checked for damage."""
        if not path.is_file() or path.stat().st_size == 0:
            raise SearchError(
                f"{path}: expected the search's state, got {'an empty' if path.is_file() else 'no such'} file. "
                "The search cannot be resumed without it; start it under another name."
            )
        with _reading(path):
            # For writing also where it is only read: what a kill left half written must be rolled back first.
            state = cls(path, _connect(path, "rw"))
            try:
                state._check()
                # To see now, and not after an hour of training, whether anything can be written.
                state._db.executescript(PROBE if write else "PRAGMA query_only = ON;")
            except BaseException:
                state.close()
                raise
        return state

    def _check(self) -> None:
        """Read the whole file once: SQLite's own check sees its pages, not what is written in them."""
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found != FORMAT:
            raise SearchError(
                f"{self.path}: expected state format {FORMAT}, got {found}. "
                "Resume with the tunekit that began it."
            )
        verdict = self._db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise _damaged(self.path, verdict)
        for record in self.records():
            self.own_epochs(record.trial.id)
        for (name,) in self._db.execute("SELECT name FROM facts"):
            self.fact(name)

    def close(self) -> None:
        self._db.close()

    # Facts of the search as a whole

    def fact(self, name: str, default: Any = None) -> Any:
        row = self._row("SELECT value FROM facts WHERE name = ?", name)
        with _reading(self.path):
            return default if row is None else json.loads(row[0])

    def set_facts(self, **facts: Any) -> None:
        with self._transaction("set_facts") as db:
            db.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in facts.items()],
            )

    # Trials

    def begin(self, trial: Trial, kind: Kind = "trial") -> TrialRecord:
        """The trial runs from now on; one that runs already is left as it is."""
        with self._transaction("begin") as db:
            db.execute(
                "INSERT OR IGNORE INTO trials (id, kind, trial, status, started) VALUES (?, ?, ?, 'RUNNING', ?)",
                (trial.id, kind, json.dumps(asdict(trial)), time.time()),
            )
        record = self.find(trial.id)
        assert record is not None
        return record

    def add_epoch(self, trial_id: str, epoch: Epoch) -> TimedEpoch | None:
        """None where the epoch is known already, as after a resume that trained it again."""
        timed = TimedEpoch(epoch, time.time())
        with self._transaction("add_epoch") as db:
            cursor = db.execute(
                "INSERT OR IGNORE INTO epochs VALUES (?, ?, ?, ?)",
                (trial_id, epoch.number, json.dumps(asdict(epoch)), timed.ended),
            )
        return timed if cursor.rowcount else None

    def complete(self, trial_id: str, outcome: Outcome) -> None:
        self._end(trial_id, "COMPLETED", outcome=outcome)

    def fail(self, trial_id: str, failure: Failure) -> None:
        self._end(trial_id, "FAILED", failure=failure)

    def count_death(self, trial_id: str) -> int:
        """A worker died of the trial; how many have by now."""
        with self._transaction("count_death") as db:
            db.execute("UPDATE trials SET deaths = deaths + 1 WHERE id = ?", (trial_id,))
        return int(self._row("SELECT deaths FROM trials WHERE id = ?", trial_id)[0])  # type: ignore[index]

    def set_run(self, trial_id: str, run_id: str) -> None:
        with self._transaction("set_run") as db:
            db.execute("UPDATE trials SET run_id = ? WHERE id = ?", (run_id, trial_id))

    def set_recorded(self, trial_id: str) -> None:
        with self._transaction("set_recorded") as db:
            db.execute("UPDATE trials SET recorded = 1 WHERE id = ?", (trial_id,))

    def find(self, trial_id: str) -> TrialRecord | None:
        row = self._row("SELECT * FROM trials WHERE id = ?", trial_id)
        with _reading(self.path):
            return None if row is None else _record(row)

    def records(self, kind: str | None = None) -> list[TrialRecord]:
        """All trials that have begun, by id."""
        with _reading(self.path):
            records = [_record(row) for row in self._db.execute("SELECT * FROM trials ORDER BY id")]
        return [record for record in records if kind in (None, record.kind)]

    def own_epochs(self, trial_id: str) -> list[TimedEpoch]:
        with _reading(self.path):
            rows = self._db.execute(
                "SELECT epoch, ended FROM epochs WHERE trial = ? ORDER BY number", (trial_id,)
            ).fetchall()
            return [TimedEpoch(Epoch(**json.loads(epoch)), ended) for epoch, ended in rows]

    def curve(self, trial_id: str) -> list[TimedEpoch]:
        """The whole curve, ancestors' epochs included."""
        return [*self.inherited(trial_id), *self.own_epochs(trial_id)]

    def inherited(self, trial_id: str) -> list[TimedEpoch]:
        """The ancestors' epochs; the parent of a snapshot may have trained more."""
        record = self.find(trial_id)
        if record is None or record.trial.parent is None:
            return []
        before = self.curve(record.trial.parent)
        return [timed for timed in before if timed.epoch.number <= record.trial.initial_epoch]

    def _end(
        self, trial_id: str, status: str, outcome: Outcome | None = None, failure: Failure | None = None
    ) -> None:
        """Final: a trial that has ended is never changed again."""
        with self._transaction("end") as db:
            db.execute(
                "UPDATE trials SET status = ?, ended = ?, outcome = ?, failure = ? "
                "WHERE id = ? AND status = 'RUNNING'",
                (status, time.time(), _dumped(outcome), _dumped(failure), trial_id),
            )

    def _row(self, query: str, *arguments: object) -> sqlite3.Row | None:
        with _explained(self.path):
            row: sqlite3.Row | None = self._db.execute(query, arguments).fetchone()
        return row

    @contextmanager
    def together(self) -> Iterator[None]:
        """All steps within are on disk at its end, in the time that one takes; an error leaves none of them."""
        with _explained(self.path), self._db:
            self._together = True
            try:
                yield
            finally:
                self._together = False
            written = self._db.in_transaction
            if written:
                reach("state.together.before")
        if written:
            reach("state.together.after")

    @contextmanager
    def _transaction(self, name: str) -> Iterator[sqlite3.Connection]:
        reach(f"state.{name}.before")
        with _explained(self.path), nullcontext() if self._together else self._db:
            yield self._db
        reach(f"state.{name}.after")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=PATIENCE)
    connection.row_factory = sqlite3.Row
    # FULL waits for the disk at every commit: a transaction that was reported survives a loss of power.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


REMEDIES = {
    "is full": "Free some space on the disk",
    "readonly": "Make the file and its folder writable",
    "locked": "Close the other program that has it open",
    "unable to open": "Make the file and its folder writable",
    "I/O error": "Free some space on the disk, or mend it",
}
"""What SQLite says of a disk that is not as it should be; all else it can say of a file is that it is damaged."""


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """SQLite's errors in words that say what to do."""
    try:
        yield
    except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
        raise  # a mistake of ours and not the disk's
    except sqlite3.DatabaseError as error:
        text = str(error)
        action = next((advice for words, advice in REMEDIES.items() if words in text), None)
        if action is None:
            raise _damaged(path, text) from error
        raise StoreError(
            f"{path}: the search's state could not be used: {text}. {action}, then resume."
        ) from error


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What is read may be JSON that is none, or a record without its fields."""
    try:
        with _explained(path):
            yield
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, how: str) -> SearchError:
    return SearchError(f"{path}: the search's state is damaged ({how}). Restore it from a backup.")


def _dumped(value: Outcome | Failure | None) -> str | None:
    return None if value is None else json.dumps(asdict(value))


def _outcome(stored: dict[str, Any]) -> Outcome:
    outcome = Outcome(**stored)
    return replace(outcome, scores=tuple(outcome.scores))  # JSON has lists alone


def _record(row: sqlite3.Row) -> TrialRecord:
    outcome, failure = row["outcome"], row["failure"]
    return TrialRecord(
        trial=Trial(**json.loads(row["trial"])),
        status=row["status"],
        started=row["started"],
        ended=row["ended"],
        outcome=_outcome(json.loads(outcome)) if outcome else None,
        failure=Failure(**json.loads(failure)) if failure else None,
        deaths=row["deaths"],
        run_id=row["run_id"],
        recorded=bool(row["recorded"]),
        kind=row["kind"],
    )
