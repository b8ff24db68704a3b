from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

from PIL import Image

from tests.report.histories import record, space_of
from tunekit.report.comparison import Entry, Point, side_by_side, summed_up
from tunekit.report.draw_comparison import draw_comparison
from tunekit.results import Epoch, Evaluation, TimedEpoch
from tunekit.space.parameters import Choice
from tunekit.space.space import Objective

SPACE = space_of(Choice("cell", ("rnn", "lstm")), model="recurrent")
FACTS = {"data_name": "digits", "data_sha256": "a" * 64}


def epochs(*numbers: int, seconds: float = 2.0) -> list[TimedEpoch]:
    return [TimedEpoch(Epoch(number, {"val_accuracy": number / 10}, seconds), 0.0) for number in numbers]


def entry(search: str = "one", finalists: object = None) -> Entry:
    short = record(0, {"cell": "lstm"}, 0.3, 3)
    best = record(1, {"cell": "lstm"}, 0.9, 9, parent="000")
    others = [
        record(2, {"cell": "rnn"}, 0.8, 9),
        record(3, {"cell": "rnn"}, None),
        record(4, {"cell": "rnn"}, 0.7, 9),
    ]
    own = {"000": epochs(1, 2, 3), "001": epochs(4, 5, seconds=4.0), "003": epochs(1, seconds=9.0)}
    test = Evaluation(0.5, 0.85, (), (), "b" * 64)
    facts = {**FACTS, "finalists": finalists}
    curve = [*own["000"], *own["001"]]
    return summed_up(search, SPACE, "finished", [short, best, *others], best, own, curve, facts, test)


def test_a_search_summed_up_by_hand() -> None:
    found = entry()
    assert (found.trials, found.failed, found.epochs) == (5, 1, 6)
    assert (found.model, found.score, found.test_accuracy, found.weights) == (
        "recurrent (lstm)",
        0.9,
        0.85,
        10,
    )
    assert found.epoch_seconds == statistics.median([2, 2, 2, 4, 4, 9])
    assert found.seconds == 4 * 1.0 + 9.0, "a failed trial counts with its epochs"
    assert [point.epoch for point in found.curve] == [1, 2, 3, 4, 5]
    assert found.curve[3] == Point(4, 0.4)


def test_a_winner_that_was_broken_off_is_no_trial_more() -> None:
    whole = record(1, {"cell": "lstm"}, None, 9)
    taken = replace(record(2, {"cell": "lstm"}, 0.2, 2, parent="001"), kind="snapshot")
    found = summed_up("a", SPACE, "stopped", [whole, taken], taken, {}, epochs(1, 2), FACTS, None)

    assert (found.winner, found.trials) == ("002", 1)
    assert [point.epoch for point in found.curve] == [1, 2]


def test_executions_of_the_winner_are_its_spread() -> None:
    """Each of their epochs counts, with its share of the time."""
    best = record(1, {"cell": "lstm"}, 0.75, 9)
    assert best.outcome is not None
    best = replace(best, outcome=replace(best.outcome, scores=(0.5, 1.0), execution=1))
    space = replace(SPACE, search=replace(SPACE.search, executions_per_trial=2))
    own = {"001": epochs(1, 2, seconds=4.0)}
    found = summed_up("a", space, "finished", [best], best, own, own["001"], FACTS, None)
    assert (found.spread, found.spread_of) == (statistics.stdev([0.5, 1.0]), "2 executions of the winner")
    assert (found.epochs, found.epoch_seconds) == (4, 2.0)


def test_the_test_score_in_the_objectives_metric() -> None:
    test = Evaluation(0.5, 0.85, (), (), "b" * 64, {"f1": 0.75})
    for objective, score in (
        (Objective(), 0.85), (Objective("val_loss", "min"), 0.5), (Objective("val_f1"), 0.75),
        (Objective("val_auc"), None),
    ):  # fmt: skip
        found = summed_up("a", replace(SPACE, objective=objective), "finished", [], None, {}, (), FACTS, test)
        assert found.test == score


def test_which_spread_it_is() -> None:
    found = entry()
    assert found.spread == statistics.stdev([0.9, 0.8, 0.7])
    assert found.spread_of == "the best 3 trials of 9 epochs"
    trained = entry(finalists=[{"trial": "001", "scores": [0.8, 0.9], "deviation": 0.07}])
    assert (trained.spread, trained.spread_of) == (0.07, "2 seeds of the winner")


def test_what_keeps_scores_from_being_compared() -> None:
    one = entry()
    assert side_by_side([one, replace(one, search="two")]).comparable
    for changes, word in (
        ({"data_sha256": "c" * 64}, "the data differs"),
        ({"validation": 0.3}, "held out for validation"),
        ({"limit": 100}, "limit"),
        ({"objective": Objective("val_loss", "min")}, "objective"),
    ):
        found = side_by_side([one, replace(one, search="two", **changes)])
        assert not found.comparable
        assert word in found.differences[0]
    other_seed = side_by_side([one, replace(one, search="two", seed=1)])
    assert other_seed.comparable
    assert "seeds differ" in other_seed.notes[0]


def test_the_picture_shows_many_searches_and_some_without_a_winner(tmp_path: Path) -> None:
    empty = summed_up("empty", SPACE, "running", [], None, {}, (), FACTS, None)
    assert (empty.score, empty.spread, empty.curve) == (None, None, ())
    many = [replace(entry(), search=f"search-{number}") for number in range(9)]
    with Image.open(draw_comparison(side_by_side([*many, empty]), tmp_path / "many.png")) as picture:
        assert picture.width == 1320
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 7
