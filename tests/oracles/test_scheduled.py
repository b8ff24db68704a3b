"""What the mended oracles promise: the outcome follows from the space and the seed, and from nothing else."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras_tuner import Oracle
from keras_tuner.engine.trial import Trial as TunerTrial

from tests.oracles.driver import (
    MIXED,
    SIX,
    Run,
    Score,
    as_text,
    failing,
    make_space,
    play,
    scored,
    search,
    tell,
)
from tunekit.oracles.schedule import MAX_REPLACEMENTS
from tunekit.oracles.seeds import derive_seed
from tunekit.oracles.tuners import Tuner, make_oracle
from tunekit.results import Trial
from tunekit.space import sections
from tunekit.space.parameters import Choice, Fixed, Parameter

# Of Keras Tuner's own `synchronized`, and of its Gaussian process.
pytestmark = [
    pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

GRID: tuple[Parameter, ...] = (
    Choice("kind", ("a", "b", "c")),
    Choice("size", (1, 2, 3), when={"kind": ("b", "c")}),
    Choice("flag", (True, False)),
)
TUNERS: dict[str, dict[str, Any]] = {
    "hyperband": {"max_epochs": 9},
    "random": {"max_epochs": 9, "max_trials": 12},
    "bayesian": {"max_epochs": 9, "max_trials": 10},
    "grid": {"max_epochs": 9},
}
QUICKLY = [tuner for tuner in TUNERS if tuner != "bayesian"]
"""Those that propose without a Gaussian process, of which more searches can be played."""
DRAWING = [tuner for tuner in TUNERS if tuner != "grid"]
"""Those whose configurations follow from the seed."""


def test_every_tuner_is_here() -> None:
    assert tuple(TUNERS) == sections.TUNERS


def space_of(tuner: str, parameters: Sequence[Parameter] = MIXED, seed: int = 0, **changes: Any) -> Any:
    parameters = GRID if tuner == "grid" and parameters is MIXED else parameters
    return make_space(*parameters, tuner=tuner, seed=seed, **(TUNERS[tuner] | changes))


# The order of finishing


def same_in_any_order(
    tuner: str, parameters: Sequence[Parameter], seed: int, score: Score, workers: int, order: Random
) -> None:
    space = space_of(tuner, parameters, seed)
    alone = search(space, score)
    together = search(space, score, workers, order)
    assert together.ordered == alone.ordered
    assert alone.trials


DRAWN = {
    "seed": st.integers(0, 3),
    "workers": st.sampled_from([2, 8]),
    "percent": st.sampled_from([0, 10, 40, 90]),
    "salt": st.integers(0, 100),
    "order": st.randoms(use_true_random=False),
}
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("parameters", [MIXED, SIX], ids=["mixed", "six"])
@pytest.mark.parametrize("tuner", QUICKLY)
@QUICK
@given(**DRAWN)
def test_the_outcome_is_the_same_in_any_order(
    tuner: str,
    parameters: Sequence[Parameter],
    seed: int,
    workers: int,
    percent: int,
    salt: int,
    order: Random,
) -> None:
    same_in_any_order(tuner, parameters, seed, failing(percent, salt), workers, order)


@settings(QUICK, max_examples=3)
@given(**DRAWN)
def test_the_outcome_of_the_bayesian_tuner_is_the_same_in_any_order(
    seed: int, workers: int, percent: int, salt: int, order: Random
) -> None:
    same_in_any_order("bayesian", MIXED, seed, failing(percent, salt), workers, order)


@pytest.mark.long
@pytest.mark.parametrize("parameters", [MIXED, SIX], ids=["mixed", "six"])
@pytest.mark.parametrize("tuner", QUICKLY)
@LONG
@given(**DRAWN)
def test_the_outcome_is_the_same_in_any_order_at_length(
    tuner: str,
    parameters: Sequence[Parameter],
    seed: int,
    workers: int,
    percent: int,
    salt: int,
    order: Random,
) -> None:
    same_in_any_order(tuner, parameters, seed, failing(percent, salt), workers, order)


@pytest.mark.long
@pytest.mark.parametrize("parameters", [MIXED, SIX], ids=["mixed", "six"])
@settings(LONG, max_examples=40)
@given(**DRAWN)
def test_the_outcome_of_the_bayesian_tuner_is_the_same_in_any_order_at_length(
    parameters: Sequence[Parameter], seed: int, workers: int, percent: int, salt: int, order: Random
) -> None:
    same_in_any_order("bayesian", parameters, seed, failing(percent, salt), workers, order)


@pytest.mark.parametrize("tuner", TUNERS)
def test_several_workers_are_kept_busy(tuner: str) -> None:
    assert search(space_of(tuner), workers=4).most_running == 4


# Seeds


@pytest.mark.parametrize("tuner", DRAWING)
def test_a_seed_gives_one_search_and_0_is_a_seed(tuner: str) -> None:
    first = search(space_of(tuner, seed=0))
    again = search(space_of(tuner, seed=0))
    other = search(space_of(tuner, seed=1))

    assert first.ordered == again.ordered
    assert {as_text(dict(t.values)) for t in first.trials.values()}.isdisjoint(
        as_text(dict(t.values)) for t in other.trials.values()
    )


def test_every_configuration_has_its_own_seed_and_keeps_it_when_promoted() -> None:
    run = search(space_of("hyperband"))
    fresh = [trial for trial in run.trials.values() if trial.parent is None]

    assert len({trial.seed for trial in fresh}) == len(fresh)
    for trial in run.trials.values():
        if trial.parent:
            assert trial.seed == run.trials[trial.parent].seed
            assert trial.values == run.trials[trial.parent].values


def test_a_grid_has_one_order_and_its_seeds_follow_the_searchs() -> None:
    first, other = search(space_of("grid", seed=0)), search(space_of("grid", seed=1))

    assert [t.values for t in first.trials.values()] == [t.values for t in other.trials.values()]
    assert all(first.trials[name].seed != other.trials[name].seed for name in first.trials)


def test_a_derived_seed_is_the_same_on_every_machine() -> None:
    assert derive_seed(0, "trial", "03") == 427_009_924
    assert derive_seed(1, 23) != derive_seed(12, 3)
    assert all(0 <= derive_seed(number) < 2**31 for number in range(1000))


# Failures


def failed_once(ids: set[str]) -> Score:
    return lambda trial: None if trial.id in ids else scored(trial)


def test_a_first_rung_failure_is_replaced_by_a_fresh_configuration() -> None:
    run = search(space_of("hyperband"), failed_once({"03", "03.1"}))

    assert {"03", "03.1", "03.2"} < set(run.trials)
    three = [run.trials[name] for name in ("03", "03.1", "03.2")]
    assert len({as_text(dict(trial.values)) for trial in three}) == 3
    assert len({trial.seed for trial in three}) == 3
    assert {(trial.bracket, trial.round, trial.epochs) for trial in three} == {(2, 0, 1)}
    assert len(run.trials) == 23 + 2


def test_a_failed_trial_does_not_change_the_others_configurations() -> None:
    smooth, rough = search(space_of("hyperband")), search(space_of("hyperband"), failed_once({"03"}))
    first = [trial.id for trial in smooth.trials.values() if trial.round == 0]

    assert all(rough.trials[name] == smooth.trials[name] for name in first)


def test_a_replacement_is_no_configuration_of_its_rung() -> None:
    """Six configurations fill the first rung: there is nothing fresh left to replace one with."""
    for seed in range(5):
        run = search(space_of("hyperband", SIX, seed), failed_once({"00"}))
        assert "00.1" not in run.trials
        first = [as_text(dict(trial.values)) for trial in run.rung(2, 0)]
        assert len(first) == len(set(first)) == 6


def test_a_later_rungs_failure_is_not_replaced() -> None:
    run = search(space_of("hyperband"), failed_once({"09"}))

    assert run.scores["09"] is None
    assert len(run.trials) == 23
    assert run.trials["12"].parent in ("10", "11")


@pytest.mark.parametrize("tuner", TUNERS)
def test_when_every_trial_fails_the_search_ends(tuner: str) -> None:
    run = search(space_of(tuner), lambda trial: None)

    replaced = 0 if tuner == "grid" else MAX_REPLACEMENTS
    counts = Counter(name.split(".")[0] for name in run.trials)
    assert set(counts.values()) == {1 + replaced}
    assert {trial.round for trial in run.trials.values()} == {0}


@pytest.mark.parametrize("score", [float("inf"), float("-inf"), float("nan")])
def test_a_score_that_is_no_number_is_a_failure(score: float) -> None:
    run = search(space_of("hyperband"), lambda trial: score if trial.id == "03" else scored(trial))

    assert "03.1" in run.trials
    assert "03" not in {trial.parent for trial in run.trials.values()}


def test_a_trial_ends_once() -> None:
    oracle = make_oracle(space_of("hyperband"))
    first, second = oracle.ask(), oracle.ask()
    assert first is not None
    assert second is not None
    oracle.finish(first.id, 0.5)
    oracle.fail(second.id)

    with pytest.raises(ValueError, match="00 is not running"):
        oracle.fail(first.id)
    with pytest.raises(ValueError, match="01 is not running"):
        oracle.finish(second.id, 0.5)


def test_failures_in_a_row_do_not_end_a_search() -> None:
    run = search(space_of("hyperband"), failed_once({"00", "01", "02", "03", "04"}))

    assert len(run.trials) == 23 + 5


# Small spaces


@pytest.mark.parametrize(
    ("parameters", "count"),
    [(SIX, 6), ((Choice("only", (1, 2)),), 2), ((Choice("one", (7,)),), 1), ((Fixed("fixed", 7),), 1)],
    ids=["six", "two", "one", "fixed"],
)
def test_a_small_space_is_promoted_through_all_rungs(parameters: Sequence[Parameter], count: int) -> None:
    run = search(space_of("hyperband", parameters))

    for bracket, sizes in ((2, (9, 3, 1)), (1, (5, 2)), (0, (3,))):
        for number, size in enumerate(sizes):
            rung = [as_text(dict(trial.values)) for trial in run.rung(bracket, number)]
            assert len(rung) == min(size, count)
            assert len(set(rung)) == len(rung), "distinct within a bracket"


def test_a_bracket_prefers_configurations_that_the_search_has_not_had() -> None:
    twelve = (*SIX, Choice("more", (1, 2)))
    run = search(space_of("hyperband", twelve))
    first = {as_text(dict(trial.values)) for trial in run.rung(2, 0)}
    second = {as_text(dict(trial.values)) for trial in run.rung(1, 0)}

    assert (len(first), len(second - first)) == (9, 3)


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_without_rungs_a_configuration_is_never_trained_twice(tuner: str) -> None:
    for parameters, count in ((SIX, 6), ((Fixed("fixed", 7),), 1)):
        run = search(space_of(tuner, parameters, max_trials=20))
        assert len({as_text(dict(trial.values)) for trial in run.trials.values()}) == len(run.trials) == count


# What may continue


def test_checkpoints_are_needed_until_the_children_have_ended() -> None:
    oracle = make_oracle(space_of("hyperband", max_trials=13))
    first = [asked(oracle) for _ in range(9)]
    for trial in first[:8]:
        oracle.finish(trial.id, scored(trial))
    leaders = sorted(first[:8], key=lambda trial: (-scored(trial), trial.id))[:3]
    kept = {trial.id for trial in first[:8] if oracle.may_continue(trial.id)}
    assert kept == {trial.id for trial in leaders}, "the rung is undecided, and takes three"
    assert set(oracle.released()) == {trial.id for trial in first[:8]} - kept
    oracle.finish(first[8].id, scored(first[8]))

    second = [asked(oracle) for _ in range(3)]
    parents = {trial.parent for trial in second}
    assert {trial.id for trial in first if oracle.may_continue(trial.id)} == parents
    for trial in second:
        oracle.finish(trial.id, scored(trial))
        assert not oracle.may_continue(str(trial.parent))
    last = asked(oracle)
    assert oracle.may_continue(str(last.parent))
    oracle.finish(last.id, 1.0)
    assert not any(oracle.may_continue(name) for name in oracle.trials)


def test_a_failed_trial_may_not_continue_though_its_slot_does() -> None:
    oracle = make_oracle(space_of("hyperband"))
    trial = asked(oracle)
    oracle.fail(trial.id)
    again = asked(oracle)
    oracle.finish(again.id, 0.5)

    assert again.id == "00.1"
    assert not oracle.may_continue("00")
    assert oracle.may_continue("00.1")
    assert oracle.released() == []


def asked(oracle: Tuner) -> Trial:
    trial = oracle.ask()
    assert trial is not None
    return trial


# Keras Tuner's own protocol


def drive(oracle: Oracle, order: Random, tuners: int = 3, fails: Sequence[str] = ()) -> dict[str, TunerTrial]:
    """As Keras Tuner's tuners do it, each with an id of its own."""
    running: dict[str, TunerTrial] = {}
    stopped = False
    while not stopped or running:
        for number in range(tuners):
            name = f"tuner{number}"
            if name in running:
                assert oracle.create_trial(name) is running[name], "a tuner that asks again gets its trial"
                continue
            trial = oracle.create_trial(name)
            stopped = stopped or trial.status == "STOPPED"
            assert trial.status in (("STOPPED",) if stopped else ("RUNNING", "IDLE"))
            if trial.status == "RUNNING":
                running[name] = trial
            elif trial.status == "STOPPED":
                assert not running, "stopped while trials run"
        if running:
            report(oracle, running.pop(order.choice(sorted(running))), fails)
    return dict(oracle.trials)


