"""Known configurations are the first that an oracle hands out, and part of what a search follows from."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from tests.oracles.driver import SIX, Run, as_text, make_space, play, scored
from tunekit.oracles.tuners import Tuner, make_oracle
from tunekit.results import Trial, Values
from tunekit.space.parameters import Choice, Parameter, Range

# Of Keras Tuner's own `synchronized`, and of its Gaussian process.
pytestmark = [
    pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

WHOLE = {
    "optimizer": "momentum",
    "learning_rate": 0.01,
    "momentum": 0.9,
    "dropout": 0.5,
    "batch_norm": True,
    "units": 64,
    "batch_size": 50,
}
PART = {"optimizer": "adam", "dropout": 0.1}
COUNTABLE: tuple[Parameter, ...] = (*SIX, Range("units", 1, 3, 1))
SETTINGS: dict[str, dict[str, Any]] = {
    "hyperband": {"max_epochs": 9},
    "random": {"max_trials": 8},
    "bayesian": {"max_trials": 20},
}


def oracle(
    tuner: str, starts: tuple[Values, ...], parameters: tuple[Parameter, ...] = (), **more: Any
) -> Tuner:
    settings = SETTINGS.get(tuner, {}) | more
    return make_oracle(replace(make_space(*parameters, tuner=tuner, **settings), start=starts))


def firsts(run: Run) -> list[Trial]:
    return [run.trials[trial_id] for trial_id in sorted(run.trials)]


@pytest.mark.parametrize("tuner", SETTINGS)
def test_they_are_the_first_trials(tuner: str) -> None:
    first, second, third, *_ = firsts(play(oracle(tuner, (WHOLE, PART))))

    assert first.values == WHOLE
    assert {name: second.values[name] for name in PART} == PART
    assert "momentum" not in second.values
    assert set(second.values) == set(WHOLE) - {"momentum"}
    assert (first.start, second.start, third.start) == (1, 2, None)
    assert (first.initial_epoch, first.round) == (0, 0)


@pytest.mark.parametrize("tuner", SETTINGS)
def test_the_others_are_drawn_as_without_them(tuner: str) -> None:
    with_them = firsts(play(oracle(tuner, (WHOLE, PART))))
    without = firsts(play(oracle(tuner, ())))

    assert [trial.values for trial in with_them[2:8]] == [trial.values for trial in without[2:8]]


@pytest.mark.parametrize("tuner", SETTINGS)
def test_the_search_is_the_same_in_any_order(tuner: str) -> None:
    runs = [
        play(oracle(tuner, (PART, WHOLE)), workers=workers, order=Random(workers)) for workers in (1, 3, 8)
    ]

    assert runs[0].ordered == runs[1].ordered == runs[2].ordered


def test_a_promoted_one_is_still_known() -> None:
    run = play(
        oracle("hyperband", (WHOLE, PART)), lambda trial: 1.0 if trial.start == 2 else scored(trial) / 2
    )

    kept = [trial for trial in run.trials.values() if trial.start == 2]
    assert [trial.epochs for trial in kept] == [1, 3, 9]
    assert len({as_text(dict(trial.values)) for trial in kept}) == 1


def test_one_that_fails_is_replaced_by_one_that_is_drawn() -> None:
    run = play(oracle("hyperband", (WHOLE,)), lambda trial: None if trial.start else scored(trial))

    assert run.trials["00"].values == WHOLE
    assert run.trials["00.1"].start is None
    assert run.trials["00.1"].values != WHOLE


@pytest.mark.parametrize("tuner", SETTINGS)
def test_none_is_asked_twice(tuner: str) -> None:
    """Neither by another of them nor by a draw: the six configurations of the space, in pieces and whole."""
    starts = ({"kind": "a"}, {"kind": "a", "flag": True}, {"flag": False}, {"kind": "a", "flag": True})
    run = play(
        oracle(tuner, starts, SIX, **({"max_epochs": 1} if tuner == "hyperband" else {"max_trials": 6}))
    )

    fresh = [as_text(dict(trial.values)) for trial in firsts(run) if trial.round == 0]
    assert len(fresh) == len(set(fresh))
    assert [trial.start for trial in firsts(run)][:3] == [1, 2, 3][: len(fresh)]


def test_one_in_part_keeps_clear_of_a_whole_one_behind_it() -> None:
    run = play(oracle("random", ({"kind": "a"}, {"kind": "a", "flag": True}), SIX, max_trials=3))

    first, second, _ = firsts(run)
    assert first.values == {"kind": "a", "flag": False}
    assert second.values == {"kind": "a", "flag": True}


def test_one_in_part_that_leaves_nothing_new_is_left_out() -> None:
    starts = ({"kind": "a", "flag": True}, {"kind": "a", "flag": False}, {"kind": "a"}, {"kind": "b"})
    run = play(oracle("random", starts, SIX, max_trials=4))

    assert [trial.start for trial in firsts(run)] == [1, 2, 4, None]


def test_more_than_a_rung_holds_go_on_in_the_next_bracket() -> None:
    """Of 4/2: four in the first rung, then three, and what has no place is told."""
    starts = tuple({"units": units} for units in range(16, 26))
    asked = oracle("hyperband", starts, max_epochs=4, factor=2)
    run = play(asked)

    fresh = [trial for trial in firsts(run) if trial.round == 0]
    assert [trial.bracket for trial in fresh] == [2, 2, 2, 2, 1, 1, 1, 0, 0, 0]
    assert [trial.start for trial in fresh] == list(range(1, 11))
    asked = oracle("hyperband", starts, max_epochs=4, factor=2, max_trials=3)
    assert asked.starts_left_out == [4, 5, 6, 7, 8, 9, 10]


def test_a_draw_keeps_clear_of_one_that_comes_later() -> None:
    """Fifteen configurations for the places of 4/2 before the last bracket's, which the last start takes."""
    parameters = (Choice("kind", tuple("abcdefghijklmno")),)
    starts = tuple({"kind": kind} for kind in "abcdefgh")
    run = play(oracle("hyperband", starts, parameters, max_epochs=4, factor=2))

    values = [trial.values["kind"] for trial in firsts(run) if trial.round == 0]
    assert values[:8] == list("abcdefgh")
    assert len(set(values)) == len(values)


def test_a_grid_begins_with_them_and_tries_each_combination_once() -> None:
    starts = ({"kind": "c", "flag": False, "units": 3}, {"units": 2})
    run = play(oracle("grid", starts, COUNTABLE))

    trials = firsts(run)
    assert trials[0].values == starts[0]
    assert trials[1].values["units"] == 2
    assert [trial.start for trial in trials[:3]] == [1, 2, None]
    assert len(trials) == len({as_text(dict(trial.values)) for trial in trials}) == 18
