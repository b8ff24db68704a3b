"""The registered champion, served by MLflow's own command and asked over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.study.commands import DIRECT, environment, loaded, run
from tests.study.servers import await_address, free_port


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_champion_answers_a_picture_with_probabilities(tmp_path: Path) -> None:
    options = ["--max-epochs", 9, "--max-trials", 2, "--set", "optimizer=adam", "--json"]
    report = loaded(run("search", "cnn-digits", *options, cwd=tmp_path))
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/cnn-digits@champion"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    env = environment(MLFLOW_TRACKING_URI=report["mlflow"]["tracking_uri"], MLFLOW_DISABLE_TELEMETRY="true")
    with (tmp_path / "served.log").open("wb") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, env=env, cwd=tmp_path.parent, process_group=0
        )
    try:
        address = f"http://127.0.0.1:{port}"
        await_address(f"{address}/ping")
        digits = load_digits()
        pictures = np.rint(digits.images / 16 * 255).astype(np.uint8)[..., None]
        answers = np.array(_ask(address, pictures[:100].tolist()))
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    assert answers.shape == (100, 10)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    right = (answers.argmax(axis=1) == digits.target[:100]).mean()
    assert right > report["test"]["accuracy"] - 0.15


def _ask(address: str, inputs: list[Any]) -> Any:
    body = json.dumps({"inputs": inputs}).encode()
    request = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "application/json"})
    with DIRECT.open(request, timeout=120) as answer:
        return json.load(answer)["predictions"]
