"""A module that hangs, crashes, raises or talks costs an answer and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tunekit.study.doctor.process import NoAnswerError, ask

ANSWER = "import os, sys\ndef main():\n    os.write(int(sys.argv[1]), b'{\"two\": 2}')\n"


def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, seconds: float = 60.0) -> object:
    (tmp_path / "asked_module.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return ask("asked_module", seconds=seconds, env={})


def test_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    noisy = f"import sys\nprint('hello')\nprint('trouble', file=sys.stderr)\n{ANSWER}"
    assert asked(tmp_path, monkeypatch, noisy) == {"two": 2}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ImportError('libcudnn.so.9 is missing')", "ImportError: libcudnn.so.9 is missing"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "it crashed with SIGSEGV"),
        ("raise SystemExit(3)", "exit code 3"),
    ],
)
def test_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str) -> None:
    with pytest.raises(NoAnswerError, match=message):
        asked(tmp_path, monkeypatch, text)


def gone(pid: int) -> bool:
    """Whether the process has ended, or is a zombie that somebody else is to bury."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_hanging_import_is_ended_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child"
    text = (
        "import subprocess, time, pathlib\nchild = subprocess.Popen(['sleep', '1000'])\n"
        f"pathlib.Path({str(child)!r}).write_text(str(child.pid))\ntime.sleep(1000)"
    )
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match="did not load within 3 s"):
        asked(tmp_path, monkeypatch, text, 3.0)
    assert time.monotonic() - began < 60
    # A kill is sent and not waited for: it takes the child a moment to die of it.
    deadline = time.monotonic() + 20
    while not gone(int(child.read_text())):
        assert time.monotonic() < deadline, "the child is still there"
        time.sleep(0.05)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
