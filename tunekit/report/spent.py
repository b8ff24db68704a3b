"""Where a search's time went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tunekit.report.material import Material
from tunekit.results import TrialRecord

Interval = tuple[float, float]


@dataclass(frozen=True)
class Spent:
    """Seconds. The parts add up to the workers' time: so many workers, for as long as any trial ran."""

    workers: int
    """Trials that ran side by side at most."""
    wall: float
    """From the beginning to the end of the last trial."""
    idle: float
    """Of those, how many no trial ran: loading, evaluation before a resume, or the search was stopped."""
    training: float
    building: float
    """Building and compiling models, loading and saving checkpoints."""
    looking: float
    failed: float
    """In trials that failed in the end."""
    waiting: float
    """Workers without a trial while others had one, and work that was lost to a crash."""
    recording: float | None
    """The coordinator's, beside the workers; None where the search has not ended."""

    @property
    def parts(self) -> list[tuple[str, float]]:
        return [
            ("training", self.training),
            ("building, compiling, checkpoints", self.building),
            ("looking inside", self.looking),
            ("failed trials", self.failed),
            ("waiting", self.waiting),
        ]

    @property
    def total(self) -> float:
        return sum(seconds for _, seconds in self.parts)


def spent(material: Material) -> Spent:
    intervals = [_interval(record, material) for record in material.records]
    end = max((last for _, last in intervals), default=material.created)
    busy = covered(intervals)
    workers = side_by_side(intervals)
    training = building = looking = failed = 0.0
    for record in material.records:
        epochs = sum(timed.epoch.seconds for timed in material.epochs.get(record.trial.id, ()))
        if record.failure is not None and record.ended is not None:
            failed += record.ended - record.started
            continue
        training += epochs
        if record.outcome is not None:
            looking += record.outcome.looking_seconds
            building += max(0.0, record.outcome.seconds - epochs - record.outcome.looking_seconds)
    known = training + building + looking + failed
    return Spent(
        workers=workers,
        wall=end - material.created,
        idle=max(0.0, end - material.created - busy),
        training=training,
        building=building,
        looking=looking,
        failed=failed,
        waiting=max(0.0, workers * busy - known),
        recording=material.facts.get("seconds_recording"),
    )


def _interval(record: TrialRecord, material: Material) -> Interval:
    """A trial under way has run until its last epoch at least."""
    if record.ended is not None:
        return record.started, record.ended
    epochs = material.epochs.get(record.trial.id, ())
    return record.started, max([record.started, *(timed.ended for timed in epochs)])


def covered(intervals: Iterable[Interval]) -> float:
    """The length of all intervals together, overlaps counted once."""
    total, reached = 0.0, float("-inf")
    for first, last in sorted(intervals):
        total += max(0.0, last - max(first, reached))
        reached = max(reached, last)
    return total


def side_by_side(intervals: Sequence[Interval]) -> int:
    """The most intervals that overlap anywhere."""
    steps = [(first, 1) for first, last in intervals if last > first]
    steps += [(last, -1) for first, last in intervals if last > first]
    most = running = 0
    for _, step in sorted(steps):  # an end comes before a beginning at the same time
        running += step
        most = max(most, running)
    return most
