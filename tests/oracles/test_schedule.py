"""The rungs of a search, without any oracle."""

from __future__ import annotations

import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    schedule.end(first[2], 0.8)
    assert schedule.may_continue(first[2]), "its rung is undecided"
    schedule.end(first[0], 1.0)
    schedule.end(first[1], 0.9)
    assert not schedule.may_continue(first[2]), "two are better, and the next rung takes no more"
    assert schedule.released() == [first[2]]
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


@pytest.mark.parametrize("maximise", [True, False])
def test_of_equal_scores_the_lower_slot_keeps_its_place(maximise: bool) -> None:
    schedule = make(HALVING, maximise=maximise)
    first = [start(schedule) for _ in range(4)]
    for slot in (first[3], first[1], first[2]):
        schedule.end(slot, 0.5)

    assert [schedule.may_continue(slot) for slot in first] == [False, True, True, False]


def test_a_failed_slot_helps_nobody_and_its_replacement_may_still_win() -> None:
    schedule = make(HALVING)
    first = [start(schedule) for _ in range(4)]
    schedule.end(first[0], None)
    for slot, score in zip(first[1:3], (0.2, 0.1), strict=True):
        schedule.end(slot, score)
    assert [schedule.may_continue(slot) for slot in first] == [False, True, True, False]

    again = start(schedule)
    assert again is first[0]
    schedule.end(again, 0.9)
    assert [schedule.may_continue(slot) for slot in first] == [True, True, False, False]
    schedule.end(first[3], None, replace=False)
    assert [start(schedule).parent for _ in range(2)] == [first[0], first[1]]


ENDS = st.lists(
    st.tuples(st.integers(0, 7), st.one_of(st.none(), st.integers(0, 4))), min_size=30, max_size=60
)
"""Which of the running slots ends next, and its score; few scores make for ties."""


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    most=st.one_of(st.none(), st.integers(1, 20)),
    maximise=st.booleans(),
    exhausted=st.one_of(st.none(), st.integers(0, 8)),
    ends=ENDS,
)
def test_whoever_could_not_continue_is_never_promoted(
    sizes: list[int],
    most: int | None,
    maximise: bool,
    exhausted: int | None,
    ends: list[tuple[int, int | None]],
) -> None:
    rungs = tuple(RungPlan(size, number, number + 1) for number, size in enumerate(sorted(sizes)[::-1]))
    schedule = make(BracketPlan(0, 1, rungs), FLAT, maximise=maximise, max_trials=most)
    running: list[Slot] = []
    refused: set[int] = set()
    released: list[int] = []
    for chosen, score in [*ends, *[(0, 1)] * 60]:
        while len(running) < 8 and (slot := schedule.next_slot()) is not None:
            if slot.parent is None and slot.bracket == 0 and slot.position == exhausted:
                schedule.exhaust(slot)
                continue
            assert slot.parent is None or slot.parent.number not in refused
            slot.state = "RUNNING"
            running.append(slot)
        if not running:
            break
        schedule.end(running.pop(chosen % len(running)), score)
        completed = [slot for slot in all_slots(schedule) if slot.state == "COMPLETED"]
        released += [slot.number for slot in schedule.released()]
        refused |= {slot.number for slot in completed if not schedule.may_continue(slot)}
        assert sorted(released) == sorted(refused), "each is told once"
        assert refused == {slot.number for slot in completed if not is_needed(schedule, slot)}
    assert schedule.complete
    assert not any(schedule.may_continue(slot) for slot in all_slots(schedule))


def all_slots(schedule: Schedule) -> list[Slot]:
    return [slot for bracket in schedule.brackets for rung in bracket.rungs for slot in rung]


def is_needed(schedule: Schedule, slot: Slot) -> bool:
    """The same said the long way round."""
    bracket = schedule.brackets[slot.bracket]
    if slot.round + 1 == len(bracket.plan.rungs):
        return False
    if slot.round + 1 < len(bracket.rungs):
        return any(child.parent is slot and not child.ended for child in bracket.rungs[slot.round + 1])
    assert slot.score is not None
    sign = -1 if schedule.maximise else 1
    others = [each for each in bracket.rungs[slot.round] if each.score is not None]
    better = [e for e in others if (sign * (e.score or 0), e.position) < (sign * slot.score, slot.position)]
    return len(better) < bracket.plan.rungs[slot.round + 1].size


def seconds_a_slot(size: int) -> float:
    schedule = make(BracketPlan(0, 1, (RungPlan(size, 0, 1), RungPlan(size // 3, 1, 3))))
    draw = Random(0)
    began = time.process_time()
    for _ in range(size):
        schedule.end(start(schedule), draw.random())
        for slot in schedule.released():
            assert not schedule.may_continue(slot)
    return (time.process_time() - began) / size


def test_a_slot_costs_no_more_in_a_rung_of_many() -> None:
    short = min(seconds_a_slot(500) for _ in range(3))
    assert min(seconds_a_slot(20_000) for _ in range(3)) < 2 * short + 0.00002
