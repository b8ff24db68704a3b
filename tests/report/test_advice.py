from __future__ import annotations

import math

from tests.report.histories import history, record, space_of
from tunekit.report.advice import Advice, advise
from tunekit.report.changes import Change
from tunekit.report.importance import Effect, Importance
from tunekit.results import TrialRecord, Values
from tunekit.space.parameters import Choice, Fixed, Range
from tunekit.space.space import Objective, SearchSettings, Space

NOTHING = Importance((), (), 0, ())
RATE = Range("learning_rate", 1e-4, 1e-1, scale="log")


def spread(space: Space, values: list[Values], scores: list[float]) -> list[TrialRecord]:
    return [record(number, *pair) for number, pair in enumerate(zip(values, scores, strict=True))]


def the_change(advice: Advice, name: str) -> Change:
    return next(change for change in advice.changes if change.name == name)


def test_a_range_is_widened_past_the_edge_where_the_best_lie() -> None:
    space = space_of(RATE)
    rates = [10 ** (-4 + 3 * number / 19) for number in range(20)]
    advice = advise(
        space, spread(space, [{"learning_rate": r} for r in rates], [1 - r for r in rates]), NOTHING
    )
    change = the_change(advice, "learning_rate")
    assert isinstance(change.after, Range)
    assert change.after.min < 1e-4 < change.after.max < 1e-1
    # In steps of 1/19 of the range only 0 and 1/19 lie in its lowest tenth: no majority, but the very best.
    assert "widened past the edge, where the very best lies" in change.reason


def test_the_sentence_about_an_edge_has_its_figures() -> None:
    space = space_of(RATE)
    rates = [1.0e-4, 1.1e-4, 1.2e-4, 1.3e-4, 5e-4, *[10 ** (-3 + 2 * n / 14) for n in range(15)]]
    records = spread(space, [{"learning_rate": r} for r in rates], [1 - r for r in rates])
    advice = advise(space, records, NOTHING)
    sentence = (
        "learning_rate: the best lie on the lower edge: 4 of the 5 best within the lowest tenth of 0.0001..0.1; "
        "widened past it."
    )
    assert sentence in advice.sentences


def test_dropout_is_not_widened_below_nothing() -> None:
    space = space_of(Range("dropout", 0.0, 0.8))
    shares = [number / 25 for number in range(20)]
    shares[:5] = [0.0, 0.01, 0.02, 0.03, 0.04]
    records = spread(space, [{"dropout": share} for share in shares], [1 - share for share in shares])
    change = the_change(advise(space, records, NOTHING), "dropout")
    assert "not widened there" in change.reason
    assert isinstance(change.after, Range)
    assert change.after.min == 0
    assert change.after.max < 0.4


def test_a_choice_that_lost_often_enough_is_dropped_with_its_best_score() -> None:
    space = space_of(Choice("optimizer", ("adam", "adagrad", "sgd")))
    names = ["adam"] * 10 + ["adagrad"] * 10 + ["sgd"]
    scores = [0.9 + n / 1000 for n in range(10)] + [0.31 - n / 100 for n in range(10)] + [0.2]
    records = spread(space, [{"optimizer": name} for name in names], scores)
    change = the_change(advise(space, records, NOTHING), "optimizer")
    assert isinstance(change.after, Choice)
    assert change.after.values == ("adam", "sgd"), "sgd was tried once"
    assert "adagrad never came above 0.31 in 10 trials" in change.reason


def test_a_choice_all_of_whose_trials_failed_is_dropped() -> None:
    space = space_of(Choice("optimizer", ("adam", "sgd")), RATE)

    def score(values: Values) -> float | None:
        return None if values["optimizer"] == "sgd" else 0.9

    advice = advise(space, history(space, 30, score), NOTHING)
    change = the_change(advice, "optimizer")
    assert change.after == Fixed("optimizer", "adam")
    assert "sgd failed in all" in change.reason
    assert any("failed (" in sentence for sentence in advice.sentences)


