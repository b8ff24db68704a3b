"""What frameworks write to standard error as they load is in a file, wherever Python's standard error goes."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr
from pathlib import Path

from tunekit.study.quiet import frameworks_log_to


def test_the_process_and_python_write_into_the_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "frameworks.log"
    cell = io.StringIO()
    with redirect_stderr(cell):
        with frameworks_log_to(log):
            os.write(2, b"of a library in C\n")
            print("of Python", file=sys.stderr)
        print("after", file=sys.stderr)
    assert log.read_text() == "of a library in C\nof Python\n"
    assert cell.getvalue() == "after\n"
