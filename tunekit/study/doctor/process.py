"""Asks a module in a process of its own, since frameworks may hang, crash or take the terminal as they load."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tunekit.workers.process import START


class NoAnswerError(Exception):
    """The process hung, crashed or raised; the text says which."""


def ask(module: str, *arguments: str, seconds: float, env: Mapping[str, str]) -> dict[str, Any]:
    """What `main()` of the module writes as JSON to the descriptor that is its first argument."""
    reading, writing = os.pipe()
    command = [
        sys.executable,
        "-P",
        "-c",
        START.format(path=sys.path, module=module),
        str(writing),
        *arguments,
    ]
    with os.fdopen(reading, "rb") as answer:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[writing],
                env=os.environ | env,
                process_group=0,
            )
        finally:
            os.close(writing)
        said = _wait(process, seconds)
        if process.returncode:
            raise NoAnswerError(_ending(process.returncode, said))
        found: dict[str, Any] = json.loads(answer.read())
        return found


def _wait(process: subprocess.Popen[bytes], seconds: float) -> str:
    """What it wrote to standard error, once it has ended in time."""
    try:
        return process.communicate(timeout=seconds)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"it did not load within {seconds:g} s") from None
    finally:
        # Its children as well, which might hold the pipe open.
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _ending(code: int, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = f": {lines[-1][:300]}" if lines else ""
    if code > 0:
        return last.removeprefix(": ") or f"it ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    # What a crash leaves on standard error seldom says why.
    return f"it crashed with {name}"
