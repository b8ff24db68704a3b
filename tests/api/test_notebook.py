"""A search in a real notebook's kernel: one output that changes, and Ctrl-C that leaves the kernel alive."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.spaces import SMALL
from tests.study.commands import environment

pytest.importorskip("ipykernel", reason="the group `dev` is not installed")
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

PATIENCE = 600
SPACE = SMALL | {"search": {"tuner": "random", "max_epochs": 2, "max_trials": 3, "limit": 200}}


class Notebook:
    """Runs cells and keeps what they show."""

    def __init__(self, folder: Path) -> None:
        self.kernel = KernelManager()
        # The kernel that this Python has, whatever kernels the machine has installed.
        self.kernel.kernel_spec.argv[0] = sys.executable
        self.kernel.start_kernel(cwd=str(folder), env=environment())
        self.client: BlockingKernelClient = self.kernel.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(
        self, code: str, heard: Callable[[dict[str, Any]], None] = lambda message: None
    ) -> list[dict[str, Any]]:
        """All that the cell showed, errors included, in order."""
        shown = []
        asked = self.client.execute(code)
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return shown
            shown.append(message)
            heard(message)

    def close(self) -> None:
        self.client.stop_channels()
        self.kernel.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    opened = Notebook(tmp_path_factory.mktemp("notebook"))
    yield opened
    opened.close()


def of_kind(shown: list[dict[str, Any]], kind: str) -> list[Any]:
    return [message["content"] for message in shown if message["msg_type"] == kind]


def test_a_search_in_a_notebook(notebook: Notebook) -> None:
    interrupted = []

    def interrupt(message: dict[str, Any]) -> None:
        """Once a trial has begun."""
        text = message["content"].get("data", {}).get("text/plain", "")
        if not interrupted and "worker  trial" in text:
            interrupted.append(time.time())
            notebook.kernel.interrupt_kernel()

    begun = notebook.run(f"import tunekit\ntunekit.search({SPACE!r}, workers=1)", interrupt)
    (error,) = of_kind(begun, "error")
    assert error["ename"] == "KeyboardInterrupt"
    assert "Stopped by SIGINT; every finished epoch is kept." in error["evalue"]
    assert not of_kind(begun, "stream"), "frameworks may write into their log"

    shown = notebook.run("found = tunekit.resume(workers=1, pictures=False)\nfound")
    assert not of_kind(shown, "error")
    assert not of_kind(shown, "stream")
    (first,) = of_kind(shown, "display_data")
    changes = of_kind(shown, "update_display_data")
    assert {change["transient"]["display_id"] for change in changes} == {first["transient"]["display_id"]}
    last = changes[-1]["data"]
    assert "small: 3 of 3 trials" in last["text/plain"]
    assert "best so far: val_accuracy" in last["text/plain"]
    assert last["text/html"].startswith("<pre")
    assert "MLflow" not in last["text/plain"], "the stage is over"
    running = [
        change["data"]["text/plain"] for change in changes if "worker  trial" in change["data"]["text/plain"]
    ]
    assert running
    (result,) = of_kind(shown, "execute_result")
    assert result["data"]["text/plain"].startswith("<tunekit search small: finished")
