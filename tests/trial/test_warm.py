"""A compiled model that is used again leaves no trace of the trial before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunekit.space.vocabulary import complete
from tunekit.trial import checkpoint, warm
from tunekit.trial.execute import execute
from tunekit.trial.jobs import Failed, Split

from .helpers import TINY, differences, run, stored, train_job

RECURRENT = {"cell": "lstm", "hidden_units": 6, "dropout": 0.3, "batch_size": 40}
CONVOLUTIONS = {**TINY, "dropout": 0.5, "batch_norm": True, "optimizer": "nadam"}


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    warm._kept.clear()
    yield
    warm._kept.clear()


@pytest.mark.parametrize(("model", "values"), [("lenet5", CONVOLUTIONS), ("recurrent", RECURRENT)])
def test_a_trial_after_another_is_what_it_is_alone(
    model: str, values: dict[str, Any], part: Split, tmp_path: Path
) -> None:
    other = {**values, "learning_rate": 0.003}
    alone, _ = run(train_job(part, tmp_path / "alone", 2, model=model, values=other, seed=7))
    warm._kept.clear()

    run(train_job(part, tmp_path / "before", 2, model=model, values={**values, "learning_rate": 0.02}))
    assert len(warm._kept) == 1
    kept = next(iter(warm._kept.values())).model
    after, _ = run(train_job(part, tmp_path / "after", 2, model=model, values=other, seed=7))

    assert next(iter(warm._kept.values())).model is kept
    assert after.score == alone.score
    for name in (checkpoint.LAST, checkpoint.BEST):
        assert differences(stored(tmp_path / "after" / name), stored(tmp_path / "alone" / name)) == []


@pytest.mark.parametrize("between", [False, True])
def test_a_promoted_trial_goes_on_with_the_model_of_its_parent(
    between: bool, part: Split, tmp_path: Path
) -> None:
    """Also where another trial has used the model in between."""
    values = {**CONVOLUTIONS, "learning_rate": 0.003}
    run(train_job(part, tmp_path / "whole", 3, values=values))
    warm._kept.clear()

    run(train_job(part, tmp_path / "parent", 1, values=values))
    if between:
        run(train_job(part, tmp_path / "other", 2, values={**values, "learning_rate": 0.1}, seed=9))
    job = train_job(
        part, tmp_path / "child", 3, id="2", values=values, parent=tmp_path / "parent", initial_epoch=1
    )
    run(job)

    assert len(warm._kept) == 1
    assert differences(stored(tmp_path / "child" / "last.npz"), stored(tmp_path / "whole" / "last.npz")) == []


def test_the_second_trial_costs_less(part: Split, tmp_path: Path) -> None:
    seconds = []
    for number in range(2):
        began = time.process_time()
        run(train_job(part, tmp_path / str(number), 1, values=CONVOLUTIONS, seed=number))
        seconds.append(time.process_time() - began)
    assert seconds[1] < 0.7 * seconds[0]


def test_what_a_graph_holds_is_in_the_key() -> None:
    def key(**changes: Any) -> Any:
        return warm.key("lenet5", complete("lenet5", {**TINY, **changes}), 9)

    assert key(learning_rate=0.5) == key()
    assert len({key(), key(dropout=0.1), key(l2=0.1), key(optimizer="sgd"), key(precision="bfloat16")}) == 5
    # A schedule computes with its rate.
    assert key(schedule="cosine", learning_rate=0.5) != key(schedule="cosine")
    assert warm.key("mine:build", complete("mine:build", {"width": 3})) is None


def test_a_trial_that_fails_leaves_no_model(part: Split, tmp_path: Path) -> None:
    job = train_job(part, tmp_path / "job", 2, values={**TINY, "optimizer": "sgd", "learning_rate": 1e30})
    ended = execute(job, lambda event: None)
    assert isinstance(ended, Failed)
    assert ended.failure.cause == "nan"
    assert not warm._kept


def test_a_few_models_are_kept(part: Split, tmp_path: Path) -> None:
    for units in range(2, 2 + warm.MOST + 2):
        run(train_job(part, tmp_path / str(units), 1, values={**TINY, "hidden_units": units}))
    assert len(warm._kept) == warm.MOST
