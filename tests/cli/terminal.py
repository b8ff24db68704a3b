"""A command in a terminal of its own, of a known size, that answers to what is typed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

from tests.study.commands import environment

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-B0]|\r")


def _take_terminal() -> None:
    """As a shell starts a command in the foreground; tests that run in the background are born deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """Everything that the command has shown is kept, raw and as text."""

    def __init__(self, command: list[str], cwd: Path, columns: int = 100, rows: int = 40, **env: str) -> None:
        self._reading, writing = pty.openpty()
        fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        settings = environment(TERM="xterm-256color", **env)
        for name in ("COLUMNS", "LINES"):
            settings.pop(name, None)
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=settings,
            stdin=writing,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(writing)
        self.raw = b""
        self._seen = 0

    @property
    def text(self) -> str:
        return ESCAPES.sub("", self.raw.decode(errors="replace"))

    def wait(self, words: str, seconds: float = 120.0) -> None:
        """Until the words are shown, after what was waited for before."""
        deadline = time.monotonic() + seconds
        while words not in self.text[self._seen :]:
            if time.monotonic() > deadline or not self._read():
                raise AssertionError(f"{words!r} was not shown:\n{self.text}")
        self._seen = self.text.index(words, self._seen) + len(words)

    def send(self, keys: str) -> None:
        os.write(self._reading, keys.encode())

    def answer(self, question: str, line: str) -> None:
        self.wait(question)
        self.send(f"{line}\n")

    def interrupt(self) -> int:
        """The exit code after Ctrl-C, which Python overlooks at the very instant in which it begins to read a line."""
        while self.process.poll() is None:
            self.send("\x03")
            time.sleep(0.5)
        return self.process.returncode

    def end(self, seconds: float = 120.0) -> int:
        """The exit code, once the command has ended by itself."""
        deadline = time.monotonic() + seconds
        while self._read():
            if time.monotonic() > deadline:
                raise AssertionError(f"it has not ended:\n{self.text}")
        return self.process.wait(30)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *unused: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._reading)

    def _read(self) -> bool:
        """Take what is there; False once the command has closed its end."""
        if select.select([self._reading], [], [], 0.2)[0]:
            try:
                read = os.read(self._reading, 65536)
            except OSError:
                return False
            self.raw += read
            return bool(read)
        return True
