"""The benchmarks run to their end, on little data: their figures mean nothing here."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from tunekit.space.parameters import Fixed

FOLDER = Path(__file__).parent.parent / "benchmarks"


def run(script: str, *arguments: str) -> str:
    command = [sys.executable, str(FOLDER / f"{script}.py"), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("variants", ("rnn", "--images", "200", "--repeats", "1"), "as tunekit trains"),
        ("efficiency", ("--images", "200", "--repeats", "1"), "of the best split"),
        ("determinism", ("1",), "repeatable"),
        (
            "cluster",
            (
                "--seconds",
                "2",
                "--epoch",
                "0.02",
                "--real",
                "2",
                "--simulated",
                "4",
                "--trials",
                "80",
                "--plan",
                "200",
            ),
            "use over the ideal",
        ),
        ("memory", ("images", "--mebibytes", "4"), "| images | "),
        ("recording", ("gru-digits", "--max-trials", "2", "--max-epochs", "2"), "of the trials' time"),
        (
            "overhead",
            ("gru-digits", "--trials", "2", "--limit", "200", "--epochs", "1", "--repeats", "1"),
            "span over that without recording",
        ),
    ],
)
def test_a_benchmark(script: str, arguments: tuple[str, ...], said: str) -> None:
    assert said in run(script, *arguments)


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in (FOLDER.parent / "search_spaces").rglob("*.yaml"))
)
def test_the_overhead_of_every_space_can_be_measured(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    overhead = import_module("overhead")

    space = overhead.narrowed(name, [], trials=2, limit=200, epochs=1)

    assert {parameter.name for parameter in space.parameters if not isinstance(parameter, Fixed)} <= {
        "learning_rate"
    }


@pytest.mark.long
def test_side_by_side() -> None:
    peers = ["keras-tuner", *(["optuna"] if find_spec("optuna_integration") else [])]
    printed = run("side_by_side", "gru", *peers, "--images", "300", "--repeats", "1")
    for peer in peers:
        assert f"times as fast as {peer} to the end" in printed
