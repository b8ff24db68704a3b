"""A space tried out before it is searched: does it build, and what will it cost."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tunekit.space.space import Space
from tunekit.study.home import SearchFolder
from tunekit.study.model_file import pinned
from tunekit.study.objective import doubt
from tunekit.study.plan import Plan, plan_of
from tunekit.study.precision import settled
from tunekit.study.resources import MEMORY_PER_WORKER
from tunekit.study.session import Reporter, Settings, make_workers, prepare_both, probe_space, resources_for
from tunekit.study.signals import interruption
from tunekit.trial.jobs import Probe


@dataclass(frozen=True)
class Preview:
    """What a search of the space would be."""

    plan: Plan
    smallest: Probe
    largest: Probe
    workers: int
    threads: int
    images: int

    def seconds(self) -> tuple[float, float]:
        """Of the whole search, if every model were the quicker of the two and if every one were the slower."""
        first, second = self._seconds(self.smallest), self._seconds(self.largest)
        return min(first, second), max(first, second)

    def disk(self) -> int:
        """Bytes of checkpoints at most, if every model were the largest.

        A rung keeps as many as the next one takes, beside those that train; while two brackets overlap, twice that.
        The best epoch's weights are a file of their own, without the optimizer's state.
        """
        promoted = [rung.size for bracket in self.plan.brackets for rung in bracket.rungs[1:]]
        kept = 2 * max(promoted, default=0) + 2 * self.workers + 1
        return int(1.4 * kept * self.plan.executions * self.largest.checkpoint_bytes)

    def memory(self) -> int:
        return self.workers * MEMORY_PER_WORKER

    def _seconds(self, probe: Probe) -> float:
        assert probe.epoch_seconds is not None
        return self.plan.epochs * probe.epoch_seconds / self.workers


def preview(space: Space, settings: Settings, reporter: Reporter, timed: bool = False) -> Preview:
    """Read the data, build the smallest and the largest model, and train a batch of each, or time an epoch."""
    space = settled(pinned(space))
    settings.home.path.mkdir(parents=True, exist_ok=True)
    settings.home.keep_caches()
    resources = resources_for(None, settings)
    with (
        tempfile.TemporaryDirectory(prefix=".preview-", dir=settings.home.path) as scratch,
        interruption() as interrupted,
    ):
        workers = make_workers(SearchFolder(Path(scratch)), resources, settings)
        try:
            reporter.stage(f"Reading {space.data.source} {space.data.location}".rstrip())
            prepared = prepare_both(space, settings.home, interrupted)
            if found := doubt(space):
                reporter.warn(found)
            reporter.stage("Building the model with its smallest and its largest values")
            smallest, largest = probe_space(space, prepared, workers, interrupted, timed)
        finally:
            workers.close()
    return Preview(plan_of(space), smallest, largest, resources.workers, resources.threads, prepared.count)
