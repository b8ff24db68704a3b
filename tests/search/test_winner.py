"""Which trial is the best."""

from __future__ import annotations

from tests.search.records import make_outcome, make_trial
from tunekit.results import Failure, TrialRecord
from tunekit.search.winner import ranked
from tunekit.space.space import Objective


def record(trial_id: str, score: float | None, epochs: int = 9) -> TrialRecord:
    trial = make_trial(trial_id, epochs=epochs)
    if score is None:
        return TrialRecord(trial, "FAILED", 0.0, 1.0, failure=Failure("nan", "after epoch 1"))
    return TrialRecord(trial, "COMPLETED", 0.0, 1.0, outcome=make_outcome(score))


def ids(*records: TrialRecord, direction: str = "max") -> list[str]:
    return [found.trial.id for found in ranked(records, Objective("score", direction))]  # type: ignore[arg-type]


def test_the_best_score_comes_first() -> None:
    assert ids(record("0", 0.1), record("1", 0.3), record("2", 0.2)) == ["1", "2", "0"]
    assert ids(record("0", 0.1), record("1", 0.3), record("2", 0.2), direction="min") == ["0", "2", "1"]


def test_a_whole_training_comes_before_a_lucky_first_epoch() -> None:
    assert ids(record("0", 0.9, epochs=1), record("1", 0.3), record("2", 0.5, epochs=3)) == ["1", "2", "0"]
    assert ids(record("0", 0.1, epochs=1), record("1", 0.3), direction="min") == ["1", "0"]


def test_of_equal_scores_the_lower_id_comes_first() -> None:
    for direction in ("max", "min"):
        assert ids(record("2", 0.5), record("0", 0.5), record("1", 0.5), direction=direction) == [
            "0",
            "1",
            "2",
        ]


def test_what_has_no_score_is_left_out() -> None:
    running = TrialRecord(make_trial("2"), "RUNNING", 0.0)

    assert ids(record("0", None), running) == []
    assert ids(record("0", None), record("1", 0.0), running) == ["1"]
