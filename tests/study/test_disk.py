"""Real searches on disks that are full, read-only, or kept small on purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.study.commands import TINY, assert_recorded, loaded, outcome, run

Finished = tuple[Path, dict[str, Any]]


def test_a_limit_on_checkpoints_ends_the_search_clearly_and_a_resume_goes_on(
    finished: Finished, tmp_path: Path
) -> None:
    refused = run("search", TINY, "--workers", 2, "--disk-max", "1KB", cwd=tmp_path, code=1)
    assert "searches/tiny/checkpoints: --disk-max 1KB is reached: trial 01 needs about" in refused.stderr
    assert "Resume with --disk-max" in refused.stderr
    assert "Traceback" not in refused.stderr
    report = loaded(run("resume", "--workers", 2, "--json", cwd=tmp_path))
    assert outcome(report) == outcome(finished[1])
    assert_recorded(report)
