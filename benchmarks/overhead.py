"""What a search costs over its trainings: the whole command over a bare loop, and with its record over without.

    python benchmarks/overhead.py gru-mnist [--trials 12] [--limit 6000] [--epochs 9] [--repeats 5] [--set layers=1]

A random search that varies the learning rate alone, so that all trainings take equally long. In turn, in one run:

- `tunekit search`, the whole command, with pictures, MLflow, test, export and report, on data that an earlier search
  has prepared;
- the same trials by tunekit's coordinator, without pictures and without MLflow;
- a bare loop: as many processes as workers, one thread each, that build, compile and fit the same models with plain
  Keras on the same images for the same epochs, one after the other.

With --record-alone it leaves the bare loop out. The wall time is that of the process; a bare loop tests no winner.
The span goes from the beginning of the first training to the end of the last one, so that it holds neither the start
nor the end of a process.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tunekit.data.prepared import prepare
from tunekit.oracles.tuners import make_oracle
from tunekit.results import Scalar, Trial, Values
from tunekit.search.coordinator import Coordinator
from tunekit.search.state import State
from tunekit.space.override import apply_settings
from tunekit.space.reader import read_space
from tunekit.space.shipped import find_space
from tunekit.space.space import Space
from tunekit.space.writer import write_space
from tunekit.study.home import Home
from tunekit.study.resources import Resources, choose
from tunekit.study.session import (
    Reporter,
    Session,
    Settings,
    create_state,
    make_workers,
    probe_space,
    split_of,
)
from tunekit.trial.backend import environment
from tunekit.trial.jobs import Split

FIXED: dict[str, Scalar] = {
    "optimizer": "adam",
    "dropout": 0.2,
    "batch_norm": True,
    "precision": "float32",
    "flip": False,
    "shift": 0,
}
"""Where the space has them: what changes the time of a step. All else is as large as it may be.

