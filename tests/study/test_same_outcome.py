"""A search comes out the same with any number of workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Tell
from tests.study.commands import TINY, assert_recorded, loaded, outcome, run

RECURRENT = ("gru-digits", "--max-epochs", 4, "--factor", 2, "--limit", 300)


@pytest.mark.long
@pytest.mark.parametrize("workers", [1, 3, 8])
def test_convolutions_with_one_worker_and_with_more(
    finished: tuple[Path, dict[str, Any]], workers: int, tmp_path: Path, tell: Tell
) -> None:
    report = loaded(run("search", TINY, "--workers", workers, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)
    tell(f"{len(report['trials'])} trials are to the bit those of two workers")


@pytest.mark.long
def test_recurrent_models_with_one_two_and_eight_workers(tmp_path: Path, tell: Tell) -> None:
    outcomes = []
    for workers in (1, 2, 8):
        folder = tmp_path / str(workers)
        folder.mkdir()
        report = loaded(run("search", *RECURRENT, "--workers", workers, "--json", cwd=folder))
        outcomes.append(outcome(report))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    tell(f"{len(report['trials'])} trials are the same to the bit")
