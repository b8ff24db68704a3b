"""A search's durable state."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Tell
from tests.search.records import make_epoch, make_outcome, make_trial
from tunekit.errors import SearchError, StoreError
from tunekit.results import Failure, Trial
from tunekit.search import state as state_module
from tunekit.search.state import FORMAT, State

FACTS = {"seed": 0, "name": "größe", "nested": {"a": [1, 2.5, None, True]}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def state(path: Path) -> State:
    return State.create(path, FACTS)


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    """A program of its own, to be killed or starved."""
    head = "import os, signal, sys\nfrom pathlib import Path\nfrom tunekit.search.state import State\n"
    head += "from tests.search.records import *\npath = Path(sys.argv[1])\n"
    command = [sys.executable, "-c", head + code, str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


# Creating and opening


def test_facts_come_back_as_they_were(state: State, path: Path) -> None:
    state.set_facts(seed=1, more="x")
    state.close()

    again = State.open(path)
    assert again.fact("seed") == 1
    assert again.fact("name") == FACTS["name"]
    assert again.fact("nested") == FACTS["nested"]
    assert again.fact("more") == "x"
    assert again.fact("unknown") is None
    assert again.fact("unknown", 5) == 5


def test_a_kill_while_it_is_made_leaves_no_state(path: Path) -> None:
    killed = run(
        """
class Facts(dict):
    def items(self):
        yield "seed", 0
        os.kill(os.getpid(), signal.SIGKILL)
State.create(path, Facts(seed=0))
""",
        path,
    )

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not path.exists()
    assert list(path.parent.iterdir()) != [], "it was killed half way"
    with pytest.raises(SearchError, match=r"state\.db: .*no such file"):
        State.open(path)

    State.create(path, FACTS).close()
    assert [file.name for file in path.parent.iterdir()] == ["state.db"]


def test_another_format_is_refused(state: State, path: Path) -> None:
    state._db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    state.close()

    with pytest.raises(SearchError, match=f"expected state format {FORMAT}, got {FORMAT + 1}"):
        State.open(path)


# Trials


def test_a_trial_comes_back_as_it_began(state: State, path: Path) -> None:
    values = {"flag": True, "count": 3, "rate": 0.1 + 0.2, "word": "ä\n"}
    trial = make_trial("03.1", values=values, parent="02", bracket=2, round=1, iteration=1, initial_epoch=1)
    begun = state.begin(trial)
    state.close()

    record = State.open(path).find("03.1")
    assert record == begun
    assert record is not None
    assert record.trial == trial
    assert [type(value) for value in record.trial.values.values()] == [bool, int, float, str]
    assert (record.status, record.ended, record.score, record.deaths) == ("RUNNING", None, None, 0)
    assert (record.kind, record.run_id, record.recorded) == ("trial", None, False)


def test_a_trial_that_runs_already_is_left_as_it_is(state: State) -> None:
    first = state.begin(make_trial())
    state.add_epoch("00", make_epoch())
    state.count_death("00")

    again = state.begin(make_trial(seed=8), kind="repeat")
    assert (again.trial, again.kind, again.started) == (first.trial, "trial", first.started)
    assert again.deaths == 1
    assert len(state.own_epochs("00")) == 1


def test_records_come_by_id_and_kind(state: State) -> None:
    for name, kind in (("02", "trial"), ("00", "trial"), ("00-repeat1", "repeat"), ("01", "trial")):
        state.begin(make_trial(name), kind)

    assert [record.trial.id for record in state.records()] == ["00", "00-repeat1", "01", "02"]
    assert [record.trial.id for record in state.records("trial")] == ["00", "01", "02"]
    assert [record.trial.id for record in state.records("repeat")] == ["00-repeat1"]
    assert state.find("unknown") is None


def test_an_epoch_is_added_once(state: State) -> None:
    state.begin(make_trial())
    timed = state.add_epoch("00", make_epoch(1, 0.5))

    assert timed is not None
    assert state.add_epoch("00", make_epoch(1, 0.75)) is None
    assert state.own_epochs("00") == [timed]
    assert timed.epoch == make_epoch(1, 0.5)


def test_a_curve_holds_the_ancestors_epochs(state: State) -> None:
    state.begin(make_trial("00", epochs=1))
    state.begin(make_trial("01", epochs=3, initial_epoch=1, parent="00"))
    state.begin(make_trial("02", epochs=4, initial_epoch=3, parent="01"))
    for name, number in (("02", 4), ("00", 1), ("01", 3), ("01", 2)):
        state.add_epoch(name, make_epoch(number))

    assert [timed.epoch.number for timed in state.curve("02")] == [1, 2, 3, 4]
    assert [timed.epoch.number for timed in state.curve("01")] == [1, 2, 3]
    assert [timed.epoch.number for timed in state.own_epochs("02")] == [4]
    assert state.curve("unknown") == []


def test_a_trial_completes_or_fails_with_all_that_is_known(state: State, path: Path) -> None:
    state.begin(make_trial("00"))
    state.begin(make_trial("01"))
    well = replace(make_outcome(0.25), scores=(0.0, 0.5), execution=1)
    state.complete("00", well)
    state.fail("01", Failure("oom", "no memory", "Traceback"))
    state.close()

    good, bad = State.open(path).records()
    assert (good.status, good.outcome, good.failure, good.score) == (
        "COMPLETED",
        well,
        None,
        0.25,
    )
    assert (bad.status, bad.outcome, bad.failure) == (
        "FAILED",
        None,
        Failure("oom", "no memory", "Traceback"),
    )
    assert good.ended is not None
    assert good.ended >= good.started


@pytest.mark.parametrize("first", ["complete", "fail"])
def test_how_a_trial_ended_is_final(state: State, first: str) -> None:
    state.begin(make_trial())
    ways = {
        "complete": lambda: state.complete("00", make_outcome(0.9)),
        "fail": lambda: state.fail("00", Failure("nan", "")),
    }
    ways[first]()
    ended = state.find("00")

    for way in ways.values():
        way()
        assert state.begin(make_trial()) == ended
        assert state.find("00") == ended


def test_deaths_are_counted(state: State, path: Path) -> None:
    state.begin(make_trial())
    state.begin(make_trial("01"))

    assert [state.count_death("00"), state.count_death("00")] == [1, 2]
    state.close()
    assert [record.deaths for record in State.open(path).records()] == [2, 0]


def test_what_mlflow_has_is_remembered(state: State) -> None:
    state.begin(make_trial())
    state.set_run("00", "abc")
    state.set_recorded("00")

    (record,) = state.records()
    assert (record.run_id, record.recorded) == ("abc", True)


def test_a_mistake_in_the_program_is_not_called_damage(state: State) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        state.add_epoch("unknown", make_epoch())
    with pytest.raises(TypeError):
        state.set_facts(wrong=object())
    state.close()
    with pytest.raises(sqlite3.ProgrammingError):
        state.records()


# Kills


def test_a_step_that_was_reported_survives_a_kill(path: Path) -> None:
    code = """
