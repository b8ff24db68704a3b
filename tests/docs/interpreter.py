"""A Python of its own that runs the pages' blocks: what they set in Keras and MLflow reaches no other test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.docs.pages import ROOT
from tests.study.commands import environment


class Interpreter:
    """Started when it is first needed, and kept for all pages, since Keras takes seconds to import."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, folder: Path, where: str, code: str) -> None:
        """In the page's folder, after the blocks that ran there before."""
        process = self._process = self._process or _started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([str(folder), where, code]) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, f"the block at {where} ended its Python"
        error = json.loads(answer)
        assert error is None, error

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def _started() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _serve() -> None:
    """Answers each block with its error, or null; what a block prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    here: str | None = None
    names: dict[str, Any] = {}
    for line in sys.stdin:
        folder, where, code = json.loads(line)
        if folder != here:
            _enter(folder, here)
            here, names = folder, {"__name__": "__main__"}
        try:
            exec(compile(code, where, "exec"), names)
        except BaseException:
            error: str | None = traceback.format_exc()
        else:
            error = None
        print(json.dumps(error), file=answers, flush=True)


def _enter(folder: str, before: str | None) -> None:
    """Modules of the page before are forgotten: another may have some of the same name."""
    os.chdir(folder)
    sys.path[:] = [folder, *(path for path in sys.path if path != before)]
    for name, module in list(sys.modules.items()):
        if before is not None and (getattr(module, "__file__", None) or "").startswith(before):
            del sys.modules[name]


if __name__ == "__main__":
    _serve()
