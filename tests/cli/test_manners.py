"""How the command behaves in terminals that are narrow, plain, colourless or absent."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.terminal import ESCAPES, Terminal
from tests.study.commands import TINY, TUNEKIT, environment, run

SMALL = ["--tuner", "random", "--max-trials", "2", "--max-epochs", "1", "--limit", "240", "--no-pictures"]
SMALL += ["--workers", "1"]
COLOUR = re.compile(rb"\x1b\[[0-9;]*(?:3[0-9]|4[0-9]|9[0-7])[;m]")
NOISE = re.compile(r"tensorflow|WARNING|INFO|cuda|oneDNN|XLA|alembic|mlflow\.store", re.IGNORECASE)
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_a_narrow_colourless_terminal_without_unicode(tmp_path: Path) -> None:
    """Everything that a terminal can lack at once; --verbose tells each epoch."""
    with Terminal(
        [*TUNEKIT, "search", str(TINY), *SMALL, "--verbose"], tmp_path, columns=40, **ASCII
    ) as terminal:
        assert terminal.end() == 0, terminal.text
    assert not COLOUR.search(terminal.raw)
    assert terminal.raw.isascii()
    text = terminal.text
    assert "Traceback" not in text
    assert not NOISE.search(text.replace(str(tmp_path), ""))
    assert re.search(r"trial 0+ epoch 1 of 1: accuracy", text), text
    # What is written over counts as well; a path is never broken.
    lines = re.split(r"[\r\n]", ESCAPES.sub("", terminal.raw.decode().replace("\x1b[2K", "\n")))
    assert not [line for line in lines if len(line) > 40 and "mlruns" not in line]
    logs = tmp_path / "mlruns" / "searches" / "tiny" / "logs"
    assert {"frameworks.log", "worker-0.log"} <= {path.name for path in logs.iterdir()}
    told = run("resume", cwd=tmp_path).stdout
    assert told.startswith("tiny is finished already\n")
    assert run("resume", "--quiet", cwd=tmp_path).stdout == told.partition("\n")[2]


@pytest.mark.long
def test_a_quiet_search_says_how_it_ended(tmp_path: Path) -> None:
    done = run("search", TINY, *SMALL, "--quiet", cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.startswith("trial  epochs  val_accuracy  values\n")
    assert "Configuration" in done.stdout


def test_quiet_and_verbose_exclude_each_other(tmp_path: Path) -> None:
    assert "leave one out" in run("search", TINY, "-q", "-v", cwd=tmp_path, code=2).stderr


@pytest.mark.parametrize(("term", "display"), [("dumb", "Lines"), ("xterm", "LiveDisplay")])
def test_a_dumb_terminal_gets_plain_lines(term: str, display: str, tmp_path: Path) -> None:
    program = "from tunekit.cli.progress import make_progress as make\nwith make(False) as it: print(type(it).__name__)"
    with Terminal(["env", f"TERM={term}", sys.executable, "-c", program], tmp_path) as terminal:
        assert terminal.end() == 0
    assert display in terminal.text
    assert (b"\x1b" in terminal.raw) is (display == "LiveDisplay")


def test_a_table_follows_the_terminal(tmp_path: Path) -> None:
    for columns in (40, 80):
        with Terminal([*TUNEKIT, "spaces"], tmp_path, columns=columns) as terminal:
            assert terminal.end() == 0
        assert max(map(len, terminal.text.splitlines())) <= columns
        assert "cnn-optimizers-2022" in terminal.text
    assert "".join(run("spaces", cwd=tmp_path).stdout.split()) == "".join(terminal.text.split())


def test_what_cannot_be_encoded_is_shown_somehow(tmp_path: Path) -> None:
    """Also a file name that is no text at all."""
    text = ascii("± · … × é \udcff")
    program = f"from tunekit.cli.plain import show_what_can_be_shown as show\nshow()\nprint({text})"
    for env, expected in [
        (ASCII, b"+- - . x ? ?\n"),
        ({"PYTHONIOENCODING": "utf-8"}, "± · … × é ?\n".encode()),
    ]:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment(**env),
            cwd=tmp_path,
            capture_output=True,
            check=True,
        )
        assert done.stdout == expected
    odd = os.fsdecode(b"no-such-\xff\xe9.yaml")
    assert "Traceback" not in run("check", odd, cwd=tmp_path, code=2, **ASCII).stderr
    assert run("search", "größe.yaml", cwd=tmp_path, code=2, **ASCII).stderr.startswith("Error: ")


def test_the_home_of_the_environment(tmp_path: Path) -> None:
    elsewhere = str(tmp_path / "elsewhere")
    done = run("ls", cwd=tmp_path, TUNEKIT_HOME=elsewhere)
    assert f"no search below {elsewhere}" in done.stdout
    assert (
        "no search below mlruns" in run("ls", "--home", "mlruns", cwd=tmp_path, TUNEKIT_HOME=elsewhere).stdout
    )
    for command in ("search", "resume", "ls", "ui", "doctor", "report"):
        assert "TUNEKIT_HOME" in run(command, "--help", cwd=tmp_path).stdout


def test_help_tells_the_exit_codes(tmp_path: Path) -> None:
    text = run("--help", cwd=tmp_path).stdout
    for code in ("0    done", "1    something outside", "2    something to mend", "130  stopped"):
        assert f"  {code}" in text


TELEMETRY = """
import json, os, sys
{before}
from mlflow.telemetry.client import get_telemetry_client
from mlflow.telemetry.utils import is_telemetry_disabled
print(json.dumps([is_telemetry_disabled(), get_telemetry_client() is None]))
os._exit(0)
"""


@pytest.mark.parametrize(
    ("before", "off"),
    [("from tunekit.record.store import load_mlflow; load_mlflow()", True), ("import mlflow", False)],
    ids=["as tunekit loads it", "as it is by itself"],
)
def test_mlflow_sends_nothing(before: str, off: bool, tmp_path: Path) -> None:
    env = environment(http_proxy="http://127.0.0.1:9", https_proxy="http://127.0.0.1:9")
    # Under test frameworks and in CI it sends nothing anyway.
    env = {
        name: value
        for name, value in env.items()
        if name not in ("PYTEST_CURRENT_TEST", "CI", "DO_NOT_TRACK")
    }
    done = subprocess.run(
        [sys.executable, "-c", TELEMETRY.format(before=before)],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    disabled, no_client = json.loads(done.stdout)
    assert disabled is off
    assert no_client or not off