state = State.create(path, {"seed": 0})
state.begin(make_trial("00"))
for number in (1, 2):
    state.add_epoch("00", make_epoch(number))
state._db.execute("BEGIN")
state._db.execute("UPDATE trials SET deaths = 99")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(code, path).returncode == -signal.SIGKILL

    (record,) = State.open(path).records()
    assert record.deaths == 0
    assert len(State.open(path).own_epochs("00")) == 2


@pytest.mark.parametrize("write", [True, False])
def test_a_kill_within_a_transaction_is_rolled_back_by_whoever_opens_it_next(path: Path, write: bool) -> None:
    """Pages of the unfinished transaction are in the file already: the journal beside it undoes them."""
    code = """
state = State.create(path, {"seed": 0})
state.begin(make_trial("00"))
state._db.execute("PRAGMA cache_size = 1")
state._db.execute("BEGIN")
for number in range(500):
    state._db.execute("INSERT INTO facts VALUES (?, ?)", (f"fact{number}", "0" * 3000))
state._db.execute("UPDATE trials SET deaths = 99")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(code, path).returncode == -signal.SIGKILL
    assert path.with_name("state.db-journal").stat().st_size > 0

    state = State.open(path, write)
    (record,) = state.records()
    assert record.deaths == 0
    assert state.fact("fact0") is None


# Damage


def example(path: Path) -> bytes:
    """The bytes of a state with a bit of everything in it."""
    state = State.create(path, FACTS)
    for number in range(20):
        trial: Trial = make_trial(f"{number:02}", parent="00" if number else None)
        state.begin(trial)
        for epoch in range(1, 6):
            state.add_epoch(trial.id, make_epoch(epoch))
        if number % 3:
            state.complete(trial.id, make_outcome())
        elif number % 2:
            state.fail(trial.id, Failure("exception", "message", "Traceback"))
    state.close()
    return path.read_bytes()


def mutated(whole: bytes, seed: int) -> bytes:
    draw = random.Random(seed)
    content = bytearray(whole)
    kind = draw.choice(["bit", "bits", "header", "cut", "page", "zeros", "garbage", "appended"])
    at = draw.randrange(len(content))
    match kind:
        case "bit":
            content[at] ^= 1 << draw.randrange(8)
        case "bits":
            for _ in range(draw.randint(2, 50)):
                content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        case "header":
            content[draw.randrange(100)] = draw.randrange(256)
        case "cut":
            del content[at:]
        case "page":
            other = draw.randrange(len(content))
            content[at : at + 512] = content[other : other + 512]
        case "zeros":
            content[at : at + 4096] = bytes(len(content[at : at + 4096]))
        case "garbage":
            content[at : at + 100] = draw.randbytes(len(content[at : at + 100]))
        case "appended":
            content += draw.randbytes(draw.randint(1, 5000))
    return bytes(content)


def read_or_refused(path: Path, content: bytes, seed: int) -> bool:
    """Whether the state could be read; where it could not, the error names the file."""
    path.write_bytes(content)
    for beside in path.parent.glob("state.db-*"):
        beside.unlink()
    refusal = ""
    try:
        state = State.open(path, write=bool(seed % 2))
    except SearchError as error:
        refusal = str(error)
    if refusal:
        assert refusal.startswith(f"{path}: "), f"mutation {seed}"
        return False
    for record in state.records():
        state.curve(record.trial.id)
    state.fact("nested")
    state.close()
    return True


def test_a_damaged_state_is_read_or_refused_by_name(path: Path) -> None:
    whole = example(path)
    read = [read_or_refused(path, mutated(whole, seed), seed) for seed in range(60)]
    assert 0 < sum(read) < 60


@pytest.mark.long
def test_a_damaged_state_is_read_or_refused_by_name_at_length(path: Path, tell: Tell) -> None:
    whole = example(path)
    read = [read_or_refused(path, mutated(whole, seed), seed) for seed in range(60, 1060)]
    tell(f"{len(read)} mutated files: {len(read) - sum(read)} refused by name, {sum(read)} read without loss")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file"),
        (b"hello\n" * 1000, "not a database"),
        (b"SQLite format 3\0", "not a database"),
        (bytes(8192), "not a database"),
    ],
)
@pytest.mark.parametrize("write", [True, False])
def test_what_is_no_state_is_named(path: Path, content: bytes, said: str, write: bool) -> None:
    path.write_bytes(content)
    with pytest.raises(SearchError, match=said) as caught:
        State.open(path, write)
    assert str(path) in str(caught.value)


def test_a_state_cut_short_is_damaged(path: Path) -> None:
    whole = example(path)
    for size in (100, 4096, len(whole) // 2, len(whole) - 4096):
        path.write_bytes(whole[:size])
        with pytest.raises(SearchError, match="damaged"):
            State.open(path)


def test_a_folder_is_no_state(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="no such file"):
        State.open(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trials SET trial = '{}'",
        "UPDATE trials SET trial = '['",
        "UPDATE trials SET outcome = '5', status = 'COMPLETED'",
        """UPDATE epochs SET epoch = '{"number": 1}'""",
        "UPDATE facts SET value = 'x'",
    ],
)
def test_what_sqlite_does_not_check_is_read_when_it_is_opened(state: State, path: Path, change: str) -> None:
    state.begin(make_trial())
    state.add_epoch("00", make_epoch())
    with state._db:
        state._db.execute(change)
    state.close()

    with pytest.raises(SearchError, match=r"state\.db: the search's state is damaged"):
        State.open(path)


# A disk that is not as it should be


def test_a_full_disk_is_named_with_its_remedy(state: State, path: Path) -> None:
    state.begin(make_trial())
    pages = state._db.execute("PRAGMA page_count").fetchone()[0]
    state._db.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StoreError, match=r"state\.db: .*full\. Free some space on the disk, then resume"):
        state.set_facts(large="x" * 100_000)

    state._db.execute("PRAGMA max_page_count = 100000")
    state.set_facts(large="x" * 100_000)
    assert len(state.records()) == 1


@pytest.mark.parametrize("room", [0, 4096, 20_000])
def test_a_file_that_may_not_grow_stays_valid(path: Path, room: int) -> None:
    State.create(path, FACTS).close()
    code = f"""
