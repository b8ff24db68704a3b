"""How large a search one coordinator can feed: trials that only sleep, on few workers and on many.

    python benchmarks/cluster.py [--seconds 60] [--epoch 1.0] [--trials 3000] [--plan 100000]

The coordinator, the state on disk, the oracle (Hyperband over the parameters of cnn-cifar10) and the pool of workers
on Ray are the real ones; MLflow records nothing. Of the workers

- 8 are real: actors of Ray, each with its worker process, on this machine;
- 64 and 256 are simulated: threads that sleep in a few actors of Ray, 64 in each, so that every job and every epoch
  travels through Ray as it does from as many machines, and only their processes are saved;
- those of the last lines answer at once: what the coordinator alone can write down, and what comes through Ray.

The ideal is the same search with the same lengths of trials on a clock of its own, where asking, telling and writing
take no time: that rungs wait for their last trial is in it. A result is what a trial tells after an epoch, as Ray Tune
counts. `--plan` asks the oracle alone for that many trials, to see what grows with a search.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Of workers whose trials only sleep no backend is asked for anything; this one loads at once.
os.environ["KERAS_BACKEND"] = "numpy"
os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])

from sleeping import Crowds, SleepingWorkers, ideal_seconds, make_job

from tunekit.data.prepared import prepare
from tunekit.oracles.tuners import Tuner, make_oracle
from tunekit.results import Trial
from tunekit.search.coordinator import Coordinator
from tunekit.search.state import State
from tunekit.space.override import apply_settings
from tunekit.space.reader import read_space
from tunekit.space.shipped import find_space
from tunekit.space.space import DataSpec, Space
from tunekit.study.session import split_of
from tunekit.trial.jobs import Split
from tunekit.workers.cluster.pool import RayWorkers
from tunekit.workers.cluster.request import OnRay
from tunekit.workers.workers import Workers

SEATS = 64
"""Simulated workers in one process."""


@dataclass
class Watched:
    """An oracle, and how long it takes to answer."""

    oracle: Tuner
    asks: list[float] = field(default_factory=list)

    def ask(self) -> Trial | None:
        began = time.perf_counter()
        trial = self.oracle.ask()
        self.asks.append(time.perf_counter() - began)
        return trial

    def __getattr__(self, name: str) -> Any:
        return getattr(self.oracle, name)


@dataclass(frozen=True)
class Measured:
    """Of one search."""

    trials: int
    results: int
    seconds: float
    processor: float
    """Seconds of it that the coordinator's process computed."""
    asks: list[float]


