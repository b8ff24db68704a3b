from __future__ import annotations

import math
import random

import pytest

from tests.report.histories import history, record, space_of
from tunekit.report.importance import FEWEST, Importance, importance, longest
from tunekit.results import Values
from tunekit.space.parameters import Choice, Fixed, Range
from tunekit.space.space import Objective

SPACE = space_of(
    Choice("first", (False, True)),
    Choice("second", (False, True)),
    Range("dropout", 0.0, 0.5),
    Range("learning_rate", 1e-5, 1e-1, scale="log"),
    Fixed("batch_size", 50),
)


def found(score: object, count: int = 60, noise: float = 0.02) -> Importance:
    drawing = random.Random(1)
    return importance(SPACE, history(SPACE, count, lambda values: score(values) + drawing.gauss(0, noise)))  # type: ignore[operator]


def mean(importance: Importance, name: str) -> float:
    effect = importance.effect(name)
    assert effect is not None
    return effect.mean


def test_the_one_parameter_that_matters_is_found_and_no_other() -> None:
    result = found(lambda values: values["dropout"])
    assert result.effects[0].name == "dropout"
    assert mean(result, "dropout") > 0.9
    assert all(effect.mean < 0.05 for effect in result.effects[1:])
    assert all(pair.mean < 0.05 for pair in result.pairs)
    assert {effect.name for effect in result.effects} == {p.name for p in SPACE.parameters} - {"batch_size"}


def test_a_pure_interaction_shows_in_the_pair_and_nowhere_else() -> None:
    result = found(lambda values: float(values["first"] != values["second"]), count=80)
    strongest, *others = result.pairs
    assert {strongest.first, strongest.second} == {"first", "second"}
    assert strongest.mean > 0.5
    assert all(pair.mean < 0.05 for pair in others)
    assert all(effect.mean < 0.1 for effect in result.effects)


def test_noise_comes_to_nothing_and_is_said_to() -> None:
    result = found(lambda values: 0.5)
    assert result.explained < 0.1
    assert any("noise" in note for note in result.notes)


def test_importances_add_up_to_at_most_one_and_carry_an_uncertainty() -> None:
    result = found(lambda values: values["dropout"] + 0.2 * values["first"], count=20, noise=0.05)
    assert 0 < result.explained <= 1
    assert result.effects[0].std > 0
    assert [effect.mean for effect in result.effects] == sorted(
        (e.mean for e in result.effects), reverse=True
    )


def test_a_rate_counts_by_its_logarithm() -> None:
    assert mean(found(lambda values: math.log10(values["learning_rate"])), "learning_rate") > 0.9


def test_the_same_trials_give_the_same_importance() -> None:
    records = history(SPACE, 12, lambda values: float(values["dropout"]))
    assert importance(SPACE, records) == importance(SPACE, list(reversed(records)))


@pytest.mark.parametrize("count", [0, FEWEST - 1])
def test_too_few_trials_give_no_effects_and_a_note(count: int) -> None:
    result = found(lambda values: values["dropout"], count=count)
    assert (result.effects, result.pairs, result.trials) == ((), (), count)
    assert "too few" in result.notes[-1]


def test_a_promoted_configuration_counts_once_at_its_longest() -> None:
    values = {"dropout": 0.1}
    short, long = record(0, values, 0.5, 3), record(1, values, 0.7, 9, parent="000")
    died = record(2, values, None, 27, parent="001")
    repeat = record(3, values, 0.9)
    object.__setattr__(repeat, "kind", "repeat")
    assert longest([short, long, died, repeat, record(4, values, math.nan)]) == [long]


def test_more_epochs_are_no_merit_of_a_parameter() -> None:
    """Half of the trials got nine epochs and are better for it; dropout made the rest of the difference."""
    records = [
        record(
            number,
            trial.trial.values,
            float(trial.trial.values["dropout"]) + (number % 2),
            1 + 8 * (number % 2),
        )
        for number, trial in enumerate(history(SPACE, 60, lambda values: 0.0))
    ]
    result = importance(SPACE, records)
    assert mean(result, "dropout") > 0.7
    assert any("epochs" in note for note in result.notes)


def test_failed_trials_and_inactive_parameters_are_told() -> None:
    space = space_of(
        Choice("optimizer", ("adam", "momentum")),
        Range("momentum", 0.5, 0.99, when={"optimizer": ("momentum",)}),
    )

    def score(values: Values) -> float | None:
        return None if values.get("momentum", 0) > 0.9 else float(values["optimizer"] == "adam")

    result = importance(space, history(space, 50, score))
    assert mean(result, "optimizer") > 0.8
    assert mean(result, "momentum") < 0.1
    assert any("failed" in note for note in result.notes)
    assert any(note.startswith("momentum: where inactive") for note in result.notes)


def test_a_loss_that_exploded_is_not_all_that_counts() -> None:
    space = space_of(*SPACE.parameters, objective=Objective("val_loss", "min"))
    records = history(space, 60, lambda values: math.exp(5 * float(values["dropout"])))
    records.append(record(99, records[0].trial.values, 1e12))
    assert importance(space, records).effects[0].name == "dropout"


def test_equal_scores_and_parameters_that_never_varied_say_so() -> None:
    assert "All scores are the same." in found(lambda values: 0.5, noise=0.0).notes
    fixed = space_of(Choice("optimizer", ("adam", "sgd")))
    records = [record(number, {"optimizer": "adam"}, number / 10) for number in range(9)]
    assert "No parameter varied." in importance(fixed, records).notes
