"""MLflow's page on a search's record."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from tests.study.commands import DIRECT, start


def test_the_page_answers_on_loopback_and_ends_with_ctrl_c(
    finished: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, report = finished
    (tmp_path / "mlruns").mkdir()
    shutil.copy(folder / "mlruns/mlflow.db", tmp_path / "mlruns")
    began = time.monotonic()
    process = start("ui", "--port", 0, cwd=tmp_path, http_proxy="http://127.0.0.1:9")
    assert process.stdout is not None
    line = process.stdout.readline()
    address = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert address, line
    assert time.monotonic() - began < 60
    run_id = report["mlflow"]["run_id"]
    with DIRECT.open(f"{address[0]}/api/2.0/mlflow/runs/get?run_id={run_id}") as answer:
        run = json.load(answer)["run"]
    assert run["info"]["run_name"] == "tiny"
    with DIRECT.open(address[0]) as page:
        assert b"MLflow" in page.read()
    server = psutil.Process(process.pid).children(recursive=True)
    assert server
    assert {child.environ().get("MLFLOW_DISABLE_TELEMETRY") for child in server} == {"true"}
    with DIRECT.open(f"{address[0]}/ajax-api/3.0/mlflow/ui-telemetry") as answer:
        assert json.load(answer)["disable_ui_telemetry"] is True, "the page in the browser would tell"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert not [child for child in server if child.is_running()]