def report(oracle: Oracle, trial: TunerTrial, fails: Sequence[str]) -> None:
    values = trial.hyperparameters.values
    plain = {name: value for name, value in values.items() if not name.startswith("tuner/")}
    epochs = values["tuner/epochs"]
    score = scored(Trial(trial.trial_id, plain, 0, 0, epochs))
    oracle.update_trial(trial.trial_id, {"score": score - 0.1}, step=0)
    oracle.update_trial(trial.trial_id, {"score": score}, step=1)
    trial.status = "FAILED" if trial.trial_id in fails else "COMPLETED"
    oracle.end_trial(trial)


@pytest.mark.parametrize("tuner", TUNERS)
@pytest.mark.parametrize("tuners", [1, 3])
def test_keras_tuners_protocol_gives_the_same_search(tuner: str, tuners: int) -> None:
    ours = search(space_of(tuner), failed_once({"01"}))
    trials = drive(make_oracle(space_of(tuner)), Random(4), tuners, fails=["01"])

    assert set(trials) == set(ours.trials)
    for name, trial in trials.items():
        expected = ours.trials[name]
        values = trial.hyperparameters.values
        assert {
            key: value for key, value in values.items() if not key.startswith("tuner/")
        } == expected.values
        assert trial.score == ours.scores[name]
        if trial.status == "COMPLETED":
            assert trial.best_step == 1
        assert values["tuner/epochs"] == expected.epochs
        assert values["tuner/initial_epoch"] == expected.initial_epoch
        assert values["tuner/round"] == expected.round
        assert values["tuner/bracket"] == expected.bracket, "the trial's own bracket, not the newest"
        assert values.get("tuner/trial_id") == expected.parent