import resource
from tunekit.errors import StoreError
state = State.open(path)
state.begin(make_trial("00"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
most = path.stat().st_size + {room}
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    for number in range(1, 2000):
        state.add_epoch("00", make_epoch(number))
except StoreError as error:
    print(number, error)
"""
    done = run(code, path)
    assert done.returncode == 0, done.stderr
    number, message = done.stdout.split(" ", 1)
    assert message.startswith(f"{path}: the search's state could not be used: ")
    assert "Free some space on the disk" in message

    kept = State.open(path).own_epochs("00")
    assert len(kept) == int(number) - 1, "every epoch that was reported is there, and no other"


def test_a_locked_state_says_who_must_let_go(
    state: State, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.close()
    monkeypatch.setattr(state_module, "PATIENCE", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match=r"locked\. Close the other program that has it open"):
        State.open(path)
    assert State.open(path, write=False).fact("seed") == 0, "who only reads need not wait"
    other.execute("ROLLBACK")
    opened = State.open(path)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        opened.begin(make_trial())
    other.execute("ROLLBACK")
    opened.begin(make_trial())


def test_who_only_reads_cannot_write(state: State, path: Path) -> None:
    state.close()
    reader = State.open(path, write=False)

    with pytest.raises(StoreError, match="readonly"):
        reader.set_facts(seed=2)
    assert State.open(path).fact("seed") == 0


def test_a_state_that_cannot_be_written_is_told_at_once(state: State, path: Path) -> None:
    """Its header says so here; to the superuser, who may run these tests, no file is read-only."""
    state.close()
    content = bytearray(path.read_bytes())
    content[18] = 3
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"readonly.*Make the file and its folder writable"):
        State.open(path)
    assert State.open(path, write=False).fact("seed") == 0
