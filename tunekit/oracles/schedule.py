"""The rungs of a search: how many trials each holds, how far they train, and which is asked for next.

Nothing here depends on the order in which trials finish: a rung is promoted when it is complete, ties go to the
lower slot, and a slot's configuration is a function of the search's seed and the slot alone.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

MAX_REPLACEMENTS = 10
"""Fresh configurations a first-rung slot is given before it stays failed: a space that mostly fails must end."""


@dataclass(frozen=True)
class RungPlan:
    """How many trials a rung holds, and the epochs each has trained once it is finished."""

    size: int
    initial_epoch: int
    epochs: int


@dataclass(frozen=True)
class BracketPlan:
    """A bracket of successive halving; `number` is Keras Tuner's, counting down to 0."""

    iteration: int
    number: int
    rungs: tuple[RungPlan, ...]
    waits: bool = False
    """Starts only when all earlier brackets are complete, since its configurations follow from their scores."""

    @property
    def trials(self) -> int:
        return sum(rung.size for rung in self.rungs)

    @property
    def epochs_trained(self) -> int:
        return sum(rung.size * (rung.epochs - rung.initial_epoch) for rung in self.rungs)


@dataclass
class Slot:
    """One place in a rung; holds one trial at a time."""

    number: int
    """Of the whole plan, counted from 0: the trial's id."""
    bracket: int
    """Index into the schedule's brackets."""
    round: int
    position: int
    attempt: int = 0
    """Failed configurations that this slot held before."""
    parent: Slot | None = None
    state: str = "PENDING"
    """PENDING, RUNNING, COMPLETED, or FAILED for good."""
    score: float | None = None
    needed: bool = False
    """Whether a later rung can still need what its trial has learnt."""

    @property
    def root(self) -> Slot:
        return self if self.parent is None else self.parent.root

    @property
    def ended(self) -> bool:
        return self.state in ("COMPLETED", "FAILED")


@dataclass
class Bracket:
    """A bracket under way: the slots of each rung that exist so far."""

    plan: BracketPlan
    rungs: list[list[Slot]] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    """A heap of positions in the newest rung; some of them may have begun since."""
    unfinished: int = 0
    """Slots of the newest rung that have not ended."""
    leading: list[tuple[float, int]] = field(default_factory=list)
    """Who of the newest rung would be promoted if it were complete: sign and score, and position, best first."""

    @property
    def complete(self) -> bool:
        return len(self.rungs) == len(self.plan.rungs) and not self.unfinished

    @property
    def places(self) -> int:
        """How many of the newest rung are promoted."""
        return self.plan.rungs[len(self.rungs)].size if len(self.rungs) < len(self.plan.rungs) else 0

    def first_pending(self) -> Slot | None:
        while self.pending and self.rungs[-1][self.pending[0]].state != "PENDING":
            heapq.heappop(self.pending)
        return self.rungs[-1][self.pending[0]] if self.pending else None