def test_keras_tuner_sees_the_best_trials() -> None:
    oracle = make_oracle(space_of("random"))
    trials = drive(oracle, Random(0), 2)

    (best,) = oracle.get_best_trials(1)
    assert best.score == max(trial.score for trial in trials.values())


def test_what_a_models_builder_declares_stays_out_of_the_space() -> None:
    oracle = make_oracle(space_of("random"))
    before = [hp.name for hp in oracle.get_space().space]
    trial = oracle.create_trial("one")
    trial.hyperparameters.Int("own", 1, 3)

    assert [hp.name for hp in oracle.get_space().space] == before
    assert "own" not in oracle.create_trial("two").hyperparameters.values


# Plain values


@pytest.mark.parametrize("tuner", TUNERS)
def test_values_can_be_written_as_json(tuner: str) -> None:
    for trial in search(space_of(tuner)).trials.values():
        assert json.loads(json.dumps(dict(trial.values))) == trial.values
        assert not any(name.startswith("tuner/") for name in trial.values)


# Cost


def seconds_a_trial(parameters: Sequence[Parameter], **changes: Any) -> float:
    oracle = make_oracle(space_of("hyperband", parameters, **changes))
    began = time.process_time()
    run: Run = play(oracle, workers=4)
    return (time.process_time() - began) / len(run.trials)


@pytest.mark.parametrize(("parameters", "iterations"), [(MIXED, 400), (SIX, 100)], ids=["mixed", "six"])
def test_a_trial_costs_little_and_no_more_in_a_long_search(
    parameters: Sequence[Parameter], iterations: int
) -> None:
    short = min(seconds_a_trial(parameters, iterations=5) for _ in range(3))
    # The better of several: the machine may be busy with something else in one of them.
    long = min(seconds_a_trial(parameters, iterations=iterations) for _ in range(3))

    assert long < 0.005
    assert long < 2 * short + 0.0005


def test_telling_an_oracle_what_ended_is_all_a_resume_needs() -> None:
    space = space_of("hyperband")
    whole = search(space)
    oracle = make_oracle(space)
    known = dict(list(whole.scores.items())[:7])
    while set(known) - set(oracle.end_order):
        trial = asked(oracle)
        tell(oracle, trial.id, known[trial.id])

    rest = play(oracle)
    assert set(rest.trials).isdisjoint(known)
    assert rest.ordered == {name: whole.ordered[name] for name in rest.ordered}
    assert set(rest.trials) | set(known) == set(whole.trials)
