"""tunekit beside other tools on the same data, space, budget and machine, in turn, in one run.

All hold the same images out for validation, other ones with each seed.

    python benchmarks/side_by_side.py lenet5|gru keras-tuner optuna [--images 6000] [--repeats 5] [--as-long]

Prints for each tool the median of: seconds to the end, to the first batch and to a validation score that all reached
in all repeats, the best score, the most memory that its processes held together, and what it left on disk. tunekit's
time holds its whole way: data, pictures and record of every trial, and the winner's test, which the others do not do.
With --as-long tunekit goes on with further Hyperbands for the time that the first of the other tools has just taken:
what score the same time comes to.

Needs, beside tunekit: pip install optuna "optuna-integration[keras]" tensorboard
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from tunekit.data.prepared import open_arrays, prepare
from tunekit.data.split import split
from tunekit.search.state import State
from tunekit.space.space import DataSpec

HERE = Path(__file__).parent
SCRIPTS = {"keras-tuner": "keras_tuner_hyperband.py", "optuna": "optuna_hyperband.py"}
AS_LONG = "tunekit as long"
DATA = {"lenet5": "cifar10", "gru": "mnist"}
MIB = 2**20
HELD_OUT = 0.1
"""As the space files say, and the peers' script."""
LOOKED = 2.0
"""Seconds between two looks at the memory, which take processor time themselves."""


@dataclass(frozen=True)
class Run:
    """One run of one tool."""

    tool: str
    seconds: float
    first_batch: float
    """Seconds from the start until it trained."""
    scores: tuple[tuple[float, float], ...]
    """Seconds since the start, and the validation score of an epoch that ended then."""
    memory: int
    disk: int
    epochs: int

    @property
    def best(self) -> float:
        return max(score for _, score in self.scores)

    def seconds_to(self, score: float) -> float:
        return min(when for when, reached in self.scores if reached >= score)


def write_data(model: str, images: int, folder: Path) -> Path:
    """The same images for all; tunekit wants a test set, which it opens once at the end."""
    spec = DataSpec("tfds", DATA[model])
    prepared = prepare(spec, folder / "cache")
    x, y = open_arrays(prepared)
    chosen = np.random.default_rng(0).permutation(len(x))[: images + 1000]
    path = folder / "data.npz"
    train, test = chosen[:images], chosen[images:]
    np.savez(path, x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test])
    shutil.rmtree(folder / "cache")
    return path


def for_peers(data: Path, seed: int) -> Path:
    """The same images in an order in which those that tunekit holds out with this seed are the last tenth."""
    with np.load(data) as stored:
        arrays = dict(stored)
    parts = split(arrays["y_train"], HELD_OUT, None, seed)
    order = np.concatenate([parts.train, parts.validation])
    arrays |= {name: arrays[name][order] for name in ("x_train", "y_train")}
    path = data.with_name(f"peers-{seed}.npz")
    np.savez(path, **arrays)
    return path


def run(tool: str, model: str, data: Path, seed: int, more: Sequence[str] = ()) -> Run:
    """`more` are further options of `tunekit search`."""
    ours = tool in ("tunekit", AS_LONG)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if ours:
            shutil.copy(HERE / "peers" / f"{model}.yaml", folder)
            os.link(data, folder / "data.npz")
            command = ["-m", "tunekit", "search", f"{model}.yaml", "--seed", str(seed), *more]
        else:
            command = [str(HERE / "peers" / SCRIPTS[tool]), model, str(for_peers(data, seed)), str(seed)]
        began = time.time()
        seconds, memory = watched([sys.executable, *command], folder)
        first, scores = tunekits_epochs(folder, model) if ours else peers_epochs(folder)
        return Run(
            tool,
            seconds,
            first - began,
            tuple((when - began, score) for when, score in scores),
            memory,
            sum(
                path.stat().st_size
                for path in folder.rglob("*")
                if path.is_file() and path.name != "data.npz"
            ),
            len(scores),
        )


def for_as_long(runs: Sequence[Run], peer: str) -> list[str]:
    """Hyperbands one after the other, for the time that this tool has just taken with the same seed."""
    seconds = next(run.seconds for run in reversed(runs) if run.tool == peer)
    return ["--iterations", "99", "--time-budget", f"{int(seconds)}s"]


