"""How much of the cores' arithmetic a training uses: floating-point operations a second over the measured peak.

    python benchmarks/efficiency.py [--images 2500] [--repeats 5]

For each model, trainings side by side in as many workers of one thread as there are cores, and one training with as
many threads; the last lines say how `--workers auto --threads auto` compares with the better of the two.
The peak is what a process for each core reaches together with the others in large float32 matrix products, measured
before every repeat. Operations are counted from the layers' shapes: a multiplication and an addition for each use of a
weight, once forwards and twice backwards, the first layer's inputs having no gradient. Activations, pooling and the
optimizer count nothing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training import made_up, train_all, train_job

from tunekit.results import Values
from tunekit.study.resources import choose, cores
from tunekit.trial.jobs import Split
from tunekit.workers.local import LocalWorkers

EPOCHS = 3
HELD_OUT = 0.04
COMMON: Values = {"optimizer": "adam", "learning_rate": 1e-3, "batch_size": 50}
PEAK = """
import time, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
a = tf.random.normal((2048, 2048)); step = tf.function(lambda: tf.reduce_sum(tf.matmul(a, a)))
step(); began, count = time.perf_counter(), 0
while time.perf_counter() - began < 4: step().numpy(); count += 1
print(2 * 2048**3 * count / (time.perf_counter() - began))
"""


@dataclass(frozen=True)
class Case:
    """One model, and the multiplications that an image needs forwards: of the first layer, and of the others."""

    name: str
    model: str
    shape: tuple[int, int, int]
    values: Values
    first: int
    others: int

    @property
    def operations(self) -> int:
        """Of one image in one training step."""
        return 2 * (2 * self.first + 3 * self.others)


def lenet5(units: int, precision: str) -> Case:
    values = COMMON | {"hidden_units": units, "batch_norm": True, "precision": precision}
    others = 16 * 16 * 25 * 32 * 64 + 8 * 8 * 64 * units + units * 10
    name = f"lenet5 {units} {precision}"
    return Case(name, "lenet5", (32, 32, 3), values, 32 * 32 * 25 * 3 * 32, others)


def recurrent(cell: str, units: int) -> Case:
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[cell]
    values = COMMON | {"cell": cell, "hidden_units": units}
    first, others = 28 * 28 * gates * units, 28 * units * gates * units + units * 10
    return Case(f"{cell} {units}", "recurrent", (28, 28, 1), values, first, others)


CASES = (
    lenet5(1024, "float32"),
    lenet5(1024, "bfloat16"),
    recurrent("rnn", 128),
    recurrent("lstm", 128),
    recurrent("gru", 128),
)


def peak(processes: int) -> float:
    """Operations a second of so many processes of one thread together."""
    running = [
        subprocess.Popen([sys.executable, "-c", PEAK], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in running)


def reached(case: Case, folder: Path, images: int, workers: int, threads: int) -> float:
    """Operations a second in the quickest epochs after the first, of all workers together."""
    prepared = made_up(folder, case.shape, images)
    pool = LocalWorkers(workers, threads, folder / "logs")
    try:
        names = [str(number + 1) for number in range(workers)]
        jobs = [
            train_job(name, case.model, case.values, Split(prepared, HELD_OUT, None, 0), EPOCHS, folder)
            for name in names
        ]
        trained = train_all(pool, jobs)
    finally:
        pool.close()
    count = round(images * (1 - HELD_OUT))
    return sum(case.operations * count / min(seconds[1:]) for _, seconds in trained.values())


def report(peaks: Sequence[float], found: Mapping[str, Mapping[tuple[int, int], Sequence[float]]]) -> None:
    best = statistics.median(peaks)
    print(
        f"\npeak of {cores()} cores: {best / 1e9:.0f} GFLOP/s ({min(peaks) / 1e9:.0f} to {max(peaks) / 1e9:.0f})"
    )
    auto = choose(None, None)
    for name, splits in found.items():
        for (workers, threads), shares in splits.items():
            middle = statistics.median(shares)
            print(
                f"{name:24} {workers} workers x {threads} threads: {middle:.2f} of the peak "
                f"({min(shares):.2f} to {max(shares):.2f}), {middle * best / 1e9:.0f} GFLOP/s"
            )
    for name, splits in found.items():
        medians = {split: statistics.median(shares) for split, shares in splits.items()}
        chosen = medians[auto.workers, auto.threads] / max(medians.values())
        print(f"{name:24} --workers auto ({auto.workers} x {auto.threads}) is {chosen:.2f} of the best split")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=2500)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    count = cores()
    peaks: list[float] = []
    found: dict[str, dict[tuple[int, int], list[float]]] = {case.name: {} for case in CASES}
    for repeat in range(options.repeats):
        peaks.append(peak(count))
        for case in CASES:
            for split in sorted({(count, 1), (1, count)}, reverse=bool(repeat % 2)):
                with tempfile.TemporaryDirectory() as scratch:
                    speed = reached(case, Path(scratch), options.images, *split)
                found[case.name].setdefault(split, []).append(speed / peaks[-1])
                print(f"{case.name:24} {split[0]}x{split[1]} {speed / peaks[-1]:.2f}", flush=True)
    report(peaks, found)


if __name__ == "__main__":
    main()
