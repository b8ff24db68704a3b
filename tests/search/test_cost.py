"""What the coordinator itself costs a trial, at the beginning of a long search and at its end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Tell
from tests.oracles.driver import make_space, scored
from tests.search.records import make_epoch, make_outcome
from tests.search.test_coordinator import make_state
from tests.search.workers import Job, make_job
from tunekit.oracles.tuners import make_oracle
from tunekit.search.coordinator import Coordinator
from tunekit.space.space import Space
from tunekit.trial.jobs import Done, EpochDone
from tunekit.workers.workers import WorkerEvent

TRIALS = 10_000
BLOCK = 1_000


class Instant:
    """A worker that is done with whatever it is given."""

    def __init__(self) -> None:
        self.job: Job | None = None

    @property
    def idle(self) -> int:
        return self.job is None

    def submit(self, job: Any) -> int:
        self.job = job
        return 0

    def events(self, timeout: float) -> list[WorkerEvent]:
        job, self.job = self.job, None
        assert job is not None
        outcome = make_outcome(scored(job.trial, 4))
        return [
            WorkerEvent(0, job.id, EpochDone(make_epoch(job.trial.epochs))),
            WorkerEvent(0, job.id, Done(outcome, 0)),
        ]


class Timed:
    """An oracle that keeps how long each call took."""

    def __init__(self, oracle: Any) -> None:
        self.oracle = oracle
        self.seconds: dict[str, list[float]] = {"ask": [], "finish": []}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.oracle, name)
        return self.timed(name, found) if name in self.seconds else found

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            began = time.perf_counter()
            answer = call(*arguments)
            self.seconds[name].append(time.perf_counter() - began)
            return answer

        return timed


def cost(space: Space, folder: Path) -> dict[str, tuple[float, float]]:
    """Milliseconds of each step at the beginning and at the end, of the fastest of ten parts of a block."""
    state, ends = make_state(folder), [time.perf_counter()]
    oracle = Timed(make_oracle(space))
    coordinator = Coordinator(
        oracle,
        state,
        Instant(),  # type: ignore[arg-type]
        make_job,
        folder / "checkpoints",
        space.objective,
        interrupted=lambda: ends.append(time.perf_counter()) is not None,
    )
    assert coordinator.run() is True
    assert len(state.records()) >= TRIALS
    state.close()
    oracle.seconds["step"] = [after - before for before, after in itertools.pairwise(ends)][1:]
    return {name: (fastest(each[:BLOCK]), fastest(each[-BLOCK:])) for name, each in oracle.seconds.items()}


def fastest(seconds: list[float]) -> float:
    """Of a tenth of the block, so that what else the machine does is left out."""
    part = len(seconds) // 10
    return min(
        sum(seconds[start : start + part]) / part * 1000 for start in range(0, len(seconds) - part, part)
    )


@pytest.mark.parametrize("tuner", ["random", pytest.param("hyperband", marks=pytest.mark.long)])
def test_a_step_costs_at_most_twice_as_much_after_ten_thousand_trials(
    tuner: str, tmp_path: Path, tell: Tell
) -> None:
    changes: dict[str, Any] = {"max_trials": TRIALS}
    if tuner == "hyperband":
        changes |= {"max_epochs": 27, "iterations": 150}
    found = cost(make_space(tuner=tuner, **changes), tmp_path)
    shown = ", ".join(f"{name} {early:.3f} ms, later {late:.3f} ms" for name, (early, late) in found.items())
    tell(f"{TRIALS} trials: {shown}")
    for name, (early, late) in found.items():
        assert late < 2 * early + 0.02, f"{name}: {shown}"
    assert found["step"][1] < 5, shown
