"""The rungs of a search, without any oracle."""

from __future__ import annotations

import pytest

from tunekit.oracles.schedule import MAX_REPLACEMENTS, BracketPlan, RungPlan, Schedule, Slot

HALVING = BracketPlan(0, 1, (RungPlan(4, 0, 1), RungPlan(2, 1, 3), RungPlan(1, 3, 9)))
FLAT = BracketPlan(0, 0, (RungPlan(2, 0, 9),))


def make(*plans: BracketPlan, maximise: bool = True, max_trials: int | None = None) -> Schedule:
    return Schedule(plans or (HALVING, FLAT), maximise, max_trials)


def start(schedule: Schedule) -> Slot:
    slot = schedule.next_slot()
    assert slot is not None
    slot.state = "RUNNING"
    return slot


def run_rung(schedule: Schedule, *scores: float | None) -> list[Slot]:
    slots = [start(schedule) for _ in scores]
    for slot, score in zip(slots, scores, strict=True):
        schedule.end(slot, score, replace=False)
    return slots


def test_a_bracket_counts_its_trials_and_epochs() -> None:
    assert HALVING.trials == 7
    assert HALVING.epochs_trained == 4 * 1 + 2 * 2 + 1 * 6


def test_the_best_of_a_rung_are_promoted() -> None:
    schedule = make(HALVING)

    first = run_rung(schedule, 0.1, 0.4, 0.3, 0.2)
    second = run_rung(schedule, 0.5, 0.6)
    third = run_rung(schedule, 0.7)

    assert [slot.parent for slot in second] == [first[1], first[2]]
    assert third[0].parent is second[1]
    assert third[0].root is first[2]
    assert schedule.complete


def test_where_less_is_better_the_lowest_are_promoted() -> None:
    schedule = make(HALVING, maximise=False)

    first = run_rung(schedule, 0.1, 0.4, 0.3, 0.2)

    assert [slot.parent for slot in run_rung(schedule, 0.5, 0.6)] == [first[0], first[3]]


@pytest.mark.parametrize("maximise", [True, False])
def test_of_equal_scores_the_lower_slot_is_promoted(maximise: bool) -> None:
    schedule = make(HALVING, maximise=maximise)

    first = run_rung(schedule, 0.5, 0.5, 0.5, 0.5)

    assert [slot.parent for slot in run_rung(schedule, 1, 1)] == first[:2]


def test_a_rung_is_promoted_only_when_it_is_complete() -> None:
    schedule = make(HALVING)
    slots = [start(schedule) for _ in range(4)]
    for slot in slots[:3]:
        schedule.end(slot, 0.9)

    assert schedule.next_slot() is None
    assert not schedule.complete

    schedule.end(slots[3], 1.0)
    assert start(schedule).parent is slots[3]


def test_idle_workers_take_the_next_bracket() -> None:
    schedule = make(HALVING, FLAT)
    slots = [start(schedule) for _ in range(6)]

    assert [slot.bracket for slot in slots] == [0, 0, 0, 0, 1, 1]
    assert schedule.next_slot() is None


def test_a_bracket_that_waits_starts_when_all_before_it_are_complete() -> None:
    later = BracketPlan(0, 1, (RungPlan(1, 0, 9),), waits=True)
    schedule = make(FLAT, later)
    first, second = start(schedule), start(schedule)
    schedule.end(first, 1.0)

    assert schedule.next_slot() is None

    schedule.end(second, 1.0)
    assert start(schedule).bracket == 1


def test_numbers_follow_the_plan_and_not_the_order_of_starting() -> None:
    schedule = make(HALVING, FLAT)
    first = [start(schedule) for _ in range(6)]
    for slot in first:
        schedule.end(slot, 0.5)
    second = [start(schedule) for _ in range(2)]

    assert [slot.number for slot in first] == [0, 1, 2, 3, 7, 8]
    assert [slot.number for slot in second] == [4, 5]
    assert schedule.trial_id(second[0]) == "4"


