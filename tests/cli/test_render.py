"""What is told of a search that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunekit.cli.render import report_plain, report_text
from tunekit.results import Epoch, Trial
from tunekit.search.state import State
from tunekit.space.parameters import Choice
from tunekit.space.space import DataSpec, Space
from tunekit.study.home import Home
from tunekit.study.overview import Report, make_report


@pytest.fixture
def running(tmp_path: Path) -> Report:
    """Of two running trials, one promoted after its third epoch, and one that has ended no epoch yet."""
    folder = Home(tmp_path).folder("own")
    folder.path.mkdir(parents=True)
    state = State.create(folder.state, {"status": "RUNNING", "created": 0.0})
    state.begin(Trial("0", {"width": 1}, seed=1, initial_epoch=3, epochs=9, parent="a"))
    state.begin(Trial("1", {"width": 2}, seed=1, initial_epoch=0, epochs=9))
    for number in (4, 5):
        state.add_epoch("0", Epoch(number, {"val_accuracy": 0.5}, 0.1))
    space = Space("own", "mine:build", DataSpec("digits"), (Choice("width", (1, 2)),))
    report = make_report(folder, state, space, str(tmp_path))
    state.close()
    return report


def test_how_far_each_trial_is_stands_in_the_table(running: Report) -> None:
    lines = report_text(running, every_trial=True).splitlines()

    assert "running, epoch 5 " in next(line for line in lines if line.startswith("0"))
    started = next(line for line in lines if line.startswith("1"))
    assert "running" in started
    assert "epoch" not in started


def test_programs_read_it_as_well(running: Report) -> None:
    first, second = report_plain(running)["trials"]

    assert (first["status"], first["epochs"], first["epoch"]) == ("RUNNING", 9, 5)
    assert "epoch" not in second