def space_for(trials: int) -> Space:
    """With as many iterations of Hyperband as make that many trials."""
    space = read_space(find_space("cnn-cifar10"))
    one = sum(plan.trials for plan in make_oracle(space).schedule.plans)
    return apply_settings(space, [], iterations=max(1, -(-trials // one)))


def trials_for(workers: int, seconds: float, epoch: float) -> int:
    """As many as take the workers that long."""
    plans = make_oracle(space_for(1)).schedule.plans
    each = sum(plan.epochs_trained for plan in plans) / sum(plan.trials for plan in plans)
    return int(workers * seconds / (each * epoch))


def measure(space: Space, workers: Workers, split: Split, folder: Path, epoch: float) -> Measured:
    state = State.create(folder / "state.db", {"seed": 0})
    oracle = Watched(make_oracle(space))
    checkpoints = folder / "checkpoints"
    coordinator = Coordinator(
        oracle,
        state,
        workers,
        lambda trial: make_job(trial, split, checkpoints, epoch),
        checkpoints,
        space.objective,
    )
    began, processor = time.perf_counter(), time.process_time()
    assert coordinator.run()
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    records = state.records()
    assert all(record.status == "COMPLETED" for record in records)
    results = sum(record.trial.epochs - record.trial.initial_epoch for record in records)
    state.close()
    return Measured(len(records), results, seconds, processor, oracle.asks)


@contextlib.contextmanager
def on_ray(count: int, split: Split, folder: Path, simulated: bool) -> Iterator[RayWorkers]:
    """Workers that are all there already, and have had a job each."""
    from tunekit.workers.cluster import team

    real = team.make_actor
    if simulated:
        team.make_actor = Crowds(SEATS).make_actor  # type: ignore[assignment]
    # Ray starts a process for every processor that it is said to have.
    share = 1 / SEATS if simulated else 0.25
    workers = RayWorkers(OnRay(cpus=share), count, 1, folder, folder / "ray", folder / "logs")
    try:
        workers.warm_up()
        assert workers._team is not None
        while not all(member.node for member in workers._team.members.values()):
            workers.events(1.0)
        for number in range(count):
            first = Trial(f"first-{number}", {}, seed=0, initial_epoch=0, epochs=0)
            workers.submit(make_job(first, split, folder, 0.0))
        while workers.busy:
            workers.events(1.0)
        yield workers
    finally:
        workers.close()
        team.make_actor = real


def milliseconds(asks: list[float]) -> str:
    ranked = sorted(asks)
    return f"{1000 * statistics.median(ranked):.2f} ms, 99 of 100 within {1000 * ranked[int(0.99 * len(ranked))]:.2f}"


def use(count: int, simulated: bool, split: Split, seconds: float, epoch: float) -> None:
    space = space_for(trials_for(count, seconds, epoch))
    best = ideal_seconds(space, count, epoch)
    with folder_of_its_own() as folder, on_ray(count, split, folder, simulated) as workers:
        done = measure(space, workers, split, folder, epoch)
    kind = f"simulated, {SEATS} in an actor" if simulated else "real"
    print(
        f"{count:4} workers, {kind}: {done.trials} trials, {done.results} results in {done.seconds:.1f} s "
        f"({done.results / done.seconds:.0f} a second), ideally {best:.1f} s: use over the ideal "
        f"{best / done.seconds:.3f}; ask {milliseconds(done.asks)}; "
        f"coordinator's processor {100 * done.processor / done.seconds:.0f}%",
        flush=True,
    )


def most(trials: int, count: int, split: Split, through_ray: bool) -> None:
    """Workers that answer at once."""
    space = space_for(trials)
    with folder_of_its_own() as folder:
        if through_ray:
            with on_ray(count, split, folder, simulated=True) as workers:
                done = measure(space, workers, split, folder, 0.0)
        else:
            done = measure(space, SleepingWorkers(count), split, folder, 0.0)
        size = (folder / "state.db").stat().st_size
    kind = "through Ray" if through_ray else "in the coordinator's process"
    print(
        f"{count:4} workers that answer at once, {kind}: {done.results / done.seconds:.0f} results and "
        f"{done.trials / done.seconds:.0f} trials a second; ask {milliseconds(done.asks)}; "
        f"processor {100 * done.processor / done.seconds:.0f}%, {size / done.trials:.0f} bytes of state a trial",
        flush=True,
    )


def grow(trials: int, workers: int) -> None:
    """What the oracle alone needs for a large search: the workers' trials end in the order of their beginning."""
    began, before = time.perf_counter(), resident()
    space = space_for(trials)
    oracle = Watched(make_oracle(space))
    running: list[Trial] = []
    ended = 0
    while True:
        while len(running) < workers and (trial := oracle.ask()) is not None:
            running.append(trial)
        if not running:
            break
        oracle.finish((first := running.pop(0)).id, first.seed % 1000 / 1000)
        ended += 1
    print(
        f"{ended} trials asked for, {workers} at once: {milliseconds(oracle.asks)}; "
        f"{(time.perf_counter() - began) / ended * 1000:.2f} ms and {(resident() - before) / ended:.0f} bytes "
        "of memory a trial",
        flush=True,
    )


def resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextlib.contextmanager
def folder_of_its_own() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tk-") as name:
        yield Path(name)


def commit_time() -> str:
    """What the disk under the state takes for one."""
    with folder_of_its_own() as folder:
        state = State.create(folder / "state.db", {})
        taken = []
        for number in range(100):
            began = time.perf_counter()
            state.set_facts(number=number)
            taken.append(time.perf_counter() - began)
        state.close()
    return f"{1000 * statistics.median(taken):.2f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="that each search takes at best")
    parser.add_argument("--epoch", type=float, default=1.0, help="seconds of a mean trial's epoch")
    parser.add_argument("--real", type=int, nargs="*", default=[8])
    parser.add_argument("--simulated", type=int, nargs="*", default=[64, 256])
    parser.add_argument("--trials", type=int, default=3000, help="for the searches that do not sleep")
    parser.add_argument("--plan", type=int, default=100_000, help="trials that the oracle alone is asked for")
    options = parser.parse_args()
    print(f"A commit to the state takes {commit_time()} on this disk.", flush=True)
    with folder_of_its_own() as cache:
        space = space_for(1)
        split = split_of(space, prepare(DataSpec("digits"), cache))
        for count in options.real:
            use(count, False, split, options.seconds, options.epoch)
        for count in options.simulated:
            use(count, True, split, options.seconds, options.epoch)
        if options.trials:
            most(options.trials, max(options.simulated, default=256), split, through_ray=False)
            most(options.trials, max(options.simulated, default=256), split, through_ray=True)
    if options.plan:
        grow(options.plan, 1000)


if __name__ == "__main__":
    main()
