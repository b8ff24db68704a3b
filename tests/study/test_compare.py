"""Comparing searches as a user does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.study.commands import loaded, run
from tunekit.errors import SearchError, UserError
from tunekit.search.state import State
from tunekit.space.writer import write_space
from tunekit.study.compare import compare
from tunekit.study.home import Home
from tunekit.study.session import stored_space

Finished = tuple[Path, dict[str, Any]]


@pytest.fixture
def home(finished: Finished, tmp_path: Path) -> Home:
    """Two searches of one outcome, tiny and twin."""
    made = Home(tmp_path / "mlruns")
    for name in ("tiny", "twin"):
        made.folder(name).path.mkdir(parents=True)
        shutil.copy(finished[0] / "mlruns/searches/tiny/state.db", made.folder(name).state)
    return made


def test_the_command_prints_draws_and_writes_json(home: Home, tmp_path: Path) -> None:
    done = run("compare", "tiny", "twin", "-o", "both.png", cwd=tmp_path)
    assert done.stderr == ""
    rows = [line for line in done.stdout.splitlines() if line.startswith(("tiny ", "twin "))]
    assert len(rows) == 2
    assert (tmp_path / "both.png").stat().st_size > 10_000
    plain = loaded(run("compare", "tiny", "twin", "--json", cwd=tmp_path))
    assert plain["comparable"] is True
    assert [entry["search"] for entry in plain["entries"]] == ["tiny", "twin"]
    assert plain["entries"][0]["curve"]


def test_figures_are_those_of_the_search(finished: Finished, home: Home) -> None:
    report = finished[1]
    entry = compare(home, ["tiny", "twin"]).entries[0]
    assert entry.score == report["best"]["score"]
    assert entry.test_accuracy == report["test"]["accuracy"]
    assert [point.epoch for point in entry.curve] == [1, 2, 3, 4]
    assert max(point.value for point in entry.curve) == entry.score


def test_other_data_is_warned_of(home: Home, tmp_path: Path) -> None:
    state = State.open(home.folder("twin").state)
    state.set_facts(data_sha256="f" * 64)
    state.close()
    assert "not comparable: the data differs" in run("compare", "tiny", "twin", cwd=tmp_path).stderr


def test_another_objective_is_refused(home: Home) -> None:
    folder = home.folder("twin")
    state = State.open(folder.state)
    text = write_space(stored_space(state, folder)).replace("objective: val_accuracy", "objective: val_loss")
    state.set_facts(space=text)
    state.close()
    with pytest.raises(SearchError, match="one objective"):
        compare(home, ["tiny", "twin"])


def test_one_search_is_nothing_to_compare(home: Home, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two searches or more"):
        compare(home, ["tiny", "tiny"])
    with pytest.raises(UserError, match=r"ends in \.png"):
        compare(home, ["tiny", "twin"], tmp_path / "both.pdf")
