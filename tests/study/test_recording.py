"""Pictures that a trial had no time for are drawn while the search waits, and nothing else waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.oracles.driver import search as played
from tests.study.together import PREPARED, SPACE, leave_for_later
from tunekit.results import Epoch, Outcome, TrialRecord
from tunekit.search.state import State
from tunekit.study.home import Home
from tunekit.study.recording import Recording
from tunekit.study.resources import Resources
from tunekit.study.session import create_state

TRIAL = next(iter(played(SPACE).trials.values()))


@dataclass
class Search:
    """One whose only trial runs."""

    state: State
    recording: Recording
    pictures: Path
    record: TrialRecord

    def end_trial(self) -> None:
        leave_for_later(self.pictures / TRIAL.id)
        self.state.complete(TRIAL.id, Outcome(0.5, 1, 10, 1.0))
        ended = self.state.find(TRIAL.id)
        assert ended is not None
        self.recording.trial_ended(ended)

    def artifacts(self) -> set[str]:
        record = self.state.find(TRIAL.id)
        assert record is not None
        assert record.run_id is not None
        client = self.recording._recorder.store.client
        return {file.path for file in client.list_artifacts(record.run_id)}


@pytest.fixture
def search(tmp_path: Path) -> Iterator[Search]:
    from tunekit.record.recorder import Recorder

    folder = Home(tmp_path).folder("small")
    folder.path.mkdir(parents=True)
    state = create_state(folder, SPACE, PREPARED, Resources(1, 1), False)
    recorder = Recorder.open(tmp_path, SPACE, "small", state.fact("uid"), None, {})
    recording = Recording(recorder, state, SPACE, folder.pictures)
    record = state.begin(TRIAL, "trial")
    recording.trial_started(record, 0)
    yield Search(state, recording, folder.pictures, record)
    state.close()


def test_they_are_drawn_when_nothing_has_happened_for_a_while(search: Search) -> None:
    search.end_trial()
    search.recording.tick()
    assert search.artifacts() == {"configuration.yaml"}, "drawn while there was something to do"
    search.recording.tick()
    assert search.artifacts() == {"configuration.yaml", "curves.png"}
    assert not list(search.pictures.iterdir())
    search.recording.tick()


def test_the_end_waits_for_them_as_long_as_there_is_time(search: Search) -> None:
    search.end_trial()
    search.recording.draw_the_rest(seconds=0)
    assert search.artifacts() == {"configuration.yaml"}
    search.recording.draw_the_rest(None)
    assert search.artifacts() == {"configuration.yaml", "curves.png"}


def test_those_of_a_trial_that_is_not_known_are_dropped(search: Search) -> None:
    search.pictures.mkdir(parents=True)
    (search.pictures / "9999.later").write_bytes(b"")
    search.recording.draw_the_rest(None)
    assert not list(search.pictures.iterdir())


def logged(search: Search) -> list[int]:
    """The steps of which MLflow has the score."""
    record = search.state.find(TRIAL.id)
    assert record is not None
    assert record.run_id is not None
    client = search.recording._recorder.store.client
    return [metric.step for metric in client.get_metric_history(record.run_id, "val_accuracy")]


def train_epoch(search: Search, number: int) -> None:
    timed = search.state.add_epoch(TRIAL.id, Epoch(number, {"val_accuracy": 0.5}, 1.0))
    assert timed is not None
    search.recording.epoch_done(search.record, timed)


def test_epochs_are_told_together_every_few_seconds(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    train_epoch(search, 1)
    train_epoch(search, 2)
    search.recording.tick()
    assert logged(search) == []

    monkeypatch.setattr("tunekit.study.recording.TOGETHER", 0.0)
    search.recording.tick()
    assert logged(search) == [1, 2]


def test_epochs_are_told_by_the_end_of_their_trial(search: Search) -> None:
    train_epoch(search, 1)
    search.end_trial()

    assert logged(search) == [1]


@pytest.mark.parametrize("way", ["settle", "tell_epochs", "catch_up"])
def test_epochs_are_told_once_by_the_end_of_the_search(search: Search, way: str) -> None:
    train_epoch(search, 1)
    getattr(search.recording, way)()
    search.recording.settle()

    assert logged(search) == [1]