A bare loop does not augment.
"""


@dataclasses.dataclass(frozen=True)
class Taken:
    """Seconds of one way to train the same list."""

    span: float
    wall: float = 0.0


def narrowed(name: str, sets: Sequence[str], trials: int, limit: int, epochs: int) -> Space:
    """The space with its learning rate alone left open."""
    space = apply_settings(read_space(find_space(name)), sets)
    largest = {parameter.name: parameter.largest for parameter in space.parameters}
    values = space.active(largest | {name: value for name, value in FIXED.items() if name in largest})
    fixed = [f"{name}={value}" for name, value in values.items() if name != "learning_rate"]
    return apply_settings(space, fixed, tuner="random", max_trials=trials, limit=limit, max_epochs=epochs)


def span(state: State) -> float:
    """From the beginning of the first training to the end of the last."""
    records = state.records("trial")
    return max(record.ended or 0 for record in records) - min(record.started for record in records)


def whole(space: Space, folder: Path, prepared: Path) -> Taken:
    shutil.copytree(prepared, folder / "home" / "data", copy_function=os.link)
    file = folder / "space.yaml"
    file.write_text(write_space(space, "narrowed"))
    command = [sys.executable, "-m", "tunekit", "search", str(file), "--home", str(folder / "home"), "--json"]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    state = State.open(
        folder / "home" / "searches" / json.loads(done.stdout)["search"] / "state.db", write=False
    )
    return Taken(span(state), wall)


def without_record(space: Space, folder: Path, resources: Resources) -> Taken:
    home = Home(folder / "home")
    search = home.folder(space.name)
    search.path.mkdir(parents=True)
    settings = Settings(home, pictures=False)
    prepared = prepare(space.data, home.data.absolute())
    state = create_state(search, space, prepared, resources, fast=False)
    workers = make_workers(search, resources, settings)
    session = Session(
        search, home, space, state, workers, prepared, Reporter(), lambda: False, settings.pictures
    )
    try:
        workers.warm_up()
        # As a search does: a worker's first steps take a second or two longer.
        probe_space(space, prepared, workers, lambda: False)
        Coordinator(
            make_oracle(space), state, workers, session.train_job, search.checkpoints, space.objective
        ).run()
        return Taken(span(state))
    finally:
        workers.close()


def bare(space: Space, split: Split, trials: Sequence[Trial], resources: Resources) -> Taken:
    os.environ |= environment(resources.threads, deterministic=False)
    began = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with context.Pool(resources.workers, _configure, (resources.threads,)) as pool:
        jobs = [(space.model, dict(trial.values), trial.seed, trial.epochs, split) for trial in trials]
        spans = pool.starmap(_fit, jobs, chunksize=1)
    wall = time.perf_counter() - began
    return Taken(max(end for _, end in spans) - min(start for start, _ in spans), wall)


def _configure(threads: int) -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def _fit(model_name: str, values: Values, seed: int, epochs: int, split: Split) -> tuple[float, float]:
    """Build, compile and fit; when it began and ended."""
    from tunekit.models.build import build
    from tunekit.space.vocabulary import complete
    from tunekit.trial.train import arrays, image_shape, validation_arrays
    from tunekit.trial.training import compile_model

    began = time.time()
    x, y, indices, _ = arrays(split)
    model = build(model_name, values, image_shape(split.prepared), seed)
    completed = complete(model_name, values)
    batch = int(completed["batch_size"])
    compile_model(model, completed, -(-len(indices) // batch), epochs)
    model.fit(
        x[indices],
        y[indices],
        batch_size=batch,
        epochs=epochs,
        validation_data=validation_arrays(split),
        verbose=0,
    )
    return began, time.time()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("space")
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--limit", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE", dest="sets")
    parser.add_argument("--record-alone", action="store_true")
    options = parser.parse_args()
    space = narrowed(options.space, options.sets, options.trials, options.limit, options.epochs)
    resources = choose(None, None)
    ways: dict[str, list[Taken]] = {"tunekit": [], "unrecorded": []}
    if not options.record_alone:
        ways["bare loop"] = []
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "data"
        split = split_of(space, prepare(space.data, prepared))
        trials = listed(space)
        for repeat in range(options.repeats):
            for way in ways if repeat % 2 else reversed(ways):
                folder = Path(scratch) / f"{way}{repeat}"
                folder.mkdir()
                if way == "tunekit":
                    taken = whole(space, folder, prepared)
                elif way == "unrecorded":
                    taken = without_record(space, folder, resources)
                else:
                    taken = bare(space, split, trials, resources)
                ways[way].append(taken)
                print(f"{way:12} wall {taken.wall:6.1f} s, span {taken.span:6.1f} s", flush=True)
    report(ways, options.trials, resources)


def listed(space: Space) -> list[Trial]:
    """The trials that the search asks for."""
    oracle = make_oracle(space)
    trials = []
    while trial := oracle.ask():
        trials.append(trial)
        oracle.finish(trial.id, 0.5)
    return trials


def report(ways: dict[str, list[Taken]], trials: int, resources: Resources) -> None:
    tunekit, unrecorded, *bare = ways.values()
    plain = (bare or [unrecorded])[0]
    each = statistics.median(taken.span for taken in plain) * resources.workers / trials
    print(
        f"\n{trials} trials of {each:.1f} s on {resources.workers} workers of {resources.threads} thread(s):"
    )
    compare("span over that without recording", tunekit, unrecorded, lambda taken: taken.span)
    for loop in bare:
        compare("span over a bare loop's", tunekit, loop, lambda taken: taken.span)
        compare("wall time over a bare loop's", tunekit, loop, lambda taken: taken.wall)


def compare(
    what: str, ours: Sequence[Taken], others: Sequence[Taken], seconds: Callable[[Taken], float]
) -> None:
    ratios = [seconds(one) / seconds(other) for one, other in zip(ours, others, strict=True)]
    print(f"{what:34} {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
