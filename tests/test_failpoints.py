"""Instants at which a test may end the process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import timeit
from pathlib import Path

import pytest

from tests.failing import struck_at
from tests.study.commands import environment
from tunekit import failpoints
from tunekit.failpoints import VARIABLE, armed, reach

PROGRAM = """
from tunekit.failpoints import reach
for name in ("one", "two", "one", "two", "one"):
    print(name, flush=True)
    reach(name)
"""


def killed(setting: str) -> tuple[int, int]:
    """The exit code, and how many names were reached."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment() | {VARIABLE: setting},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, len(done.stdout.split())


@pytest.mark.parametrize(
    ("setting", "reached"), [("one@1", 1), ("two@1", 2), ("one@2", 3), ("one@3", 5), ("*@1", 1), ("*@4", 4)]
)
def test_the_process_is_killed_where_the_variable_says(setting: str, reached: int) -> None:
    assert killed(setting) == (-signal.SIGKILL, reached)


@pytest.mark.parametrize("setting", ["one@4", "three@1", "on@1", "*@6"])
def test_what_is_not_reached_kills_nothing(setting: str) -> None:
    assert killed(setting) == (0, 5)


def test_of_several_processes_only_the_first_is_killed(tmp_path: Path) -> None:
    setting = f"two@1@{tmp_path / 'once'}"
    assert killed(setting) == (-signal.SIGKILL, 2)
    assert (tmp_path / "once").exists()
    assert killed(setting) == (0, 5)


def test_a_callback_is_told_every_name_and_only_while_it_is_armed() -> None:
    told: list[str] = []
    with armed(told.append):
        reach("one")
        reach("two")
    reach("three")
    assert told == ["one", "two"]


def test_who_is_dead_writes_nothing_on_the_way_out() -> None:
    written = []
    with struck_at(2) as counter:
        try:
            reach("first")
            reach("second")
        finally:
            reach("cleaning up")
            written.append("something")
    assert written == []
    assert counter.reached == ["first", "second"]


def test_nothing_is_armed_by_default_and_costs_nothing() -> None:
    assert VARIABLE not in os.environ
    assert failpoints._armed is None
    assert min(timeit.repeat(lambda: reach("name"), number=10_000, repeat=5)) / 10_000 < 1e-6


def test_every_failpoint_is_reached_before_and_after() -> None:
    """Of each pair of names in the source there are both."""
    text = "\n".join(path.read_text() for path in Path(failpoints.__file__).parent.rglob("*.py"))
    names = set(re.findall(r'reach\(f?"([^"]+)"\)', text))
    for name in names:
        stem, when = name.rsplit(".", 1)
        assert {f"{stem}.before", f"{stem}.after"} <= names, name
        assert when in ("before", "written", "after")
