"""A search whose files were damaged: refused with the file named, or recovered; never begun anew in silence."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import TINY, loaded, outcome, run

Finished = tuple[Path, dict[str, Any]]


@pytest.fixture
def copied(finished: Finished, tmp_path: Path) -> Path:
    """The folder of a search that is finished but for its last step."""
    shutil.copytree(
        finished[0] / "mlruns/searches/tiny",
        tmp_path / "mlruns/searches/tiny",
        ignore=shutil.ignore_patterns("logs"),
    )
    return tmp_path / "mlruns/searches/tiny"


@pytest.mark.parametrize(
    "command", [("search", TINY, "--resume"), ("resume", "tiny"), ("show", "tiny")], ids=str
)
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "flipped"])
def test_a_damaged_state_is_refused(
    copied: Path, tmp_path: Path, command: tuple[object, ...], damage: str
) -> None:
    state = copied / "state.db"
    content = bytearray(state.read_bytes())
    if damage == "missing":
        state.unlink()
    else:
        content[:16] = content[:16] if damage != "flipped" else bytes(16)
        kept = {"empty": 0, "cut": len(content) // 2}.get(damage, len(content))
        state.write_bytes(content[:kept])
    refused = run(*command, cwd=tmp_path, code=2)
    assert "state.db" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (copied / "checkpoints").is_dir()


def test_a_damaged_winners_checkpoint_is_named(copied: Path, finished: Finished, tmp_path: Path) -> None:
    best = next((copied / "checkpoints").glob("*/best.npz"))
    best.write_bytes(best.read_bytes()[:-100])
    refused = run("evaluate", "tiny", cwd=tmp_path, code=2)
    assert "best.npz" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_damaged_data_is_decoded_anew(finished: Finished, tmp_path: Path) -> None:
    for part in ("data", "searches"):
        shutil.copytree(
            finished[0] / "mlruns" / part,
            tmp_path / "mlruns" / part,
            ignore=shutil.ignore_patterns("logs"),
        )
    images = next((tmp_path / "mlruns/data").glob("*/x.npy"))
    content = bytearray(images.read_bytes())
    content[-50] ^= 0xFF
    images.write_bytes(content)
    done = loaded(run("evaluate", "tiny", "--json", cwd=tmp_path))
    assert done["test"] == finished[1]["test"]
    assert outcome(loaded(run("show", "tiny", "--json", cwd=tmp_path))).best == outcome(finished[1]).best
