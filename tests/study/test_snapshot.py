"""What a time budget broke off wins where it is the best, and is nothing to a search that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.search.records import make_outcome, make_trial
from tests.study.commands import assert_recorded, loaded, run
from tunekit.results import Epoch, TrialRecord
from tunekit.search.state import State
from tunekit.space.reader import parse_space
from tunekit.space.space import Space
from tunekit.study.snapshot import snapshot

SPACE = """
name: long
model: lenet5
data: {digits: true, validation: 0.2}
search: {tuner: random, max_trials: 1, max_epochs: 2000, seed: 1, limit: 240}
parameters: {optimizer: adam, learning_rate: 1.0e-3, filters: 2, kernel_size: 3, hidden_units: 8, batch_size: 40}
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    opened = State.create(tmp_path / "state.db", {})
    yield opened
    opened.close()


def space(**search: Any) -> Space:
    plain = yaml.safe_load(SPACE)
    plain["search"] = {name: value for name, value in (plain["search"] | search).items() if value is not None}
    return parse_space(yaml.safe_dump(plain), "long.yaml", Path())


def running(
    state: State, trial_id: str, *scores: float, initial_epoch: int = 0, parent: str | None = None
) -> None:
    state.begin(make_trial(trial_id, epochs=27, initial_epoch=initial_epoch, parent=parent, bracket=1))
    for number, score in enumerate(scores, initial_epoch + 1):
        state.add_epoch(trial_id, Epoch(number, {"val_accuracy": score, "val_loss": score}, 1.0))


def ended(state: State, trial_id: str, epochs: int, score: float) -> TrialRecord:
    state.begin(make_trial(trial_id, epochs=epochs))
    for number in range(1, epochs + 1):
        state.add_epoch(trial_id, Epoch(number, {"val_accuracy": score, "val_loss": score}, 1.0))
    state.complete(trial_id, make_outcome(score))
    found = state.find(trial_id)
    assert found is not None
    return found


def test_it_is_of_the_best_epoch_of_the_best_trial(state: State) -> None:
    running(state, "1", 0.2, 0.6, 0.5)
    running(state, "2", 0.4, 0.5, 0.5)
    taken = snapshot(state, space(), None)

    assert taken is not None
    assert (taken.id, taken.parent, taken.initial_epoch, taken.epochs) == ("1-epoch2", "1", 2, 2)
    assert (taken.values, taken.seed, taken.bracket) == (make_trial().values, make_trial().seed, 1)


def test_of_a_hyperband_it_is_none_where_the_best_that_ended_is_better_or_trained_longer(
    state: State,
) -> None:
    leader = ended(state, "0", epochs=3, score=0.7)
    running(state, "1", 0.7, initial_epoch=3, parent="0")  # goes on from the leader, and no further
    running(state, "2", 0.9, 0.9)  # a lucky beginning

    hyperband = space(tuner="hyperband", max_trials=None)
    assert snapshot(state, hyperband, leader) is None
    lucky = snapshot(state, space(), leader)
    assert lucky is not None
    assert lucky.id == "2-epoch1", "all trials of a random search are to be trained equally long"
    running(state, "3", 0.1, 0.1, 0.1, 0.71)
    taken = snapshot(state, hyperband, leader)
    assert taken is not None
    assert taken.id == "3-epoch4"


def test_lower_is_better_where_the_objective_says_so(state: State) -> None:
    leader = ended(state, "0", epochs=1, score=0.5)
    lower = parse_space(SPACE.replace("model:", "objective: val_loss\nmodel:"), "long.yaml", Path())
    running(state, "1", 0.9, 0.4)
    running(state, "2", 0.9, 0.8)

    taken = snapshot(state, lower, leader)
    assert taken is not None
    assert taken.id == "1-epoch2"
    assert snapshot(state, space(), leader) is not None


def test_it_is_none_where_nothing_was_trained_or_executions_count_together(state: State) -> None:
    state.begin(make_trial("1"))
    assert snapshot(state, space(), None) is None
    running(state, "2", 0.5)
    assert snapshot(state, space(executions_per_trial=2), None) is None


def test_the_epochs_of_its_trial_after_it_are_not_its_own(state: State) -> None:
    running(state, "1", 0.2, 0.6, 0.5)
    taken = snapshot(state, space(), None)
    assert taken is not None
    state.begin(taken, "snapshot")
    running(state, "1", 0.2, 0.6, 0.5, 0.9)

    assert [timed.epoch.number for timed in state.curve(taken.id)] == [1, 2]
    assert [timed.epoch.number for timed in state.curve("1")] == [1, 2, 3, 4]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A search whose budget ended in its first trial."""
    folder = tmp_path_factory.mktemp("stopped")
    (folder / "long.yaml").write_text(SPACE)
    return folder, loaded(run("search", "long.yaml", "--time-budget", "30s", "--json", cwd=folder))


def test_a_search_that_ends_in_its_first_trial_has_a_winner(
    stopped: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, report = stopped
    best, whole = report["best"], report["trials"][0]

    assert report["status"] == "STOPPED"
    assert whole["status"] == "RUNNING"
    assert (best["kind"], best["parent"]) == ("snapshot", whole["id"])
    assert 0 < best["epochs"] <= whole["epoch"] < 2000
    assert report["test"]["accuracy"] > 0.3
    told = run("show", "long", cwd=folder).stdout
    assert f"trial {whole['id']} after {best['epochs']} of 2000 epochs: the time budget broke it off" in told
    # From the first epoch to that one, it scores the same.
    trained = loaded(run("train", report["config"], "--json", cwd=tmp_path))
    assert trained["score"] == best["score"]


@pytest.mark.long
def test_it_goes_on_to_another_winner(stopped: tuple[Path, dict[str, Any]]) -> None:
    folder, before = stopped
    report = loaded(run("resume", "--json", cwd=folder))

    whole, taken = report["trials"]
    assert whole["status"] == "COMPLETED"
    assert taken == before["best"]
    assert report["best"] == whole
    assert whole["score"] >= taken["score"]
    assert "The test set was opened 2 times" in run("show", "long", cwd=folder).stdout
    assert "opened 2 times" in (folder / "mlruns" / "searches" / "long" / "report.html").read_text()
    assert [path.name for path in (folder / "mlruns" / "searches" / "long" / "checkpoints").iterdir()] == [
        whole["id"]
    ]
    assert_recorded(report)