class Schedule:
    """Walks the brackets in order and says which slot runs next."""

    def __init__(self, plans: Sequence[BracketPlan], maximise: bool, max_trials: int | None = None) -> None:
        self.maximise = maximise
        self.brackets = [Bracket(plan) for plan in _capped(plans, max_trials)]
        self._offsets = list(_offsets(plans))
        self._first_open = 0
        self._released: list[Slot] = []
        self.width = len(str(max(1, sum(plan.trials for plan in plans) - 1)))

    @property
    def plans(self) -> tuple[BracketPlan, ...]:
        return tuple(bracket.plan for bracket in self.brackets)

    @property
    def complete(self) -> bool:
        return self._skip_complete() == len(self.brackets)

    def next_slot(self) -> Slot | None:
        """The first slot that can run now; None where all wait for others or are done."""
        for index in range(self._skip_complete(), len(self.brackets)):
            bracket = self.brackets[index]
            if bracket.plan.waits and index > self._first_open:
                return None
            slot = self._next_in(index, bracket)
            if slot is not None:
                return slot
        return None

    def trial_id(self, slot: Slot) -> str:
        """The slot's number, and behind a dot how many failed configurations it held before."""
        root = f"{slot.number:0{self.width}d}"
        return f"{root}.{slot.attempt}" if slot.attempt else root

    def fresh(self) -> Iterator[int]:
        """The numbers of the slots that take a new configuration, in the plan's order."""
        for first, bracket in zip(self._offsets, self.brackets, strict=False):
            yield from range(first[0], first[0] + bracket.plan.rungs[0].size)

    def end(self, slot: Slot, score: float | None, replace: bool = True) -> None:
        """The slot's trial completed with a score, or failed where it is None."""
        bracket = self.brackets[slot.bracket]
        slot.score = score
        if score is None and replace and slot.round == 0 and slot.attempt < MAX_REPLACEMENTS:
            slot.state, slot.attempt = "PENDING", slot.attempt + 1
            heapq.heappush(bracket.pending, slot.position)
            return
        slot.state = "FAILED" if score is None else "COMPLETED"
        bracket.unfinished -= 1
        if slot.parent is not None:
            self._release(slot.parent)
        if score is not None:
            self._rank(bracket, slot, score)
        self._offer(slot.bracket)

    def exhaust(self, slot: Slot) -> None:
        """The space has no configuration left for this slot: its rung ends before it."""
        bracket = self.brackets[slot.bracket]
        rung = bracket.rungs[0]
        if slot.attempt:
            slot.state = "FAILED"
            bracket.unfinished -= 1
        else:
            bracket.unfinished -= len(rung) - slot.position
            bracket.pending = [position for position in bracket.pending if position < slot.position]
            heapq.heapify(bracket.pending)
            del rung[slot.position :]
        self._offer(slot.bracket)

    def may_continue(self, slot: Slot) -> bool:
        """Whether a later rung can still need what this slot's trial has learnt.

        Once False it stays so: as many trials as the next rung takes are better already, or its child has ended.
        """
        return slot.needed

    def released(self) -> list[Slot]:
        """The slots that have ceased to be needed since this was last asked."""
        released, self._released = self._released, []
        return released

    def _skip_complete(self) -> int:
        while self._first_open < len(self.brackets) and self.brackets[self._first_open].complete:
            self._first_open += 1
        return self._first_open

    def _next_in(self, index: int, bracket: Bracket) -> Slot | None:
        if not bracket.rungs:
            self._add_rung(index, bracket, [None] * bracket.plan.rungs[0].size)
        return bracket.first_pending()

    def _rank(self, bracket: Bracket, slot: Slot, score: float) -> None:
        """Among those that would be promoted now; whoever falls out can never be."""
        slot.needed = True
        insort(bracket.leading, (-score if self.maximise else score, slot.position))
        if len(bracket.leading) > bracket.places:
            _, position = bracket.leading.pop()
            self._release(bracket.rungs[-1][position])

    def _release(self, slot: Slot) -> None:
        slot.needed = False
        self._released.append(slot)

    def _offer(self, index: int) -> None:
        """Fill the next rung once the newest one is complete."""
        bracket = self.brackets[index]
        while bracket.places and not bracket.unfinished:
            promoted = [bracket.rungs[-1][position] for _, position in bracket.leading]
            self._add_rung(index, bracket, promoted)

    def _add_rung(self, index: int, bracket: Bracket, parents: Sequence[Slot | None]) -> None:
        round_number = len(bracket.rungs)
        first = self._offsets[index][round_number]
        bracket.rungs.append(
            [Slot(first + i, index, round_number, i, parent=parent) for i, parent in enumerate(parents)]
        )
        bracket.pending = list(range(len(parents)))
        bracket.unfinished = len(parents)
        bracket.leading = []


def _offsets(plans: Sequence[BracketPlan]) -> Iterator[tuple[int, ...]]:
    """For each bracket the number of the first slot of each rung."""
    number = 0
    for plan in plans:
        firsts = []
        for rung in plan.rungs:
            firsts.append(number)
            number += rung.size
        yield tuple(firsts)


def _capped(plans: Sequence[BracketPlan], max_trials: int | None) -> Iterator[BracketPlan]:
    """The plans without the slots from `max_trials` on, counted in the plan's order and not in time's."""
    left = sum(plan.trials for plan in plans) if max_trials is None else max_trials
    for plan in plans:
        rungs = []
        for rung in plan.rungs:
            size = min(rung.size, left)
            left -= size
            if size:
                rungs.append(RungPlan(size, rung.initial_epoch, rung.epochs))
        if rungs:
            yield BracketPlan(plan.iteration, plan.number, tuple(rungs), plan.waits)