def test_the_next_larger_number_is_added_where_the_largest_won() -> None:
    space = space_of(Choice("filters", (8, 16)))
    records = history(space, 40, lambda values: float(values["filters"]) / 100)
    assert the_change(advise(space, records, NOTHING), "filters").after == Choice("filters", (16, 32))


def test_what_makes_no_difference_is_fixed_at_the_winners_value() -> None:
    space = space_of(Range("dropout", 0.0, 0.5), Choice("batch_norm", (True, False)))
    importance = Importance((Effect("dropout", 0.7, 0.1), Effect("batch_norm", 0.01, 0.02)), (), 24, ())
    values = [{"dropout": (7 * n % 24) / 48, "batch_norm": n % 2 == 0} for n in range(24)]
    records = spread(space, values, [0.9 - n / 100 for n in range(24)])
    change = the_change(
        advise(space, records, importance, {"dropout": 0.1, "batch_norm": False}), "batch_norm"
    )
    assert change.after == Fixed("batch_norm", False)
    assert "importance 0.01 ± 0.02" in change.reason
    unsure = Importance((Effect("dropout", 0.1, 0.1), Effect("batch_norm", 0.01, 0.02)), (), 24, ())
    assert the_change(advise(space, records, unsure), "batch_norm").after == space.parameters[1]


def test_something_is_always_left_to_search() -> None:
    space = space_of(Choice("optimizer", ("adam", "sgd")))
    importance = Importance((Effect("optimizer", 0.01, 0.01), Effect("learning_rate", 0.9, 0.0)), (), 24, ())
    records = [record(n, {"optimizer": ("adam", "sgd")[n % 2]}, n / 100) for n in range(24)]
    assert the_change(advise(space, records, importance), "optimizer").after == space.parameters[0]


def test_more_epochs_where_the_best_were_still_improving() -> None:
    space = space_of(RATE, search=SearchSettings(max_epochs=9))

    def records(best_epoch: int) -> list[TrialRecord]:
        return [
            record(n, {"learning_rate": 1e-3 + n / 1e4}, n / 10, 9, best_epoch=best_epoch) for n in range(9)
        ]

    rising = advise(space, records(9), NOTHING)
    assert rising.max_epochs == 18
    assert "all 5 best full-length trials were still improving" in rising.epochs_reason
    assert advise(space, records(7), NOTHING).max_epochs == 9


def test_few_trials_change_nothing_and_say_so() -> None:
    space = space_of(RATE)
    advice = advise(space, history(space, 5, lambda values: 0.5), NOTHING)
    assert all(change.after == change.before for change in advice.changes)
    assert "too few to change the space" in advice.sentences[0]
    assert "No trial has completed" in advise(space, [], NOTHING).sentences[0]


def test_a_loss_is_better_when_it_is_lower() -> None:
    space = space_of(Choice("optimizer", ("adam", "sgd")), RATE, objective=Objective("val_loss", "min"))
    records = history(space, 24, lambda values: 0.1 if values["optimizer"] == "adam" else 2.0)
    change = the_change(advise(space, records, NOTHING), "optimizer")
    assert change.after == Fixed("optimizer", "adam")
    assert "sgd never came below 2 in" in change.reason


def test_a_part_of_a_range_is_kept_only_where_chance_would_not_do() -> None:
    space = space_of(RATE)
    middle = history(space, 40, lambda values: -abs(math.log10(float(values["learning_rate"])) + 2.5))
    change = the_change(advise(space, middle, NOTHING), "learning_rate")
    assert isinstance(change.after, Range)
    assert 1e-4 < change.after.min < 10**-2.5 < change.after.max < 1e-1
    noise = history(space, 40, lambda values: math.sin(1e6 * float(values["learning_rate"])))
    assert the_change(advise(space, noise, NOTHING), "learning_rate").after == RATE
