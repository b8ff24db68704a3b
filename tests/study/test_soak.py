"""A thousand real trials through the real command: the coordinator stays as it was after the first hundred."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Tell
from tests.study.commands import TUNEKIT, environment, kill_group

TRIALS = int(os.environ.get("SOAK_TRIALS", "1000"))
SETTLED = TRIALS // 10
"""Trials after which nothing may grow any more."""
SPACE = f"""
name: soak
model: lenet5
data: {{digits: true, validation: 0.2}}
search: {{tuner: random, max_epochs: 1, seed: 0, limit: 60, max_trials: {TRIALS}}}
parameters:
  filters: 1
  kernel_size: 3
  hidden_units: 4
  batch_size: 32
  learning_rate: {{min: 1.0e-4, max: 1.0e-1, scale: log}}
"""
MIB = 2**20


@dataclass(frozen=True)
class Sample:
    """What the coordinator holds after so many trials."""

    seconds: float
    trials: int
    memory: int
    files: int
    threads: int


def ended(home: Path) -> int:
    path = home / "searches/soak/state.db"
    if not path.exists():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return int(db.execute("SELECT count(*) FROM trials WHERE ended IS NOT NULL").fetchone()[0])


def sample(process: subprocess.Popen[str], trials: int) -> Sample:
    folder = Path(f"/proc/{process.pid}")
    fields = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return Sample(
        seconds=time.monotonic(),
        trials=trials,
        memory=int(fields["VmRSS"].split()[0]) * 1024,
        files=len(list((folder / "fd").iterdir())),
        threads=int(fields["Threads"]),
    )


def watch(process: subprocess.Popen[str], home: Path) -> list[Sample]:
    """A sample every other second, until the last trials are under way."""
    samples: list[Sample] = []
    while process.poll() is None and (trials := ended(home)) < TRIALS - 2:
        if trials:
            samples.append(sample(process, trials))
        time.sleep(2)
    return samples


def rate(samples: list[Sample]) -> float:
    """Seconds a trial."""
    first, last = samples[0], samples[-1]
    return (last.seconds - first.seconds) / max(1, last.trials - first.trials)


@pytest.mark.long
def test_nothing_grows_over_a_thousand_trials(tmp_path: Path, tell: Tell) -> None:
    (tmp_path / "soak.yaml").write_text(SPACE)
    with (tmp_path / "told").open("w") as told:
        process = subprocess.Popen(
            [*TUNEKIT, "search", "soak.yaml", "--workers", "2", "--no-pictures"],
            cwd=tmp_path,
            env=environment(),
            stdout=told,
            stderr=told,
            text=True,
            process_group=0,
        )
        try:
            samples = [each for each in watch(process, tmp_path / "mlruns") if each.trials >= SETTLED]
            assert process.wait(120) == 0, (tmp_path / "told").read_text()[-2000:]
        finally:
            if process.poll() is None:
                kill_group(process)
    quarter = len(samples) // 4
    first, last = samples[0], samples[-1]
    early, late = rate(samples[:quarter]), rate(samples[-quarter:])
    tell(
        f"{first.trials} to {last.trials} trials: memory {first.memory / MIB:.0f} to {last.memory / MIB:.0f} MiB "
        f"(most {max(each.memory for each in samples) / MIB:.0f}), files {first.files} to {last.files}, "
        f"threads {first.threads} to {last.threads}, {early:.3f} then {late:.3f} s a trial"
    )
    assert last.memory < 1.1 * first.memory + 30 * MIB
    assert abs(last.files - first.files) <= 5
    assert last.threads == first.threads
    assert late < 1.5 * early