def test_ids_are_as_wide_as_the_largest() -> None:
    schedule = make(BracketPlan(0, 0, (RungPlan(11, 0, 9),)))
    slots = [start(schedule) for _ in range(11)]

    assert [schedule.trial_id(slot) for slot in slots][::10] == ["00", "10"]


def test_a_first_rung_slot_that_failed_is_filled_again_but_not_for_ever() -> None:
    schedule = make(BracketPlan(0, 0, (RungPlan(1, 0, 9),)))

    ids = []
    while (slot := schedule.next_slot()) is not None:
        ids.append(schedule.trial_id(slot))
        schedule.end(slot, None)

    assert ids == ["0", *(f"0.{attempt}" for attempt in range(1, MAX_REPLACEMENTS + 1))]
    assert schedule.complete


def test_a_later_rung_goes_on_without_its_failures() -> None:
    schedule = make(HALVING)
    run_rung(schedule, 0.1, 0.4, 0.3, 0.2)
    second = [start(schedule), start(schedule)]
    schedule.end(second[0], None)
    schedule.end(second[1], 0.1)

    assert schedule.trial_id(second[0]) == "4"
    assert start(schedule).parent is second[1]


def test_when_a_whole_rung_failed_the_bracket_is_over() -> None:
    schedule = make(HALVING)
    run_rung(schedule, None, None, None, None)

    assert schedule.next_slot() is None
    assert schedule.complete


def test_a_space_that_is_exhausted_ends_its_rung_there() -> None:
    schedule = make(HALVING)
    first = [start(schedule), start(schedule)]
    third = schedule.next_slot()
    assert third is not None
    schedule.exhaust(third)
    for slot in first:
        schedule.end(slot, float(slot.number))

    assert [start(schedule).parent, start(schedule).parent] == [first[1], first[0]]


def test_a_replacement_that_finds_nothing_leaves_its_slot_failed() -> None:
    schedule = make(HALVING)
    slots = [start(schedule) for _ in range(4)]
    schedule.end(slots[1], None)
    again = schedule.next_slot()
    assert again is slots[1]
    schedule.exhaust(again)

    assert again.state == "FAILED"
    assert len(schedule.brackets[0].rungs[0]) == 4


@pytest.mark.parametrize(
    ("most", "sizes"), [(1, [[1]]), (5, [[4, 1]]), (7, [[4, 2, 1]]), (8, [[4, 2, 1], [1]])]
)
def test_a_number_of_trials_cuts_in_the_order_of_the_plan(most: int, sizes: list[list[int]]) -> None:
    schedule = make(max_trials=most)

    assert [[rung.size for rung in plan.rungs] for plan in schedule.plans] == sizes
    assert sum(plan.trials for plan in schedule.plans) == most


def test_more_trials_than_the_plan_holds_change_nothing() -> None:
    assert make(max_trials=100).plans == make().plans == (HALVING, FLAT)


def test_who_may_continue() -> None:
    schedule = make(HALVING)
    first = [start(schedule) for _ in range(4)]
    assert not schedule.may_continue(first[0]), "it has learnt nothing yet that is complete"
    for slot in first[:3]:
        schedule.end(slot, 1.0 - slot.number / 10)
    assert schedule.may_continue(first[0]), "its rung is undecided"
    schedule.end(first[3], None, replace=False)

    second = [start(schedule), start(schedule)]
    assert [schedule.may_continue(slot) for slot in first] == [True, True, False, False]
    schedule.end(second[1], 0.1)
    assert not schedule.may_continue(first[1]), "its child has ended"
    assert schedule.may_continue(first[0]), "its child runs"
    schedule.end(second[0], 0.2)

    third = start(schedule)
    assert [schedule.may_continue(slot) for slot in second] == [True, False]
    schedule.end(third, 0.3)
    assert not schedule.may_continue(third), "the last rung has no successor"


def test_of_a_complete_rung_nobody_continues_who_is_not_promoted() -> None:
    """Decided as soon as the rung is complete, before anyone asks for the next trial."""
    schedule = make(HALVING)
    first = run_rung(schedule, 0.1, 0.4, 0.3, 0.2)

    assert [schedule.may_continue(slot) for slot in first] == [False, True, True, False]