def watched(command: list[str], folder: Path) -> tuple[float, int]:
    """Seconds that the command took, and the most its processes held together."""
    most = 0
    began = time.perf_counter()
    with (folder / "told").open("w") as told:
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        process = subprocess.Popen(command, cwd=folder, stdout=told, stderr=told, env=environment)
        while process.poll() is None:
            most = max(most, memory_of(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOKED)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(folder / 'told').read_text()[-3000:]}")
    return seconds, most


def memory_of(pid: int) -> int:
    """Shared pages are counted once each process' share (PSS), so that mapped data do not count twice."""
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in [parent, *parent.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss
    return total


def peers_epochs(folder: Path) -> tuple[float, list[tuple[float, float]]]:
    lines = [line.split() for line in (folder / "watch").read_text().splitlines()]
    first = next(float(line[1]) for line in lines if line[0] == "first")
    return first, [(float(line[1]), float(line[2])) for line in lines if line[0] == "epoch"]


def tunekits_epochs(folder: Path, model: str) -> tuple[float, list[tuple[float, float]]]:
    state = State.open(folder / "mlruns" / "searches" / model / "state.db", write=False)
    records = state.records()
    epochs = [epoch for record in records for epoch in state.own_epochs(record.trial.id)]
    first = min(epochs, key=lambda timed: timed.ended)
    # When the epoch that ended first began; its worker was at its first batch soon after.
    began = first.ended - first.epoch.seconds
    return began, sorted((timed.ended, timed.epoch.metrics["val_accuracy"]) for timed in epochs)


def report(runs: list[Run], tools: list[str]) -> None:
    common = min(run.best for run in runs)
    print(
        f"\n{'':16}{'to the end':>12}{'first batch':>12}{f'to {common:.4f}':>12}{'best':>9}{'memory':>10}{'disk':>10}"
    )
    middle = {}
    for tool in tools:
        mine = [run for run in runs if run.tool == tool]
        seconds, to_score = (
            statistics.median(run.seconds for run in mine),
            statistics.median(run.seconds_to(common) for run in mine),
        )
        middle[tool] = seconds, to_score
        print(
            f"{tool:16}{seconds:10.1f} s{statistics.median(run.first_batch for run in mine):10.1f} s"
            f"{to_score:10.1f} s{statistics.median(run.best for run in mine):9.4f}"
            f"{statistics.median(run.memory for run in mine) / MIB:6.0f} MiB"
            f"{statistics.median(run.disk for run in mine) / MIB:6.0f} MiB"
        )
    *peers, own = tools
    ours, to_score = middle[own]
    for tool in peers:
        theirs, their_score = middle[tool]
        end = "" if own == AS_LONG else f"{theirs / ours:.2f} times as fast as {tool} to the end, "
        print(f"{own} is {end}{their_score / to_score:.2f} times as fast as {tool} to the score")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", choices=DATA)
    parser.add_argument("peers", nargs="+", choices=SCRIPTS)
    parser.add_argument("--images", type=int, default=6000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--as-long", action="store_true")
    options = parser.parse_args()
    tools = [*options.peers, AS_LONG if options.as_long else "tunekit"]
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as scratch:
        data = write_data(options.model, options.images, Path(scratch))
        for seed in range(1, options.repeats + 1):
            # Each tool comes first, in the middle and last, but for one that needs to know how long another took.
            turn = 0 if options.as_long else seed % len(tools)
            for tool in tools[turn:] + tools[:turn]:
                more = for_as_long(runs, tools[0]) if tool == AS_LONG else ()
                runs.append(run(tool, options.model, data, seed, more))
                last = runs[-1]
                print(
                    f"{tool:16} seed {seed}: {last.seconds:.1f} s, {last.epochs} epochs, best {last.best:.4f}, "
                    f"{last.memory / MIB:.0f} MiB, {last.disk / MIB:.0f} MiB left",
                    flush=True,
                )
        report(runs, tools)


if __name__ == "__main__":
    main()
