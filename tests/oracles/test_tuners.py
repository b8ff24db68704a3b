"""What each of the four tuners plans and proposes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from keras_tuner import HyperParameters, Objective
from keras_tuner.oracles import GridSearchOracle, HyperbandOracle

from tests.oracles.driver import SIX, as_text, make_space, play, scored, search
from tests.oracles.test_hyperparameters import assert_allowed
from tunekit.oracles.hyperparameters import to_hyperparameters
from tunekit.oracles.schedule import BracketPlan
from tunekit.oracles.tuners import BATCH, DEFAULT_TRIALS, make_oracle
from tunekit.space.parameters import Choice, Fixed, Range
from tunekit.space.sections import TUNERS

# Of Keras Tuner's own `synchronized`, and of its Gaussian process.
pytestmark = [
    pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

# Hyperband's plan


def plans(max_epochs: int, factor: int, **changes: Any) -> tuple[BracketPlan, ...]:
    return make_oracle(make_space(max_epochs=max_epochs, factor=factor, **changes)).schedule.plans


def written(plan: BracketPlan) -> str:
    return ",".join(f"{rung.size}@{rung.epochs}" for rung in plan.rungs)


@pytest.mark.parametrize(
    ("max_epochs", "factor", "trials", "new", "epochs"),
    [(9, 3, 23, 17, 75), (27, 3, 70, 49, 375), (25, 3, 30, 22, 278), (81, 3, 211, 143, 1767)],
)
def test_hyperbands_totals(max_epochs: int, factor: int, trials: int, new: int, epochs: int) -> None:
    planned = plans(max_epochs, factor)

    assert sum(plan.trials for plan in planned) == trials
    assert sum(plan.rungs[0].size for plan in planned) == new
    assert sum(plan.epochs_trained for plan in planned) == epochs


@pytest.mark.parametrize(
    ("max_epochs", "factor", "brackets"),
    [
        (9, 3, ["9@1,3@3,1@9", "5@3,2@9", "3@9"]),
        (27, 3, ["27@1,9@3,3@9,1@27", "12@3,4@9,2@27", "6@9,2@27", "4@27"]),
        (25, 3, ["12@3,4@9,2@25", "6@9,2@25", "4@25"]),
        (125, 5, ["125@1,25@5,5@25,1@125", "34@5,7@25,2@125", "10@25,2@125", "4@125"]),
        (8, 2, ["8@1,4@2,2@4,1@8", "6@2,3@4,2@8", "4@4,2@8", "4@8"]),
        (1, 3, ["1@1"]),
        (2, 3, ["2@2"]),
    ],
)
def test_hyperbands_brackets(max_epochs: int, factor: int, brackets: list[str]) -> None:
    planned = plans(max_epochs, factor)

    assert [written(plan) for plan in planned] == brackets
    assert [plan.number for plan in planned] == list(reversed(range(len(planned))))


def test_a_power_keeps_all_its_brackets() -> None:
    """Logarithms round: of 125 to base 5 to a little more than 3, of 243 to base 3 to a little less than 5."""
    assert [plan.rungs[0].epochs for plan in plans(125, 5)] == [1, 5, 25, 125]
    assert [plan.rungs[0].epochs for plan in plans(243, 3)] == [1, 3, 9, 27, 81, 243]
    assert plans(243, 3)[0].trials == 243 + 81 + 27 + 9 + 3 + 1


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_the_plan_is_keras_tuners_and_exact(factor: int) -> None:
    hp = HyperParameters()
    hp.Fixed("x", 1)
    for max_epochs in range(2, 260, 3):
        theirs = HyperbandOracle(Objective("score", "max"), max_epochs, factor, hyperparameters=hp)
        ours = plans(max_epochs, factor)
        largest = math.ceil(math.log(max_epochs, factor) - 1e-9)
        assert len(ours) == theirs._get_num_brackets()
        for plan in ours:
            assert len(plan.rungs) == theirs._get_num_rounds(plan.number)
            before = 0
            for number, rung in enumerate(plan.rungs):
                power = factor ** (plan.number - number)
                assert rung.size == theirs._get_size(plan.number, number)
                assert rung.size == -(-(1 + largest) * power // (plan.number + 1))
                assert rung.epochs == theirs._get_epochs(plan.number, number) == -(-max_epochs // power)
                assert rung.initial_epoch == before
                before = rung.epochs


def test_iterations_repeat_the_brackets_with_other_configurations() -> None:
    run = search(make_space(max_epochs=9, iterations=2))
    fresh = [as_text(dict(trial.values)) for trial in run.trials.values() if trial.parent is None]

    assert len(run.trials) == 46
    assert [len(run.rung(2, 0, iteration)) for iteration in (0, 1)] == [9, 9]
    assert len(set(fresh)) == 34


def test_a_number_of_trials_cuts_hyperband_in_the_order_of_its_plan() -> None:
    whole = search(make_space(max_epochs=9))
    cut = search(make_space(max_epochs=9, max_trials=11))

    assert list(cut.ordered) == sorted(whole.trials)[:11]
    assert all(cut.trials[name] == whole.trials[name] for name in cut.trials)


def test_the_promoted_are_the_best_of_their_rung() -> None:
    for direction, sign in (("max", -1), ("min", 1)):
        run = search(make_space(max_epochs=27, direction=direction))
        for bracket, rounds in ((3, 3), (2, 2), (1, 1)):
            for number in range(rounds):
                rung = sorted(run.rung(bracket, number), key=lambda t: (sign * run.scores[t.id], t.id))  # type: ignore[operator]
                promoted = run.rung(bracket, number + 1)
                assert [trial.parent for trial in promoted] == [trial.id for trial in rung[: len(promoted)]]


def test_a_promoted_trial_goes_on_where_its_parent_stopped() -> None:
    run = search(make_space(max_epochs=9))
    promoted = [trial for trial in run.trials.values() if trial.parent]

    assert len(promoted) == 23 - 17
    for trial in promoted:
        parent = run.trials[str(trial.parent)]
        assert trial.initial_epoch == parent.epochs < trial.epochs
        assert (trial.bracket, trial.round) == (parent.bracket, parent.round + 1)


# Random


@pytest.mark.parametrize(("asked", "given"), [(None, DEFAULT_TRIALS), (7, 7)])
@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_a_search_without_rungs_trains_all_trials_to_the_end(
    tuner: str, asked: int | None, given: int
) -> None:
    planned = make_oracle(make_space(tuner=tuner, max_trials=asked, max_epochs=5)).schedule.plans

    assert sum(plan.trials for plan in planned) == given
    assert {rung.epochs for plan in planned for rung in plan.rungs} == {5}


# Bayesian


def test_the_bayesian_tuner_waits_for_whole_batches() -> None:
    parameters = (Range("x", 0.0, 1.0),)
    oracle = make_oracle(make_space(*parameters, tuner="bayesian", max_trials=10, max_epochs=3))
    assert [plan.trials for plan in oracle.schedule.plans] == [BATCH, BATCH, 2]

    for batch in (BATCH, BATCH, 2):
        trials = []
        while (trial := oracle.ask()) is not None:
            trials.append(trial)
        assert len(trials) == batch
        for trial in trials[1:]:
            oracle.finish(trial.id, scored(trial))
            assert oracle.ask() is None
        oracle.finish(trials[0].id, scored(trials[0]))
    assert oracle.complete


def test_the_bayesian_tuner_proposes_within_the_space() -> None:
    parameters = (
        Choice("optimizer", ("adam", "momentum")),
        Range("momentum", 0.5, 0.99, when={"optimizer": ("momentum",)}),
        Range("nodes", 1, 9, scale="log"),
    )
    space = make_space(*parameters, tuner="bayesian", max_trials=14)
    # Drives it to the borders.
    run = search(space, lambda trial: float(trial.values.get("momentum", 0)) + float(trial.values["nodes"]))

    for trial in run.trials.values():
        assert space.active(trial.values) == trial.values
        for name, value in trial.values.items():
            assert_allowed(space.parameter(name), value)  # type: ignore[arg-type]
        assert ("momentum" in trial.values) == (trial.values["optimizer"] == "momentum")


@pytest.mark.parametrize(("direction", "sign"), [("max", -1), ("min", 1)])
def test_the_bayesian_tuner_finds_the_top_of_a_hill(direction: str, sign: int) -> None:
    space = make_space(Range("x", 0.0, 1.0), tuner="bayesian", max_trials=12, direction=direction)
    run = search(space, lambda trial: sign * (float(trial.values["x"]) - 0.3) ** 2)

    assert min(abs(float(trial.values["x"]) - 0.3) for trial in run.trials.values()) < 0.01


def test_the_bayesian_tuner_keeps_what_keras_tuner_knows_of_ongoing_trials() -> None:
    oracle = make_oracle(make_space(Range("x", 0.0, 1.0), tuner="bayesian", max_trials=8))
    first = [oracle.create_trial(f"tuner{number}") for number in range(BATCH)]
    for number, trial in enumerate(first):
        oracle.update_trial(trial.trial_id, {"score": number / 10})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    second = [oracle.create_trial(f"tuner{number}") for number in range(BATCH)]

    assert [trial.trial_id for trial in oracle.ongoing_trials.values()] == [t.trial_id for t in second]


# Grid


def test_a_grid_holds_every_combination_once() -> None:
    parameters = (
        Choice("kind", ("a", "b", "c")),
        Choice("flag", (True, False), when={"kind": ("b", "c")}),
        Range("depth", 1, 3, when={"flag": (True,), "kind": ("c",)}),
        Range("share", 0.0, 0.2, 0.1),
        Fixed("size", 50),
    )
    space = make_space(*parameters, tuner="grid")
    everything = itertools.product("abc", (True, False), (1, 2, 3), (0.0, 0.1, 0.2), (50,))
    expected = {as_text(space.active(dict(zip(names(space), values, strict=True)))) for values in everything}

    found = [as_text(dict(trial.values)) for trial in search(space).trials.values()]
    assert len(found) == len(expected) == (1 + 2 + 1 + 3) * 3
    assert set(found) == expected


def names(space: Any) -> list[str]:
    return [parameter.name for parameter in space.parameters]


def test_the_grids_order_is_keras_tuners() -> None:
    space = make_space(*SIX, Choice("deep", (1, 2, 3), when={"kind": ("b",)}), tuner="grid")
    theirs = GridSearchOracle(
        Objective("score", "max"),
        hyperparameters=to_hyperparameters(space),
        tune_new_entries=False,
        allow_new_entries=False,
    )
    combination: Any = {"kind": "a", "flag": True}
    expected = []
    while combination is not None:
        expected.append(dict(combination))
        combination = theirs._get_next_combination(combination)

    assert [trial.values for trial in search(space).trials.values()] == expected


def test_a_grid_stops_at_the_number_of_trials() -> None:
    whole = search(make_space(*SIX, tuner="grid"))
    cut = search(make_space(*SIX, tuner="grid", max_trials=4))

    assert [t.values for t in cut.trials.values()] == [t.values for t in whole.trials.values()][:4]


def test_a_grid_that_could_never_be_listed_is_cut_at_once() -> None:
    parameters = [Range(f"x{number}", 1, 100) for number in range(30)]

    assert len(search(make_space(*parameters, tuner="grid", max_trials=5)).trials) == 5


def test_a_grids_failures_are_not_replaced() -> None:
    run = search(make_space(*SIX, tuner="grid"), lambda trial: None if trial.id == "2" else 0.5)

    assert sorted(run.trials) == list("012345")


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_space_of_fixed_values_is_trained_as_it_is(tuner: str) -> None:
    run = search(make_space(Fixed("a", 1), Fixed("b", "x"), tuner=tuner, max_epochs=3, max_trials=5))

    assert run.trials
    assert all(trial.values == {"a": 1, "b": "x"} for trial in run.trials.values())


def test_a_whole_search_can_be_played_twice_with_one_space() -> None:
    space = make_space(max_epochs=9)
    assert play(make_oracle(space)).ordered == play(make_oracle(space)).ordered
